import type { DocumentNode } from 'graphql';
import { LRUCache } from 'lru-cache';

const documentBytes = 32 * 1024 * 1024;
const errorBytes = 4 * 1024 * 1024;
/** Most that one query takes: what is longer has its ids in it, and is not sent again. */
const longestBytes = 2 * 1024 * 1024;

/** About what a parsed document takes for each token of its text, be that one character. */
const bytesPerToken = 400;
/** About what an error takes beside the text that it points into. */
const bytesPerError = 2_000;

/**
 * What Yoga keeps of the queries that it was sent, by their text: the parsed documents, with what validation says of
 * them, and the errors of those that cannot be parsed. Anyone may send a new one, so both are bounded by size.
 */
export function createDocumentCaches(): {
  readonly documentCache: LRUCache<string, DocumentNode>;
  readonly errorCache: LRUCache<string, Error>;
} {
  return {
    documentCache: new LRUCache({
      maxSize: documentBytes,
      maxEntrySize: longestBytes,
      sizeCalculation: (document, text) => 2 * text.length + bytesPerToken * countTokens(document),
    }),
    errorCache: new LRUCache({
      maxSize: errorBytes,
      maxEntrySize: longestBytes,
      sizeCalculation: (_, text) => 2 * text.length + bytesPerError,
    }),
  };
}

function countTokens({ loc }: DocumentNode): number {
  let tokens = 0;
  for (let token = loc?.startToken ?? null; token !== null; token = token.next) tokens++;
  return tokens;
}
