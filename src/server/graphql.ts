import {
  type ExecutionArgs,
  type ExecutionResult,
  type FormattedExecutionResult,
  GraphQLError,
  type GraphQLFormattedError,
  type GraphQLSchema,
} from 'graphql';
import { createYoga, type Plugin, type YogaServerInstance } from 'graphql-yoga';
import type { Logger } from 'pino';
import type { Engine } from '../engine/index.ts';
import {
  contractError,
  createContext,
  createErrorMask,
  type ErrorMask,
  type FreshetContext,
  settleHttpStatus,
  subscribeShared,
  useInputErrors,
  useQueryLimits,
  withoutHttp,
} from '../graphql/index.ts';
import type { Hub } from '../live/index.ts';
import { createDocumentCaches } from './document-cache.ts';
import { RefusedOperation, type StreamOperation } from './event-stream.ts';
import { logSerializers } from './log-serializers.ts';
import { currentRequestId, isFirstReport } from './request-id.ts';

/** What requests are served from. */
export interface Backend {
  readonly engine: Engine;
  readonly hub: Hub;
}

export interface GraphQLOptions {
  readonly schema: GraphQLSchema;
  /** What to serve from; throws UnavailableError while there is nothing. */
  readonly backend: () => Backend;
  readonly log: Logger;
}

/** What a protocol hands over. */
export interface RequestContext {
  readonly requestId: string;
  /** Only of a request by HTTP. */
  readonly http?: {
    /** Aborts when the response is over, or the client has left or wants no more. */
    readonly closed: AbortSignal;
    /** Whether the client takes a stream. */
    readonly takesStream: boolean;
    /** Asked when a subscription has ended: whether that is the server's doing, and the response is now over without it. */
    readonly isCutShort?: () => boolean;
    /** Only of an operation whose results go to a stream that the client has reserved. */
    readonly operation?: StreamOperation;
  };
}

/** The one pipeline through which every operation goes, whatever protocol it came by. */
export interface GraphQLPipeline {
  readonly yoga: YogaServerInstance<RequestContext, FreshetContext>;
  readonly mask: ErrorMask;
}

export const graphqlPath = '/graphql';

/** To a subscription that comes by plain JSON. */
export const noStream = 'Subscriptions need accept: text/event-stream, or a WebSocket';

/** The media types of results, the default first. */
export const resultTypes = [
  'application/json',
  'application/graphql-response+json',
  'text/event-stream',
  'multipart/mixed',
] as const;

export function createPipeline({ schema, backend, log }: GraphQLOptions): GraphQLPipeline {
  const mask = createErrorMask({
    requestId: currentRequestId,
    log: (error, requestId) => {
      if (isFirstReport(error)) log.error({ err: error, requestId }, 'A request failed');
    },
  });
  const warn = (...said: unknown[]) =>
    log.warn({ said: said.map((one) => (typeof one === 'string' ? one : logSerializers.err(one))) }, 'GraphQL');
  const yoga = createYoga<RequestContext, FreshetContext>({
    schema,
    graphqlEndpoint: graphqlPath,
    context: ({ requestId }) => createContext({ ...backend(), requestId }),
    maskedErrors: { maskError: mask, errorMessage: '' },
    parserAndValidationCache: createDocumentCaches(),
    plugins: [
      useParameters(),
      useReservedStreams(),
      useHttpStreams(),
      useSharedMessages(),
      useQueryLimits(),
      useInputErrors(),
      useHttpStatus(),
    ],
    // Bodies are read, and bounded, before they come here; pages are served beside it.
    maxRequestBodySize: false,
    graphiql: false,
    landingPage: false,
    // Uploads and forms come from pages of any origin without asking first.
    multipart: false,
    cors: false,
    logging: { debug: () => {}, info: () => {}, warn, error: () => {} },
  });
  return { yoga, mask };
}

/** The error of a request that comes before there is anything to serve from, or after. */
export function unavailable(message: string) {
  return contractError('UNAVAILABLE', message);
}

/** A response with data is a 200, whatever befell a part of it. */
function useHttpStatus(): Plugin {
  return {
    onResultProcess({ result, setResult }) {
      if (!Array.isArray(result) && 'data' in result) setResult(settleHttpStatus(result));
    },
  };
}

/** Yoga checks the other parameters; an operationName it passes on as it came, and no query it takes for a bad one. */
function useParameters(): Plugin {
  return {
    onParams({ params: { query, operationName } }) {
      if (query === undefined || query === null) throw badRequest('query is missing: it is the text of what is asked');
      if (operationName === undefined || operationName === null || typeof operationName === 'string') return;
      throw badRequest('operationName must be a string');
    },
  };
}

/** What many clients watch is executed once for all of them that see the same. */
function useSharedMessages(): Plugin {
  return {
    onSubscribe({ subscribeFn, setSubscribeFn }) {
      setSubscribeFn((args) => subscribeShared(args as unknown as ExecutionArgs) ?? subscribeFn(args));
    },
  };
}

/** It is a 400 in every media type: there is no GraphQL in it. */
function badRequest(message: string): GraphQLError {
  return refusal(400, 'BAD_REQUEST', message);
}

/** @param http beside its status. */
function refusal(status: number, code: string, message: string, http = {}): GraphQLError {
  return new GraphQLError(message, { extensions: { code, http: { status, ...http } } });
}

/** As libraries type it: what is not there may be undefined. */
type AnyResult = { readonly [Key in keyof ExecutionResult]: ExecutionResult[Key] | undefined };

export function shownError(error: GraphQLError): GraphQLFormattedError {
  return withoutHttp(error).toJSON();
}

/** A result in the form in which clients see it where there is no HTTP about it. */
export function shownResult({ data, errors, extensions }: AnyResult): FormattedExecutionResult {
  return {
    ...(data !== undefined && { data }),
    ...(errors && { errors: errors.map(shownError) }),
    ...(extensions && { extensions }),
  };
}

/** What is executed for a stream that the client has reserved goes there; what is wrong before that is answered by HTTP. */
function useReservedStreams(): Plugin<RequestContext> {
  const begin = ({ args: { contextValue } }: { readonly args: { contextValue?: unknown } }) => {
    const { http } = contextValue as RequestContext;
    if (http?.operation) http.operation.begun = true;
  };
  return {
    async onParams({ params, context }) {
      const { http } = context as RequestContext;
      try {
        await http?.operation?.enter(params.extensions?.operationId);
      } catch (error) {
        if (!(error instanceof RefusedOperation)) throw error;
        const { status, message } = error;
        if (status !== 429) throw refusal(status, 'BAD_REQUEST', message);
        throw refusal(status, 'RATE_LIMITED', message, { headers: { 'retry-after': '5' } });
      }
    },
    onExecute: begin,
    onSubscribe: begin,
    onResultProcess({ serverContext, setResultProcessor }) {
      const { http } = serverContext as unknown as RequestContext;
      if (!http?.operation?.begun) return;
      const { operation } = http;
      setResultProcessor((result, fetchAPI) => {
        operation.take(result as ExecutionResult | AsyncIterable<ExecutionResult>);
        return new fetchAPI.Response(null, { status: 202 });
      }, '*/*');
    },
  };
}

/**
 * A subscription is for clients that take a stream, and ends with their connection, at once: to cancel the stream of the
 * response waits for its next message, and does nothing before its first one was asked for.
 */
function useHttpStreams(): Plugin<RequestContext> {
  return {
    onSubscribe({ args: { contextValue }, setResultAndStopExecution }) {
      const { http } = contextValue as RequestContext;
      if (!http) return undefined;
      if (!http.takesStream) {
        const extensions = { code: 'BAD_REQUEST', http: { status: 406 } };
        setResultAndStopExecution({ errors: [new GraphQLError(noStream, { extensions })] });
        return undefined;
      }
      return {
        onSubscribeResult({ result, setResult }) {
          if (!(Symbol.asyncIterator in result)) return;
          const { isCutShort } = http;
          if (isCutShort) setResult(withoutEnd(result, isCutShort));
          const end = () => void Promise.resolve(result.return?.(undefined)).catch(() => {});
          if (http.closed.aborted) end();
          else http.closed.addEventListener('abort', end, { once: true });
        },
      };
    },
  };
}

/** Its steps, but for the last one where that would say to the client that there is no more: it is to come back for it. */
function withoutEnd<T>(stream: AsyncIterable<T>, isCutShort: () => boolean): AsyncGenerator<T> {
  const source = stream[Symbol.asyncIterator]();
  const over = async () => ({ done: true, value: undefined }) as const;
  return {
    next: async () => {
      const result = await source.next();
      return result.done && isCutShort() ? new Promise(() => {}) : result;
    },
    return: (value) => source.return?.(value) ?? over(),
    throw: (error) => source.throw?.(error) ?? over(),
    [Symbol.asyncIterator]() {
      return this;
    },
    async [Symbol.asyncDispose]() {
      await this.return(undefined);
    },
  };
}
