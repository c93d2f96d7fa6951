import { GraphQLError } from 'graphql';

/** Longest that is shown of a value which a client got wrong, in characters. */
const longestShown = 100;

/** Longest message about a request that GraphQL refused, which may repeat any part of it. */
const longestMessage = 400;

/** A wrong value as far as a message needs it: its beginning, or only what it is. Never deeper than one look. */
export function shownValue(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(shorten(value, longestShown));
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}

/** As `shownValue`, of a value in a query's text. */
export function shownText(text: string): string {
  return shorten(text, longestShown);
}

/** A message that may repeat what a client sent, cut where it says enough. */
export function shownMessage(message: string): string {
  return shorten(message, longestMessage);
}

/** The error with its message cut, at the same place. */
export function shortened(error: GraphQLError): GraphQLError {
  const message = shownMessage(error.message);
  if (message === error.message) return error;
  const { nodes, source, positions, path, extensions } = error;
  return new GraphQLError(message, {
    ...(nodes && { nodes }),
    ...(source && { source }),
    ...(positions && { positions }),
    ...(path && { path }),
    extensions,
  });
}

function shorten(text: string, longest: number): string {
  return text.length > longest ? `${text.slice(0, longest).toWellFormed()}…` : text;
}
