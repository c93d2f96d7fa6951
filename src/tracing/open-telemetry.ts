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
  readonly traceId: string | null;
  readonly context: Context;
  readonly #span: OtelSpan;
  #isOver = false;

  constructor(span: OtelSpan, parent: Context) {
    this.#span = span;
    this.context = trace.setSpan(parent, span).setValue(ownSpan, this);
    const { traceId, traceFlags } = span.spanContext();
    this.traceId = (traceFlags & TraceFlags.SAMPLED) === 0 ? null : traceId;
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

const ownSpan = Symbol('the span that a context is of');

/** Records traces by OpenTelemetry's API, whose provider, contexts and propagation must have been registered. */
export class OpenTelemetryTracing implements Tracing {
  readonly #tracer: Tracer;
  readonly counts: SpanCounts;

  constructor(tracer: Tracer, counts: SpanCounts) {
    this.#tracer = tracer;
    this.counts = counts;
  }

  begin(name: string, { kind, parent, caller, links = [] }: SpanOptions = {}): Span {
    const before = caller ? propagation.extract(ROOT_CONTEXT, caller) : contextOf(parent);
    const span = this.#tracer.startSpan(
      name,
      {
        ...(kind && { kind: kinds[kind] }),
        ...(links.length > 0 && { links: links.map((link) => ({ context: (link as RecordedSpan).spanContext })) }),
      },
      before,
    );
    return new RecordedSpan(span, before);
  }

  within<T>(span: Span, work: () => T): T {
    return context.with((span as RecordedSpan).context, work);
  }

  current(): Span | null {
    return (context.active().getValue(ownSpan) as RecordedSpan | undefined) ?? null;
  }
}

function contextOf(parent: Span | null | undefined): Context {
  if (parent === undefined) return context.active();
  return parent === null ? ROOT_CONTEXT : (parent as RecordedSpan).context;
}
