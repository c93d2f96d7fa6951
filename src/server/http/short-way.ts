import type { GraphQLSchema } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Logger } from 'pino';
import { UnavailableError } from '../../engine/index.ts';
import { type Activity, type CompiledOperation, HotOperations, type Ran } from '../../graphql/index.ts';
import type { Backend } from '../graphql/pipeline.ts';
import type { RequestContext } from '../graphql/request-context.ts';

/** What a body asks for, as GraphQL over HTTP has it. */
export interface Parameters {
  readonly query: string;
  readonly operationName: string | null;
  readonly variables: { readonly [name: string]: unknown };
}

/** Which way requests went. */
export interface WayCounts {
  /** They were answered by a compiled operation. */
  short: number;
  /** A compiled operation had begun with them, and left them to the reference. */
  left: number;
}

export interface ShortWayOptions {
  readonly schema: GraphQLSchema;
  /** Throws UnavailableError while there is nothing. */
  readonly backend: () => Backend;
  readonly activity: Activity;
  readonly log: Logger;
}

/** More values than the limit take more text than this (see `values` of the limits): each has a character, and one behind it. */
const textOfFewValues = 100_000;

const known: ReadonlySet<string> = new Set(['query', 'operationName', 'variables', 'extensions']);

const nothingDone: Ran = { kind: 'left', ahead: null };

/** Answers what has been asked often by compiled operations. All else, and whatever goes wrong, is for the reference: Yoga. */
export class ShortWay {
  readonly counts: WayCounts = { short: 0, left: 0 };
  readonly hot: HotOperations;
  readonly #backend: () => Backend;
  readonly #activity: Activity;
  readonly #log: Logger;

  constructor({ schema, backend, activity, log }: ShortWayOptions) {
    this.hot = new HotOperations(schema);
    this.#backend = backend;
    this.#activity = activity;
    this.#log = log;
  }

  /**
   * @param body as it was parsed.
   * @param text the same, as it came.
   * @returns null: nothing was begun.
   */
  async run(body: unknown, text: string): Promise<Ran | null> {
    const parameters = text.length <= textOfFewValues ? parametersOf(body) : null;
    const operation = parameters && this.hot.find(parameters, parameters.variables);
    if (!operation) return null;
    const begun = performance.now();
    const ran = await this.#attempt(operation, parameters);
    if (ran.kind === 'written') {
      this.counts.short += 1;
      this.#activity.countRequest(performance.now() - begun);
    } else this.counts.left += 1;
    return ran;
  }

  async #attempt(operation: CompiledOperation, { variables }: Parameters): Promise<Ran> {
    try {
      return await operation.run(variables, { engine: this.#backend().engine, activity: this.#activity });
    } catch (error) {
      if (!(error instanceof UnavailableError)) this.#log.error({ err: error }, 'A compiled operation failed');
      return nothingDone;
    }
  }

  /** Learns from the reference what is executed again and again; gives it what was parsed, and done, before. */
  plugin(): Plugin<RequestContext> {
    return {
      onRequestParse({ serverContext, setRequestParser }) {
        const { http } = serverContext as unknown as RequestContext;
        if (http?.body !== undefined) setRequestParser(() => http.body as never);
      },
      onExecute: ({ args }) => {
        const { http, params } = args.contextValue as unknown as RequestContext & { readonly params: object };
        const parameters = http ? parametersOf(params) : null;
        if (parameters) this.hot.note(parameters, args.document);
      },
    };
  }
}

/** Null for all that is not plainly one operation. */
function parametersOf(body: unknown): Parameters | null {
  if (!isObject(body)) return null;
  for (const name in body) if (!known.has(name)) return null;
  const { query, operationName = null, variables, extensions } = body;
  if (typeof query !== 'string' || (operationName !== null && typeof operationName !== 'string')) return null;
  if (!isObject(variables ?? {}) || !isObject(extensions ?? {}) || operationName === '') return null;
  return { query, operationName, variables: (variables ?? {}) as Parameters['variables'] };
}

function isObject(value: unknown): value is { readonly [name: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
