import { createHash } from 'node:crypto';
import { type DocumentNode, type FragmentDefinitionNode, Kind, parse, print, visit } from 'graphql';
import { contractError } from './errors.ts';

/** Texts of client documents by the SHA-256 of each, in hexadecimal digits. */
export type DocumentsByHash = { readonly [hash: string]: string };

/** What a client sends of which document it means. */
export interface SentDocument {
  readonly query?: unknown;
  /** `sha256:<hash>`, as the drafts of GraphQL over HTTP have it. */
  readonly documentId?: unknown;
  /** With `persistedQuery: { version: 1, sha256Hash }`, as Apollo's clients and those after them have it. */
  readonly extensions?: unknown;
}

/** The documents that a deployment knows beforehand, which clients may name by their hash. */
export class TrustedDocuments {
  readonly texts: readonly string[];
  /** Whether no others are served. */
  readonly isExclusive: boolean;
  readonly #byHash: ReadonlyMap<string, string>;
  readonly #all: ReadonlySet<string>;

  constructor(documents: DocumentsByHash = {}, { isExclusive = false } = {}) {
    this.#byHash = new Map(Object.entries(documents));
    this.texts = [...this.#byHash.values()];
    this.#all = new Set(this.texts);
    this.isExclusive = isExclusive;
  }

  /**
   * The text of the document that is meant; what was sent as such, unless that is named by a hash that is known.
   * @throws GraphQLError with PERSISTED_QUERY_NOT_FOUND, whereupon clients send the text, or FORBIDDEN
   */
  textOf(sent: SentDocument): unknown {
    const hash = hashIn(sent);
    const known = hash === null ? undefined : this.#byHash.get(hash);
    if (known !== undefined) return known;
    if (hash !== null && !sent.query) throw contractError('PERSISTED_QUERY_NOT_FOUND', 'PersistedQueryNotFound');
    if (this.isExclusive && typeof sent.query === 'string' && !this.#all.has(sent.query)) {
      throw contractError('FORBIDDEN', 'Only documents that this service knows beforehand are served here');
    }
    return sent.query;
  }
}

/** The operations of client documents, each with the fragments that it needs and as GraphQL prints it, by their hashes. */
export function documentsByHash(sources: readonly string[]): DocumentsByHash {
  const definitions = sources.flatMap((source) => parse(source, { noLocation: true }).definitions);
  const fragments = new Map(
    definitions.filter((one) => one.kind === Kind.FRAGMENT_DEFINITION).map((one) => [one.name.value, one]),
  );
  const texts = definitions
    .filter((one) => one.kind === Kind.OPERATION_DEFINITION)
    .map((operation) => print(withFragments({ kind: Kind.DOCUMENT, definitions: [operation] }, fragments)));
  return Object.fromEntries(texts.map((text) => [createHash('sha256').update(text).digest('hex'), text]));
}

function withFragments(document: DocumentNode, fragments: ReadonlyMap<string, FragmentDefinitionNode>): DocumentNode {
  const present = new Set(document.definitions);
  visit(document, {
    FragmentSpread({ name }) {
      const fragment = fragments.get(name.value);
      if (fragment) present.add(fragment);
    },
  });
  if (present.size === document.definitions.length) return document;
  return withFragments({ ...document, definitions: [...present] }, fragments);
}

function hashIn({ documentId, extensions }: SentDocument): string | null {
  if (typeof documentId === 'string') return documentId.startsWith('sha256:') ? documentId.slice(7) : documentId;
  const persisted = (extensions as { readonly persistedQuery?: { readonly sha256Hash?: unknown } } | null | undefined)
    ?.persistedQuery;
  return typeof persisted?.sha256Hash === 'string' ? persisted.sha256Hash : null;
}
