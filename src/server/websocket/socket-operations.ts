import { type ExecutionArgs, type GraphQLError, getOperationAST } from 'graphql';
import { makeServer, type OperationResult, type Server, type SubscribeMessage } from 'graphql-ws';
import type { Caller } from '../../access/index.ts';
import {
  contractError,
  deniedOperation,
  type OperationKind,
  PushedMessages,
  WatchMessages,
} from '../../graphql/index.ts';
import type { Span } from '../../measure/index.ts';
import { endingReasons } from '../entrance.ts';
import { countResult } from '../graphql/count-result.ts';
import type { Operations } from '../graphql/operations.ts';
import { type GraphQLPipeline, unavailable } from '../graphql/pipeline.ts';
import type { RequestContext } from '../graphql/request-context.ts';
import { shownError, shownResult } from '../graphql/shown-result.ts';
import type { Guard } from '../guard/guard.ts';
import { tooManyHeld, tooManyRequests } from '../rates/rate-limited.ts';
import type { Client } from '../rates/rate-limiter.ts';
import { runApartAs, runAs } from '../request-id.ts';
import { operationSpan, traceTold, within } from '../request-span.ts';
import { Outlet } from './outlet.ts';
import type { SocketCaller } from './socket-caller.ts';
import type { SocketWriter } from './socket-writer.ts';
import type { Turns } from './turns.ts';

/** Of one socket; each may watch a thousand entities. */
const maxSubscriptions = 2_000;

/** What a socket has beside what graphql-ws knows of it. */
export interface SocketExtra extends Record<PropertyKey, unknown> {
  /** Of the handshake. */
  readonly requestId: string;
  /** By whom it is counted. */
  readonly client: () => Client;
  readonly turns: Turns;
  readonly writer: SocketWriter;
  readonly operations: Operations;
  readonly who: SocketCaller;
}

type Execute = (args: ExecutionArgs) => OperationResult;

/** What `onSubscribe` makes of a message, and `execute` and `subscribe` get. */
type PipelineArgs = ExecutionArgs & {
  readonly execute: Execute;
  readonly subscribe: Execute;
  readonly id: string;
  readonly extra: SocketExtra;
  /** Only where it is traced. */
  readonly span?: Span;
};

/** What a client asks on a socket, and of whom. */
interface Asked {
  readonly id: string;
  readonly extra: SocketExtra;
  readonly payload: SubscribeMessage['payload'];
  /** By id; null: not begun. */
  readonly subscriptions: Readonly<Record<string, unknown>>;
  /** By `performance.now()`. */
  readonly receivedAt: number;
  readonly span: Span | null;
}

export interface SocketOperationsOptions {
  readonly pipeline: GraphQLPipeline;
  readonly guard: Guard;
  /** Nothing new is begun any more. */
  readonly isGoingAway: () => boolean;
}

/** What operations go through that come by `graphql-transport-ws`: the same pipeline as those of HTTP. */
export class SocketOperations {
  readonly protocol: Server<SocketExtra>;
  readonly #pipeline: GraphQLPipeline;
  readonly #guard: Guard;
  readonly #isGoingAway: () => boolean;

  constructor({ pipeline, guard, isGoingAway }: SocketOperationsOptions) {
    this.#pipeline = pipeline;
    this.#guard = guard;
    this.#isGoingAway = isGoingAway;
    const { mask } = pipeline;
    this.protocol = makeServer<Record<string, unknown>, SocketExtra>({
      onConnect: (context) => {
        const { connectionParams, extra } = context;
        // It would be held for as long as the socket is open.
        Object.assign(context, { connectionParams: traceTold(connectionParams) });
        return extra.who.admit(connectionParams);
      },
      onSubscribe: ({ extra, subscriptions, connectionParams }, id, sent) => {
        const receivedAt = performance.now();
        const payload = takeOut(sent);
        const span = operationSpan(payload.extensions, connectionParams);
        return this.#begin({ id, extra, payload, subscriptions, receivedAt, span });
      },
      execute: (args) => this.#run(args as PipelineArgs, 'execute'),
      subscribe: (args) => this.#run(args as PipelineArgs, 'subscribe'),
      onNext: (_context, _id, _payload, _args, result) => (result.errors ? shownResult(result) : undefined),
      onError: ({ extra: { requestId } }, _id, _payload, errors) =>
        runAs(requestId, () => errors.map((error) => shownError(mask(error)))),
    });
  }

  #begin(asked: Asked): Promise<PipelineArgs | readonly GraphQLError[]> {
    const { extra, receivedAt, span } = asked;
    return runApartAs(extra.requestId, async () => {
      const begun = await within(span, () => this.#prepare(asked));
      if (!Array.isArray(begun)) return begun;
      this.#count('none', { errors: begun }, receivedAt);
      span?.fail('refused');
      span?.end();
      return begun;
    });
  }

  /** Everything short of executing it. Never throws: that would close the socket, with all its subscriptions. */
  async #prepare(asked: Asked): Promise<PipelineArgs | readonly GraphQLError[]> {
    if (this.#isGoingAway()) return [unavailable('The server is shutting down: connect again')];
    const { id, extra, payload, subscriptions, receivedAt, span } = asked;
    const { requestId, client } = extra;
    const { operationName, variables: variableValues } = payload;
    const { yoga, mask, documents } = this.#pipeline;
    const caller = extra.who.caller as Caller;
    try {
      const waitMs = (await this.#guard.rates?.request(client())) ?? 0;
      if (waitMs > 0) return [tooManyRequests(waitMs)];
      const ended = caller.endedAt(Date.now());
      if (ended) return [contractError('UNAUTHENTICATED', endingReasons[ended])];
      const { parse, validate, contextFactory, execute, subscribe, schema } = yoga.getEnveloped({
        requestId,
        client: client(),
        receivedAt,
        caller,
      });
      const document = parse(documents.textOf(payload) as string);
      const errors: readonly GraphQLError[] = validate(schema, document);
      if (errors.length > 0) return errors;
      const operation = getOperationAST(document, operationName);
      if (!operation) {
        return [contractError('BAD_USER_INPUT', 'operationName does not name one operation of the query')];
      }
      const denied = deniedOperation({ schema, document, operationName, variableValues }, caller);
      if (denied) return [denied];
      if (operation.operation === 'subscription' && countOpen(subscriptions) >= maxSubscriptions) {
        return [tooManySubscriptions()];
      }
      const contextValue = await contextFactory();
      const args = { schema, document, operationName, variableValues, contextValue, execute, subscribe, id, extra };
      return span ? { ...args, span } : args;
    } catch (error) {
      return [mask(error)];
    }
  }

  /** Never throws: that would close the socket, with all its subscriptions. */
  async #run(args: PipelineArgs, how: 'execute' | 'subscribe') {
    const { id, extra, span = null } = args;
    const { receivedAt } = args.contextValue as RequestContext;
    const operation = getOperationAST(args.document, args.operationName)?.operation ?? 'none';
    const run = async () => (how === 'execute' ? this.#execute(args) : this.#subscribe(args));
    const running = span === null ? run() : within(span, run).finally(() => span.end());
    const result = await running.catch((error: unknown) =>
      runAs(extra.requestId, () => ({ errors: [this.#pipeline.mask(error)] })),
    );
    this.#count(operation, result, receivedAt);
    if (how === 'subscribe' && Symbol.asyncIterator in result) extra.turns.streams(id);
    return result;
  }

  #execute(args: PipelineArgs) {
    return args.extra.operations.run(args.extra.requestId, () => args.execute(args));
  }

  async #subscribe(args: PipelineArgs) {
    const { id, extra } = args;
    const { subscriptions } = this.#guard;
    const { name } = extra.client();
    if (!subscriptions.take(name)) return { errors: [tooManyHeld(subscriptions.tooMany)] };
    let isStream = false;
    try {
      const result = await extra.operations.run(extra.requestId, async () => {
        const own = await args.subscribe(args);
        return own instanceof WatchMessages
          ? new PushedMessages(own, new Outlet(extra.writer, id), this.#isGoingAway)
          : own;
      });
      isStream = Symbol.asyncIterator in result;
      return result;
    } finally {
      if (!isStream) subscriptions.giveBack(name);
    }
  }

  #count(operation: OperationKind, result: unknown, receivedAt: number): void {
    countResult(this.#pipeline.activity.requests.of('websocket', operation), result, receivedAt);
  }
}

/** What was sent, of which nothing is left where it was: graphql-ws holds on to that for as long as a subscription lasts. */
function takeOut(sent: SubscribeMessage['payload']): SubscribeMessage['payload'] {
  const taken = { ...sent };
  for (const name of Object.keys(sent)) Reflect.deleteProperty(sent, name);
  return taken;
}

/** Those that have begun: of the others, graphql-ws knows but the id. */
function countOpen(subscriptions: Readonly<Record<string, unknown>>): number {
  return Object.values(subscriptions).filter((stream) => stream !== null).length;
}

function tooManySubscriptions(): GraphQLError {
  const advice = 'end some, watch several ids by one, or open another socket';
  return tooManyHeld(`More than ${maxSubscriptions} subscriptions on one socket: ${advice}`);
}
