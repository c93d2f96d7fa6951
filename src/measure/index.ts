export { CallTimes } from './call-times.ts';
export { durationBounds, Histogram, sizeBounds } from './histogram.ts';
export type { Span, SpanCounts, SpanFact, SpanOptions, TraceHeaders, Tracing } from './tracing.ts';
export { codeOf, endWith, together, traced, tracer } from './tracing.ts';
