import { negotiator } from './media-types.ts';

/** The media types of results, the default first. */
export const resultTypes = [
  'application/json',
  'application/graphql-response+json',
  'text/event-stream',
  'multipart/mixed',
] as const;

/** Those of them that an Accept header takes, the preferred first. */
export const acceptedTypes = negotiator(resultTypes);

/** How the type of a response is given, by the media type that is preferred; none of those that are streams. */
export const contentTypes: { readonly [type: string]: string } = {
  'application/json': 'application/json; charset=utf-8',
  'application/graphql-response+json': 'application/graphql-response+json; charset=utf-8',
};
