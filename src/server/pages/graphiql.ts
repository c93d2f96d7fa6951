import type { IncomingMessage } from 'node:http';
import { Worker } from 'node:worker_threads';
import type { renderGraphiQL } from '@graphql-yoga/render-graphiql';
import { graphqlPath } from '../graphql/pipeline.ts';
import { negotiate } from '../http/media-types.ts';
import { resultTypes } from '../http/result-types.ts';

const firstQuery = `# Every feature that is served, and what it means.
{
  featureViews {
    fieldPath
    features { name type description }
  }
}
`;

let page: Promise<Buffer> | undefined;

/** Whether a browser asks for a page where clients ask for results. */
export function wantsPage(request: IncomingMessage): boolean {
  if (request.method !== 'GET') return false;
  return negotiate(request.headers.accept, [...resultTypes, 'text/html'])[0] === 'text/html';
}

/** GraphiQL in one page that loads nothing from elsewhere. It is 9 MB, so it is made when first asked for, and kept. */
export function graphiqlPage(): Promise<Buffer> {
  page ??= renderElsewhere({
    title: 'Freshet',
    endpoint: graphqlPath,
    subscriptionsProtocol: 'WS',
    defaultQuery: firstQuery,
  }).catch((error: unknown) => {
    page = undefined;
    throw error;
  });
  return page;
}

function renderElsewhere(workerData: Parameters<typeof renderGraphiQL>[0]): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./graphiql-page.ts', import.meta.url), { workerData });
    worker.once('message', ({ buffer }: Uint8Array<ArrayBuffer>) => resolve(Buffer.from(buffer)));
    worker.once('error', reject);
    worker.once('exit', () => reject(new Error('The worker that makes the GraphiQL page ended without it')));
  });
}
