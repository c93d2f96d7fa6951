import type { ExecutionResult, GraphQLError } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Caller } from '../../access/index.ts';
import { contractError } from '../../graphql/index.ts';
import { type Entrance, endingReasons } from '../entrance.ts';
import { refusal } from '../graphql/refusal.ts';
import type { RequestContext } from '../graphql/request-context.ts';
import type { Subscriptions } from '../guard/subscriptions.ts';
import { tooManyHeld } from '../rates/rate-limited.ts';
import { HeldResults } from '../sse/held-results.ts';
import { RefusedOperation } from '../sse/stream-operation.ts';

/** To a subscription that comes by plain JSON. */
export const needsStream = 'Subscriptions need accept: text/event-stream, or a WebSocket';

/** What is executed for a stream that the client has reserved goes there; what is wrong before that is answered by HTTP. */
export function useReservedStreams(): Plugin<RequestContext> {
  const begin = ({ args: { contextValue } }: { readonly args: { contextValue?: unknown } }) => {
    const { http } = contextValue as RequestContext;
    if (http?.operation) http.operation.begun = true;
  };
  return {
    onParams({ params, context }) {
      const { http } = context as RequestContext;
      return http?.operation?.enter(params.extensions?.operationId).catch((error) => {
        throw error instanceof RefusedOperation ? answerTo(error) : error;
      });
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
export function useHttpStreams(entrance: Entrance, subscriptions: Subscriptions): Plugin<RequestContext> {
  return {
    onSubscribe({ args: { contextValue }, setResultAndStopExecution }) {
      const { http, caller, client } = contextValue as RequestContext;
      if (!http) return undefined;
      if (!http.takesStream) {
        setResultAndStopExecution({ errors: [refusal(406, 'BAD_REQUEST', needsStream)] });
        return undefined;
      }
      const crowded = http.stayOpen?.() ?? null;
      if (crowded !== null) {
        setResultAndStopExecution({ errors: [tooManyHeld(crowded)] });
        return undefined;
      }
      if (!subscriptions.take(client.name)) {
        setResultAndStopExecution({ errors: [tooManyHeld(subscriptions.tooMany)] });
        return undefined;
      }
      const giveBack = () => subscriptions.giveBack(client.name);
      if (http.operation) http.operation.whenOver(giveBack);
      else if (http.closed.aborted) giveBack();
      else http.closed.addEventListener('abort', giveBack, { once: true });
      return {
        onSubscribeResult({ result: begun, setResult }) {
          if (!(Symbol.asyncIterator in begun)) return;
          const result = whileCallerMay(begun, caller, entrance);
          const { endIfCutShort } = http;
          if (endIfCutShort) setResult(withoutEnd(result, endIfCutShort));
          else setResult(result);
          const end = () => void Promise.resolve(result.return?.(undefined)).catch(() => {});
          if (http.closed.aborted) end();
          else http.closed.addEventListener('abort', end, { once: true });
        },
      };
    },
  };
}

/** Its results until its caller may go on no more, and then why. */
function whileCallerMay(
  stream: AsyncIterableIterator<ExecutionResult>,
  caller: Caller,
  entrance: Entrance,
): AsyncIterableIterator<ExecutionResult> {
  const held = new HeldResults<ExecutionResult>(stream);
  const release = entrance.hold(caller, (why) =>
    held.cutOff({ errors: [contractError('UNAUTHENTICATED', endingReasons[why])] }),
  );
  if (release === null) return stream;
  held.whenOver(release);
  return held;
}

function answerTo({ status, message }: RefusedOperation): GraphQLError {
  if (status !== 429) return refusal(status, 'BAD_REQUEST', message);
  return tooManyHeld(message);
}

/** Its steps, but for the last one where that would say to the client that there is no more: it is to come back for it. */
function withoutEnd<T>(stream: AsyncIterable<T>, endIfCutShort: () => boolean): AsyncGenerator<T> {
  const source = stream[Symbol.asyncIterator]();
  const over = async () => ({ done: true, value: undefined }) as const;
  return {
    next: async () => {
      const result = await source.next();
      return result.done && endIfCutShort() ? new Promise(() => {}) : result;
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
