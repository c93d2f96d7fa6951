import { errorCodes } from './errors.ts';
import { Latencies } from './latencies.ts';

/** What a request came by: GraphQL over HTTP, over SSE in either mode, or over WebSocket. */
export type Protocol = 'http' | 'sse' | 'websocket';

/** What was asked for; `none`: it was refused before that was known. */
export type OperationKind = 'query' | 'mutation' | 'subscription' | 'none';

/** What clients may be told. A team's own codes count as `other`. */
const codes = ['BAD_REQUEST', 'GRAPHQL_VALIDATION_FAILED', 'RATE_LIMITED', ...errorCodes] as const;

/** How a request may end: `ok`, or with the code of the first of its errors, whether there was data beside it or not. */
export const requestOutcomes = ['ok', ...codes, 'other'] as const;
export type RequestOutcome = (typeof requestOutcomes)[number];

const known: ReadonlySet<unknown> = new Set(codes);

/** Of requests that came by one protocol and asked for one kind of operation. */
export class RequestSeries {
  /** How long they took from when they had come until they were answered; subscriptions until they stood. */
  readonly latencies = new Latencies();
  readonly #outcomes = new Map<RequestOutcome, number>();
  /** Most are. */
  #ok = 0;

  answered(durationMs: number): void {
    this.#ok += 1;
    this.latencies.record(durationMs);
  }

  /** @param code of the first error. */
  failed(code: unknown, durationMs: number): void {
    const outcome = known.has(code) ? (code as RequestOutcome) : 'other';
    this.#outcomes.set(outcome, (this.#outcomes.get(outcome) ?? 0) + 1);
    this.latencies.record(durationMs);
  }

  get outcomes(): ReadonlyMap<RequestOutcome, number> {
    return new Map([['ok', this.#ok], ...this.#outcomes]);
  }
}

/** Requests by what they came by and what they asked for. */
export class RequestCounts {
  readonly #series = new Map<Protocol, Map<OperationKind, RequestSeries>>();

  of(protocol: Protocol, operation: OperationKind): RequestSeries {
    const ofProtocol = this.#series.get(protocol) ?? new Map<OperationKind, RequestSeries>();
    this.#series.set(protocol, ofProtocol);
    const series = ofProtocol.get(operation) ?? new RequestSeries();
    ofProtocol.set(operation, series);
    return series;
  }

  *all(): Iterable<readonly [Protocol, OperationKind, RequestSeries]> {
    for (const [protocol, ofProtocol] of this.#series) {
      for (const [operation, series] of ofProtocol) yield [protocol, operation, series];
    }
  }
}
