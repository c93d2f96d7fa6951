import { print, type TypedQueryDocumentNode } from 'graphql';
import { hear } from '../model/clock.ts';
import { credentials, wantKey } from './credentials.ts';

/** Where the API is that served this page. */
const endpoint = new URL('graphql', document.baseURI);
const schemaPage = new URL('schema.graphql', document.baseURI);

const longestMs = 15_000; // 15 seconds

/** Why a question was not answered, in words for whoever looks at the page. */
export class AskError extends Error {
  override readonly name = 'AskError';
  /** `extensions.code` of the first error; null where the API could not be asked at all. */
  readonly code: string | null;

  constructor(message: string, code: string | null) {
    super(message);
    this.code = code;
  }
}

/** What GraphQL answers. */
export interface Answer<Data> {
  readonly data?: Data | null;
  readonly errors?: readonly GraphQLFault[];
}

export interface GraphQLFault {
  readonly message: string;
  readonly path?: readonly (string | number)[];
  readonly extensions?: { readonly code?: string };
}

/**
 * Asks by HTTP, and brings whatever there is, errors beside it.
 * @throws AskError if there is no data.
 */
export async function ask<Data, Variables>(
  document: string | TypedQueryDocumentNode<Data, Variables>,
  variables?: Variables,
  signal?: AbortSignal,
): Promise<{ readonly data: Data; readonly errors: readonly GraphQLFault[] }> {
  const { data, errors = [] } = await send(
    endpoint,
    {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/graphql-response+json', ...credentials() },
      body: JSON.stringify({ query: typeof document === 'string' ? document : print(document), variables }),
    },
    async (response) => (await response.json()) as Answer<Data>,
    signal,
  );
  if (!data) throw refusal(errors[0]);
  return { data, errors };
}

/**
 * The schema as a text.
 * @throws AskError
 */
export async function askForSchema(): Promise<string> {
  const read = async (response: Response) => {
    if (response.ok) return response.text();
    const { errors } = (await response.json()) as Answer<never>;
    return errors?.[0] ?? { message: `The API answers ${response.status}` };
  };
  const answer = await send(schemaPage, { headers: credentials() }, read);
  if (typeof answer === 'string') return answer;
  throw refusal(answer);
}

async function send<Answered>(
  url: URL,
  request: RequestInit,
  read: (response: Response) => Promise<Answered>,
  signal?: AbortSignal,
): Promise<Answered> {
  const deadline = AbortSignal.timeout(longestMs);
  try {
    const response = await fetch(url, { ...request, signal: signal ? AbortSignal.any([signal, deadline]) : deadline });
    hear('api', Date.parse(response.headers.get('date') ?? ''));
    return await read(response);
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new AskError(deadline.aborted ? 'The API did not answer in time' : 'The API cannot be reached', null);
  }
}

/** What was not answered, and, if it is for want of a key, asks for one. */
function refusal(fault: GraphQLFault | undefined): AskError {
  const { message = 'The API answered nothing', extensions } = fault ?? {};
  if (extensions?.code === 'UNAUTHENTICATED') wantKey(message);
  return new AskError(message, extensions?.code ?? null);
}
