import type { GraphQLSchema } from 'graphql';
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
  useInputErrors,
  useQueryLimits,
} from '../graphql/index.ts';
import type { Hub } from '../live/index.ts';
import { currentRequestId } from './request-id.ts';

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
}

/** The one pipeline through which every operation goes, whatever protocol it came by. */
export interface GraphQLPipeline {
  readonly yoga: YogaServerInstance<RequestContext, FreshetContext>;
  readonly mask: ErrorMask;
}

export const graphqlPath = '/graphql';

export function createPipeline({ schema, backend, log }: GraphQLOptions): GraphQLPipeline {
  const mask = createErrorMask({
    requestId: currentRequestId,
    log: (error, requestId) => log.error({ err: error, requestId }, 'A request failed'),
  });
  const yoga = createYoga<RequestContext, FreshetContext>({
    schema,
    graphqlEndpoint: graphqlPath,
    context: ({ requestId }) => createContext({ ...backend(), requestId }),
    maskedErrors: { maskError: mask, errorMessage: '' },
    plugins: [useQueryLimits(), useInputErrors(), useHttpStatus()],
    // Bodies are read, and bounded, before they come here; pages are served beside it.
    maxRequestBodySize: false,
    graphiql: false,
    landingPage: false,
    // Uploads and forms come from pages of any origin without asking first.
    multipart: false,
    cors: false,
    logging: { debug: () => {}, info: () => {}, warn: (...said) => log.warn({ said }, 'GraphQL'), error: () => {} },
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
