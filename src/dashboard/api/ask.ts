import { print, type TypedQueryDocumentNode } from 'graphql';
import { hear } from '../model/clock.ts';

/** Where the API is that served this page. */
const endpoint = new URL('graphql', document.baseURI);

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
  const deadline = AbortSignal.timeout(longestMs);
  let answer: Answer<Data>;
  try {
    const response = await fetch(endpoint, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/graphql-response+json' },
      body: JSON.stringify({ query: typeof document === 'string' ? document : print(document), variables }),
      signal: signal ? AbortSignal.any([signal, deadline]) : deadline,
    });
    hear('api', Date.parse(response.headers.get('date') ?? ''));
    answer = (await response.json()) as Answer<Data>;
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new AskError(deadline.aborted ? 'The API did not answer in time' : 'The API cannot be reached', null);
  }
  const { data, errors = [] } = answer;
  if (!data) throw new AskError(errors[0]?.message ?? 'The API answered nothing', errors[0]?.extensions?.code ?? null);
  return { data, errors };
}
