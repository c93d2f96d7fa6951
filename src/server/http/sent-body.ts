import type { Ran, SentDocument, TrustedDocuments } from '../../graphql/index.ts';
import type { Paid } from '../rates/rate-limiter.ts';

/** What a body asks for, as GraphQL over HTTP has it. */
export interface Parameters {
  readonly query: string;
  readonly operationName: string | null;
  readonly variables: { readonly [name: string]: unknown };
}

const known: ReadonlySet<string> = new Set(['query', 'documentId', 'operationName', 'variables', 'extensions']);

/** A body, which is parsed once, for whoever answers it. */
export class SentBody {
  text: string;
  /** The JSON in it, where Yoga may take it for parameters; null: it is for Yoga to say what is wrong with the text. */
  parsed: object | null;
  /** What comes of it by the short way; null: that was not begun. */
  ran: Promise<Ran> | null = null;
  /** What was said when its operation was to be paid for by the short way. */
  paid: Paid = false;

  constructor(text: string) {
    this.text = text;
    this.parsed = parse(text);
  }

  /** All of it that is needed has been taken: whoever still has it, as a stream does that may go on for days, holds nothing by it. */
  forget(): void {
    this.text = '';
    this.parsed = null;
    this.ran = null;
  }
}

/** What parameters say, if they are plainly those of one operation that is served; else null. */
export function plainParameters(body: unknown, documents: TrustedDocuments): Parameters | null {
  if (!isObject(body)) return null;
  for (const name in body) if (!known.has(name)) return null;
  const { operationName = null, variables, extensions } = body;
  const query = textIn(body, documents);
  if (typeof query !== 'string' || (operationName !== null && typeof operationName !== 'string')) return null;
  if (!isObject(variables ?? {}) || !isObject(extensions ?? {}) || operationName === '') return null;
  return { query, operationName, variables: (variables ?? {}) as Parameters['variables'] };
}

function textIn(body: SentDocument, documents: TrustedDocuments): unknown {
  // Few name a document; and where others are served, its text is just that.
  if (!documents.isExclusive && body.documentId === undefined && body.extensions === undefined) return body.query;
  try {
    return documents.textOf(body);
  } catch {
    return null;
  }
}

function parse(text: string): object | null {
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === 'object' ? body : null;
  } catch {
    return null;
  }
}

function isObject(value: unknown): value is { readonly [name: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
