import { type Span, type TraceHeaders, tracer } from '../measure/index.ts';
import { graphqlPath } from './graphql/pipeline.ts';

/** The span of a request by HTTP; null where nobody traces. @param method one that is served, and not the client's own word. */
export function requestSpan(method: string, caller: TraceHeaders): Span | null {
  if (tracer.current === null) return null;
  const span = tracer.current.begin(`${method} ${graphqlPath}`, { kind: 'server', caller });
  span.set('http.request.method', method);
  span.set('http.route', graphqlPath);
  return span;
}

/**
 * The span of an operation by WebSocket, where there are no headers; null where nobody traces.
 * @param told of which trace it is: by its own `extensions`, else by the payload of its connection.
 */
export function operationSpan(...told: readonly (TraceTold | null | undefined)[]): Span | null {
  if (tracer.current === null) return null;
  const { traceparent = '', tracestate = '' } = told.find((one) => one?.traceparent !== undefined) ?? {};
  const caller = { traceparent: String(traceparent), tracestate: String(tracestate) };
  return tracer.current.begin(`WebSocket ${graphqlPath}`, { kind: 'server', caller });
}

/** What the payload of a connection says of its trace, which is all that is kept of it; undefined where nobody traces. */
export function traceTold(payload: TraceTold | undefined): TraceTold | undefined {
  if (tracer.current === null || payload?.traceparent === undefined) return undefined;
  const { traceparent, tracestate = '' } = payload;
  return { traceparent: String(traceparent), tracestate: String(tracestate) };
}

/** What a client says, whatever that is. */
type TraceTold = { readonly [name: string]: unknown };

/** It was answered, or its stream stands. */
export function endRequest(span: Span | null, status: number): void {
  if (span === null) return;
  span.set('http.response.status_code', status);
  if (status >= 500) span.fail(String(status));
  span.end();
}

/** Runs work as a part of a span, if there is one. */
export function within<T>(span: Span | null, work: () => T): T {
  return span === null || tracer.current === null ? work() : tracer.current.within(span, work);
}
