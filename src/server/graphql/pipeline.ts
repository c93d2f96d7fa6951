import { type ExecutionArgs, type ExecutionResult, type GraphQLSchema, getOperationAST } from 'graphql';
import { createYoga, type Plugin, type YogaServerInstance } from 'graphql-yoga';
import type { Logger } from 'pino';
import {
  type Activity,
  type Aside,
  contractError,
  createContext,
  createErrorMask,
  type ErrorMask,
  type FreshetContext,
  settleHttpStatus,
  subscribeToWatch,
  type TrustedDocuments,
  useAccess,
  useAnyScope,
  useInputErrors,
  useIntrospection,
  useQueryLimits,
  useSubscribedField,
} from '../../graphql/index.ts';
import { tracer } from '../../measure/index.ts';
import type { Backend } from '../backend.ts';
import type { Entrance } from '../entrance.ts';
import { Guard } from '../guard/guard.ts';
import { useHttpStreams, useReservedStreams } from '../http/http-streams.ts';
import { ShortWay } from '../http/short-way.ts';
import { logSerializers } from '../log-serializers.ts';
import { useCostLimit } from '../rates/cost-limit.ts';
import { currentRequestId, isFirstReport, runAs } from '../request-id.ts';
import { countResult } from './count-result.ts';
import { createDocumentCaches } from './document-cache.ts';
import { refusal } from './refusal.ts';
import type { RequestContext } from './request-context.ts';
import { useSentOnce } from './sent-once.ts';
import { useTracing } from './tracing-plugin.ts';

export interface GraphQLOptions {
  readonly schema: GraphQLSchema;
  /** What to serve from; throws UnavailableError while there is nothing. */
  readonly backend: () => Backend;
  /** Where what is done is counted. */
  readonly activity: Activity;
  readonly log: Logger;
  readonly documents: TrustedDocuments;
  /** Default: as it is without options. */
  readonly guard?: Guard;
  /** After how many executions an operation is compiled; default 3. */
  readonly hotAfter?: number | undefined;
  /** Whether anyone may ask what there is to ask. */
  readonly introspection: boolean;
  readonly entrance: Entrance;
}

/** The one pipeline through which every operation goes, whatever protocol it came by. */
export interface GraphQLPipeline {
  readonly yoga: YogaServerInstance<RequestContext, FreshetContext>;
  readonly mask: ErrorMask;
  /** What goes past Yoga. */
  readonly shortWay: ShortWay;
  readonly documents: TrustedDocuments;
  readonly activity: Activity;
  /** What the store's clock says, in milliseconds since 1970; null while that is not known. */
  readonly storeNow: () => number | null;
  readonly entrance: Entrance;
}

export const graphqlPath = '/graphql';

export function createPipeline({
  schema,
  backend,
  activity,
  log,
  documents,
  guard = new Guard(),
  hotAfter,
  introspection,
  entrance,
}: GraphQLOptions): GraphQLPipeline {
  const mask = createErrorMask({
    requestId: currentRequestId,
    log: (error, requestId) => {
      if (isFirstReport(error)) log.error({ err: error, requestId }, 'A request failed');
    },
  });
  const warn = (...said: unknown[]) =>
    log.warn({ said: said.map((one) => (typeof one === 'string' ? one : logSerializers.err(one))) }, 'GraphQL');
  const shortWay = new ShortWay({ schema, backend, activity, log, documents, rates: guard.rates, hotAfter });
  const yoga = createYoga<RequestContext, FreshetContext>({
    schema,
    graphqlEndpoint: graphqlPath,
    context: ({ requestId, caller, http }) =>
      createContext({ ...backend(), activity, requestId, caller, ahead: http?.ahead ?? null }),
    maskedErrors: { maskError: mask, errorMessage: '' },
    parserAndValidationCache: createDocumentCaches(),
    plugins: [
      useAnyScope(),
      ...(tracer.current ? [useTracing(tracer.current)] : []),
      useRequestCounts(activity),
      useTrustedDocuments(documents),
      useParameters(),
      useReservedStreams(),
      useHttpStreams(entrance, guard.subscriptions),
      useIntrospection(introspection),
      useQueryLimits(),
      useInputErrors(),
      useSubscribedField(),
      useAccess(),
      useHttpStatus(),
      ...(guard.rates ? [useCostLimit(guard.rates)] : []),
      shortWay.plugin(),
      useSentOnce(),
      useWatchMessages({ mask, runAs }),
    ],
    extraParamNames: ['documentId'],
    // Bodies are read, and bounded, before they come here; pages are served beside it.
    maxRequestBodySize: false,
    graphiql: false,
    landingPage: false,
    // Uploads and forms come from pages of any origin without asking first.
    multipart: false,
    cors: false,
    logging: { debug: () => {}, info: () => {}, warn, error: () => {} },
  });
  const storeNow = () => {
    try {
      return backend().hub.storeNow();
    } catch {
      return null; // there is no store
    }
  };
  return { yoga, mask, shortWay, documents, activity, storeNow, entrance };
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

/** A document may be named by its hash, and some deployments serve no others. */
function useTrustedDocuments(documents: TrustedDocuments): Plugin {
  return {
    // Of a GET, Yoga takes the parameters that it knows.
    onRequestParse: ({ request, url }) => {
      const documentId = request.method === 'GET' ? url.searchParams.get('documentId') : null;
      if (documentId === null) return undefined;
      return {
        onRequestParseDone: ({ requestParserResult, setRequestParserResult }) =>
          setRequestParserResult(Object.assign(requestParserResult, { documentId })),
      };
    },
    onParams({ params, setParams }) {
      const query = documents.textOf(params);
      if (query !== params.query) setParams({ ...params, query: query as string });
    },
  };
}

/** Yoga checks the other parameters; an operationName it passes on as it came, and no query it takes for a bad one. */
function useParameters(): Plugin {
  return {
    onParams({ params: { query, operationName } }) {
      if (query === undefined || query === null)
        throw refusal(400, 'BAD_REQUEST', 'query is missing: it is the text of what is asked');
      if (operationName === undefined || operationName === null || typeof operationName === 'string') return;
      throw refusal(400, 'BAD_REQUEST', 'operationName must be a string');
    },
  };
}

/** How requests by HTTP end, and how long they take. Those of WebSockets are counted where they are run. */
function useRequestCounts({ requests }: Activity): Plugin<RequestContext> {
  const note = ({ args }: { readonly args: object }) => {
    const { document, operationName, contextValue } = args as ExecutionArgs;
    const { http } = contextValue as RequestContext;
    if (http) http.operationKind = getOperationAST(document, operationName)?.operation ?? 'none';
  };
  return {
    onExecute: note,
    onSubscribe: note,
    onResultProcess({ result, serverContext }) {
      const { http, receivedAt } = serverContext as unknown as RequestContext;
      if (http) countResult(requests.of(http.protocol, http.operationKind ?? 'none'), result, receivedAt);
    },
  };
}

/**
 * What clients watch of a view goes one way, and is executed once for all of them that see the same. It comes last: over a
 * WebSocket its messages go past the wrappers of those that come after, Yoga's mask, which would take several times as much of each as it does itself.
 */
function useWatchMessages(aside: Aside): Plugin<RequestContext> {
  return {
    onSubscribe({ args, setSubscribeFn, setResultAndStopExecution }) {
      const shared = subscribeToWatch(args as unknown as ExecutionArgs, aside);
      if (!shared) return;
      if ((args.contextValue as RequestContext).http) setSubscribeFn(() => shared);
      else setResultAndStopExecution(shared as unknown as ExecutionResult);
    },
  };
}
