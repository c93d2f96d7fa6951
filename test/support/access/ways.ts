import type { ApiClient } from '../api.ts';
import { EventStream } from '../event-stream.ts';
import { ProtocolSocket } from '../protocol-socket.ts';
import { ReservedStream } from '../reserved-stream.ts';
import { until } from '../until.ts';
import type { Callers, KindName } from './callers.ts';
import type { Question } from './questions.ts';
import type { Outcome } from './verdict.ts';

type Result = Pick<Outcome, 'data' | 'errors'>;

/** A way to ask. Of a subscription it brings the first message. */
export interface AskingWay {
  ask(question: Question): Promise<Outcome>;
  close(): void | Promise<void>;
}

/** What has no data was refused whole. */
function outcomeOf({ data, errors }: Result): Outcome {
  return { refused: data ? null : (errors?.[0]?.extensions.code ?? 'no data and no code'), data, errors };
}

/** By POST. */
export function byHttp(api: ApiClient, callers: Callers, kind: KindName): AskingWay {
  return {
    async ask({ query, variables }) {
      const { status, data, errors } = await api.ask(
        query,
        variables,
        callers.headers(kind) as { authorization: string },
      );
      const code = errors?.[0]?.extensions.code;
      const statuses: { readonly [code: string]: number } = { UNAUTHENTICATED: 401, FORBIDDEN: 403 };
      if (code !== undefined && !data && statuses[code] !== status) throw new Error(`${code} came by ${status}`);
      return outcomeOf({ data, errors });
    },
    close() {},
  };
}

/** By an event stream of its own for each question. */
export function bySse({ graphqlUrl }: ApiClient, callers: Callers, kind: KindName): AskingWay {
  return {
    async ask({ query, variables }) {
      const stream = await EventStream.open(graphqlUrl, {
        method: 'POST',
        headers: callers.headers(kind) as { authorization: string },
        body: { query, variables },
      });
      if (stream.response.statusCode === 401) {
        stream.leave();
        return { refused: 'UNAUTHENTICATED' };
      }
      const { data } = await until(() => stream.events[0]);
      stream.leave();
      return outcomeOf(data as Result);
    },
    close() {},
  };
}

/** By one event stream for all questions. */
export async function byReservedStream(
  { graphqlUrl }: ApiClient,
  callers: Callers,
  kind: KindName,
): Promise<AskingWay> {
  const headers = callers.headers(kind) as { authorization: string };
  const reserved = await ReservedStream.reserve(graphqlUrl, headers).catch((error: Error) => error);
  if (reserved instanceof Error) {
    const refused = reserved.message.endsWith('401') ? 'UNAUTHENTICATED' : reserved.message;
    return { ask: async () => ({ refused }), close() {} };
  }
  const stream = await reserved.open();
  let asked = 0;
  return {
    async ask({ query, variables }) {
      const id = `o${++asked}`;
      const { status, text } = await reserved.ask(id, query, variables);
      if (status !== 202) return outcomeOf(JSON.parse(text) as Result);
      const { data } = await until(() => stream.about(id)[0]);
      await reserved.end(id);
      return outcomeOf(data?.payload as Result);
    },
    close: () => stream.leave(),
  };
}

/** By a WebSocket, with what says who asks in its `connection_init`, or in its handshake. */
export async function byWebSocket(
  { webSocketUrl }: ApiClient,
  callers: Callers,
  kind: KindName,
  where: 'payload' | 'handshake',
): Promise<AskingWay> {
  const headers = callers.headers(kind) as { authorization: string };
  const opened =
    where === 'payload'
      ? await ProtocolSocket.dial(webSocketUrl, {}, headers)
      : await ProtocolSocket.dial(webSocketUrl, { headers });
  const first = await Promise.race([opened.closed, until(() => opened.said[0])]);
  if (typeof first === 'number') {
    return { ask: async () => ({ refused: first === 4401 ? 'UNAUTHENTICATED' : String(first) }), close() {} };
  }
  let asked = 0;
  return {
    async ask({ query, variables }) {
      const id = `o${++asked}`;
      opened.send({ type: 'subscribe', id, payload: { query, variables } });
      const { type, payload } = await until(() => opened.about(id)[0]);
      opened.complete(id);
      if (type === 'error') return outcomeOf({ errors: payload } as Result);
      return outcomeOf(payload as Result);
    },
    close: () => opened.socket.close(),
  };
}
