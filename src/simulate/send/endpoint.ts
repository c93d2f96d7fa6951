import type { Milliseconds } from '../../define/index.ts';

/** What a GraphQL endpoint did not do. */
export class EndpointError extends Error {
  override readonly name = 'EndpointError';
  readonly code = 'ENDPOINT_FAILED';
  /** Whether the same may succeed later: it is away, or overloaded. */
  readonly isPassing: boolean;
  /** Of its answer; null: there was none. */
  readonly status: number | null;

  constructor(message: string, isPassing: boolean, status: number | null, options?: ErrorOptions) {
    super(message, options);
    this.isPassing = isPassing;
    this.status = status;
  }
}

interface GraphqlError {
  readonly message: string;
  readonly extensions?: { readonly code?: string };
}

/** The codes of errors that pass. */
const passingCodes = ['UNAVAILABLE', 'RATE_LIMITED'];
const patienceMs: Milliseconds = 30_000; // 30 seconds

/** A GraphQL API by its address, as any client sees it. */
export class Endpoint {
  /** Such as `http://127.0.0.1:4000/graphql`. */
  readonly url: string;
  readonly #headers: Readonly<Record<string, string>>;

  /** @param key what the API asks for where it asks who it is; null: nothing is shown. */
  constructor(url: string, key: string | null = null) {
    this.url = url;
    this.#headers = {
      'content-type': 'application/json',
      accept: 'application/graphql-response+json',
      ...(key !== null && { authorization: `Bearer ${key}` }),
    };
  }

  /**
   * Sends an operation by POST, and returns its data.
   * @throws EndpointError if it does not answer within 30 s or before the signal, or answers with errors, also beside data.
   */
  async ask<Data>(
    query: string,
    variables: { readonly [name: string]: unknown } = {},
    signal?: AbortSignal,
  ): Promise<Data> {
    const late = AbortSignal.timeout(patienceMs);
    const { status, text } = await this.#post(
      JSON.stringify({ query, variables }),
      signal ? AbortSignal.any([signal, late]) : late,
    );
    const { data, errors } = parse<Data>(text);
    if (data && !errors) return data;
    const isPassing = status === 429 || status >= 500 || (errors?.every(passes) ?? false);
    const said = errors?.map(({ message }) => message).join('; ') ?? 'no GraphQL';
    throw new EndpointError(`${this.url} answers ${status}: ${said}`, isPassing, status);
  }

  async #post(body: string, signal: AbortSignal): Promise<{ status: number; text: string }> {
    try {
      const response = await fetch(this.url, {
        method: 'POST',
        headers: this.#headers,
        body,
        signal,
      });
      return { status: response.status, text: await response.text() };
    } catch (error) {
      throw new EndpointError(`${this.url} does not answer: ${reasonOf(error)}`, true, null, { cause: error });
    }
  }
}

function parse<Data>(text: string): { data?: Data | null; errors?: readonly GraphqlError[] } {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null ? parsed : {};
  } catch {
    return {};
  }
}

function passes({ extensions }: GraphqlError): boolean {
  return passingCodes.includes(extensions?.code ?? '');
}

/** What `fetch` was told by the system, which it keeps as the cause. */
function reasonOf(error: unknown): string {
  const { message, cause } = error as Error;
  if (!(cause instanceof Error)) return message;
  return cause.message || String((cause as NodeJS.ErrnoException).code ?? message);
}
