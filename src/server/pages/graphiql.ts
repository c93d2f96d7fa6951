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

/** A page, and what it may do. */
export interface GraphiQLPage {
  readonly bytes: Buffer;
  readonly policy: string;
}

/** What the worker that makes the page makes of it. */
interface MadePage {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The hashes of its scripts, as a policy has them. */
  readonly scripts: string;
}

let page: Promise<GraphiQLPage> | undefined;

/** Whether a browser asks for a page where clients ask for results. */
export function wantsPage(request: IncomingMessage): boolean {
  if (request.method !== 'GET') return false;
  return negotiate(request.headers.accept, [...resultTypes, 'text/html'])[0] === 'text/html';
}

/** GraphiQL in one page that loads nothing from elsewhere. It is 9 MB, so it is made when first asked for, and kept. */
export function graphiqlPage(): Promise<GraphiQLPage> {
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

function renderElsewhere(workerData: Parameters<typeof renderGraphiQL>[0]): Promise<GraphiQLPage> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./graphiql-page.ts', import.meta.url), { workerData });
    worker.once('message', ({ bytes, scripts }: MadePage) =>
      resolve({ bytes: Buffer.from(bytes.buffer), policy: policyOf(scripts) }),
    );
    worker.once('error', reject);
    worker.once('exit', () => reject(new Error('The worker that makes the GraphiQL page ended without it')));
  });
}

/** It runs no scripts but its own, speaks to nobody but the API, and nothing may frame it. Its editor writes styles as it goes. */
function policyOf(scripts: string): string {
  return [
    "default-src 'none'",
    `script-src ${scripts}`,
    "style-src 'unsafe-inline'",
    'img-src data:',
    'font-src data:',
    'worker-src blob: data:',
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}
