import type { RequestSeries } from '../../graphql/index.ts';

/**
 * Counts a request by what it came to: a result, or a stream of them, which is one that stands.
 * @param receivedAt when all of it had come, by `performance.now()`.
 */
export function countResult(series: RequestSeries, result: unknown, receivedAt: number): void {
  const tookMs = performance.now() - receivedAt;
  const [error] = errorsOf(result);
  if (error === undefined) series.answered(tookMs);
  else series.failed(error.extensions?.code, tookMs);
}

interface CodedError {
  readonly extensions?: { readonly code?: unknown };
}

function errorsOf(result: unknown): readonly CodedError[] {
  const { errors } = (result ?? {}) as { readonly errors?: readonly CodedError[] };
  return errors ?? [];
}
