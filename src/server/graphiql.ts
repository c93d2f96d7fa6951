import type { IncomingMessage } from 'node:http';
import { graphqlPath, resultTypes } from './graphql.ts';
import { negotiate } from './media-types.ts';

const firstQuery = `# Every feature that is served, and what it means.
{
  featureViews {
    fieldPath
    features { name type description }
  }
}
`;

let page: Promise<string> | undefined;

/** Whether a browser asks for a page where clients ask for results. */
export function wantsPage(request: IncomingMessage): boolean {
  if (request.method !== 'GET') return false;
  return negotiate(request.headers.accept, [...resultTypes, 'text/html'])[0] === 'text/html';
}

/** GraphiQL in one page that loads nothing from elsewhere. It is 9 MB, so it is read when first asked for. */
export function graphiqlPage(): Promise<string> {
  page ??= import('@graphql-yoga/render-graphiql').then(({ renderGraphiQL }) =>
    renderGraphiQL({ title: 'Freshet', endpoint: graphqlPath, subscriptionsProtocol: 'WS', defaultQuery: firstQuery }),
  );
  return page;
}
