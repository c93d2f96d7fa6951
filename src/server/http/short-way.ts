import { type DocumentNode, type GraphQLSchema, parse, validate } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Logger } from 'pino';
import type { Caller } from '../../access/index.ts';
import { UnavailableError } from '../../engine/index.ts';
import {
  type Activity,
  type Admits,
  type CompiledOperation,
  defaultQueryLimits,
  excesses,
  HotOperations,
  holdsTooMuch,
  type Ran,
  type RequestSeries,
  type TrustedDocuments,
} from '../../graphql/index.ts';
import { traced, tracer } from '../../measure/index.ts';
import type { Backend } from '../backend.ts';
import type { RequestContext } from '../graphql/request-context.ts';
import type { Client, RateLimiter } from '../rates/rate-limiter.ts';
import { currentRequestId } from '../request-id.ts';
import { type Parameters, plainParameters, type SentBody } from './sent-body.ts';

/** Which way requests went. */
export interface WayCounts {
  /** They were answered by a compiled operation. */
  short: number;
  /** And that without Node's HTTP (see PlainConnection). */
  plain: number;
  /** A compiled operation had begun with them, and left them to the reference. */
  left: number;
  /** They were answered by the reference, those among them that were left to it. */
  reference: number;
}

export interface ShortWayOptions {
  readonly schema: GraphQLSchema;
  /** Throws UnavailableError while there is nothing. */
  readonly backend: () => Backend;
  readonly activity: Activity;
  readonly log: Logger;
  readonly documents: TrustedDocuments;
  readonly rates: RateLimiter | null;
  /** After how many executions an operation is compiled; default 3. */
  readonly hotAfter?: number | undefined;
}

/** Each value takes a character, and one behind it. */
const textOfFewValues = 2 * defaultQueryLimits.values;

const nothingDone: Ran = { kind: 'left', ahead: null };

/** Answers what has been asked often by compiled operations. All else, and whatever goes wrong, is for the reference: Yoga. */
export class ShortWay {
  readonly counts: WayCounts = { short: 0, plain: 0, left: 0, reference: 0 };
  readonly hot: HotOperations;
  readonly #backend: () => Backend;
  readonly #activity: Activity;
  readonly #log: Logger;
  readonly #documents: TrustedDocuments;
  readonly #series: { readonly [kind in CompiledOperation['kind']]: RequestSeries };
  readonly #rates: RateLimiter | null;

  constructor({ schema, backend, activity, log, documents, rates, hotAfter }: ShortWayOptions) {
    this.hot = new HotOperations(schema, (error) => this.#logFault(error), hotAfter);
    this.#documents = documents;
    this.#rates = rates;
    for (const text of documents.texts) this.hot.warm(text, parseValid(schema, text));
    this.#backend = backend;
    this.#activity = activity;
    const { requests } = activity;
    this.#series = { query: requests.of('http', 'query'), mutation: requests.of('http', 'mutation') };
    this.#log = log;
  }

  /** Whoever asks again is told of the same run. @returns null: nothing was begun. */
  run(sent: SentBody, caller: Caller, client: Client): Promise<Ran> | null {
    sent.ran ??= this.#begin(sent, caller, client);
    return sent.ran;
  }

  #begin(sent: SentBody, caller: Caller, client: Client): Promise<Ran> | null {
    const { parsed, text } = sent;
    const parameters = plainParameters(parsed, this.#documents);
    const operation = parameters && this.hot.find(parameters, parameters.variables);
    if (!operation || (text.length > textOfFewValues && holdsTooMuch(parameters.variables))) return null;
    if (!operation.isFor(caller)) return null;
    const admits = this.#rates?.limitsCost ? admission(this.#rates, sent, client) : null;
    return this.#run(operation, parameters, caller, admits);
  }

  async #run(
    operation: CompiledOperation,
    { variables }: Parameters,
    caller: Caller,
    admits: Admits | null,
  ): Promise<Ran> {
    const begun = performance.now();
    let ran: Ran = nothingDone;
    try {
      const context = { caller, engine: this.#backend().engine, activity: this.#activity };
      const run = () => operation.run(variables, context, admits);
      const facts = () => ({ 'graphql.operation.type': operation.kind, 'freshet.compiled': true });
      // Mostly nobody traces, and what has no need to wait then does not.
      ran = await (tracer.current === null ? run() : traced('graphql.execute', facts, async () => run()));
    } catch (error) {
      if (!(error instanceof UnavailableError)) this.#logFault(error);
    }
    if (ran.kind === 'written') {
      this.counts.short += 1;
      this.#series[operation.kind].answered(performance.now() - begun);
    } else this.counts.left += 1;
    return ran;
  }

  #logFault(error: unknown): void {
    this.#log.error({ err: error, requestId: currentRequestId() }, 'An operation could not be compiled, or run so');
  }

  /** Learns from the reference what is executed again and again; gives it what was parsed, and done, before. */
  plugin(): Plugin<RequestContext> {
    return {
      onRequestParse({ serverContext, setRequestParser }) {
        const { http } = serverContext as unknown as RequestContext;
        const body = http?.sent?.parsed;
        if (body) setRequestParser(() => body as never);
      },
      onExecute: ({ args }) => {
        const { http, params } = args.contextValue as unknown as RequestContext & { readonly params: object };
        const parameters = http ? plainParameters(params, this.#documents) : null;
        if (parameters) this.hot.note(parameters, args.document);
      },
    };
  }
}

/** Asks the client's bucket, and keeps the answer with what was sent: the reference is not to ask again. */
function admission(rates: RateLimiter, sent: SentBody, client: Client): Admits {
  const admit = (waitMs: number) => {
    sent.paid = waitMs === 0 || { waitMs };
    return waitMs === 0;
  };
  return (cost) => {
    // The reference says that it never can be let through; nothing is counted of it there.
    if (cost > rates.mostCost) return false;
    const waitMs = rates.cost(client, cost);
    return typeof waitMs === 'number' ? admit(waitMs) : waitMs.then(admit);
  };
}

/** @throws Error, in words for whoever deploys it. */
function parseValid(schema: GraphQLSchema, text: string): DocumentNode {
  const document = parse(text);
  const [error] = [...excesses(document, defaultQueryLimits), ...validate(schema, document)];
  if (error) throw new Error(`A trusted document cannot be served: ${error.message}\n${text}`);
  return document;
}
