/** What a span may tell of: sizes, kinds and states. Never an id, an amount, or a text of a client's. */
export type SpanFact = string | number | boolean;

/** A stretch of work in a trace. */
export interface Span {
  /** Null: the trace is not recorded. */
  readonly traceId: string | null;
  set(name: string, fact: SpanFact): void;
  /** It went wrong. @param code a stable one, and not a message. */
  fail(code: string): void;
  /** More than once is once. */
  end(): void;
}

/** The headers by which a caller says of which trace its request is a part, by W3C Trace Context. */
export interface TraceHeaders {
  readonly traceparent?: string | undefined;
  readonly tracestate?: string | undefined;
}

export interface SpanOptions {
  /** `server`: for somebody who asked us; `client`: we ask somebody. Default: neither. */
  readonly kind?: 'server' | 'client';
  /** What it is a part of; null: nothing. Default: the work in which it begins. */
  readonly parent?: Span | null;
  /** The caller's, where that is what it is a part of. */
  readonly caller?: TraceHeaders;
  /** What it is done for as well: several wait for the same. */
  readonly links?: readonly Span[];
}

/** How many spans have ended, and how many of those were sent, or could not be. */
export interface SpanCounts {
  readonly ended: number;
  readonly exported: number;
  readonly failed: number;
}

/** Whoever records traces. */
export interface Tracing {
  readonly counts: SpanCounts;
  begin(name: string, options?: SpanOptions): Span;
  /** Runs work, and all that it begins, as a part of a span. */
  within<T>(span: Span, work: () => T): T;
  /** The span of the work in which this is called; null: none. */
  current(): Span | null;
}

/**
 * Who records traces in this process; null, as it mostly is: nobody, and all that it costs is to look. It is one for the whole process, since
 * what is traced goes through all layers of it, and since what it runs in, asynchronous contexts, are the process's too.
 */
export const tracer: { current: Tracing | null } = { current: null };

/**
 * Runs work in a span of its own, where anybody records traces.
 * @param facts asked for then only.
 */
export function traced<T>(
  name: string,
  facts: () => { readonly [name: string]: SpanFact },
  work: () => Promise<T>,
  options?: SpanOptions,
): Promise<T> {
  const tracing = tracer.current;
  if (tracing === null) return work();
  const span = tracing.begin(name, options);
  if (span.traceId === null) return tracing.within(span, work);
  for (const [fact, value] of Object.entries(facts())) span.set(fact, value);
  const begun = tracing.within(span, work);
  endWith(span, begun);
  return begun;
}

/**
 * How work is begun that is done for several together: as a part of the first whose trace is recorded, and linked to the others. Where none
 * is, as a part of one of them: it is not recorded either.
 */
export function together(spans: readonly Span[]): { readonly parent: Span | null; readonly links: readonly Span[] } {
  const [first, ...links] = spans.filter(({ traceId }) => traceId !== null);
  return { parent: first ?? spans[0] ?? null, links };
}

/** Ends a span when work does that has begun. */
export function endWith(span: Span, work: Promise<unknown>): void {
  work.then(
    () => span.end(),
    (error) => {
      span.fail(codeOf(error));
      span.end();
    },
  );
}

/** Never its message, which may hold anything. */
export function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  const { code } = error as { readonly code?: unknown };
  return typeof code === 'string' ? code : error.name;
}
