import {
  type Context,
  context,
  type Span as OtelSpan,
  propagation,
  ROOT_CONTEXT,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import type { Span, SpanCounts, SpanFact, SpanOptions, Tracing } from '../measure/index.ts';

const kinds = { server: SpanKind.SERVER, client: SpanKind.CLIENT } as const;

/** A span of OpenTelemetry's, with the context in which its parts begin. */
class RecordedSpan implements Span {
  readonly traceId: string;
  readonly context: Context;
  readonly #span: OtelSpan;
  #isOver = false;

  constructor(span: OtelSpan, parent: Context) {
    this.#span = span;
    this.context = trace.setSpan(parent, span).setValue(ownSpan, this);
    this.traceId = span.spanContext().traceId;
  }

  get spanContext(): SpanContext {
    return this.#span.spanContext();
  }

  set(name: string, fact: SpanFact): void {
    this.#span.setAttribute(name, fact);
  }

  fail(code: string): void {
    this.#span.setAttribute('error.type', code);
    this.#span.setStatus({ code: SpanStatusCode.ERROR });
  }

  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#span.end();
  }
}

/** Of a trace that is not recorded: one stands for all of its spans. */
class UnrecordedSpan implements Span {
  readonly traceId = null;
  readonly context: Context;

  constructor(parent: Context) {
    this.context = parent.setValue(ownSpan, this);
  }

  set(): void {}
  fail(): void {}
  end(): void {}
}

const ownSpan = Symbol('the span that a context is of');

/** Records traces by OpenTelemetry's API, whose provider, contexts and propagation must have been registered. */
export class OpenTelemetryTracing implements Tracing {
  readonly #tracer: Tracer;
  readonly counts: SpanCounts;

  constructor(tracer: Tracer, counts: SpanCounts) {
    this.#tracer = tracer;
    this.counts = counts;
  }

  begin(name: string, { kind, parent, caller, links }: SpanOptions = {}): Span {
    const within = caller ? null : parent === undefined ? this.current() : parent;
    if (within instanceof UnrecordedSpan) return within;
    const before = caller?.traceparent
      ? propagation.extract(ROOT_CONTEXT, caller)
      : ((within as RecordedSpan | null)?.context ?? ROOT_CONTEXT);
    const linked = links
      ?.filter((link) => link instanceof RecordedSpan)
      .map(({ spanContext }) => ({ context: spanContext }));
    const span = this.#tracer.startSpan(
      name,
      { ...(kind && { kind: kinds[kind] }), ...(linked && { links: linked }) },
      before,
    );
    const isRecorded = (span.spanContext().traceFlags & TraceFlags.SAMPLED) !== 0;
    return isRecorded ? new RecordedSpan(span, before) : new UnrecordedSpan(before);
  }

  within<T>(span: Span, work: () => T): T {
    const { context: own } = span as RecordedSpan | UnrecordedSpan;
    return context.active() === own ? work() : context.with(own, work);
  }

  current(): Span | null {
    return (context.active().getValue(ownSpan) as RecordedSpan | UnrecordedSpan | undefined) ?? null;
  }
}
