import { parentPort, workerData } from 'node:worker_threads';
import { renderGraphiQL } from '@graphql-yoga/render-graphiql';

// A worker: to load the 9 MB of this package, and to join them to a page, takes a second in which nobody would be served.
const page = new TextEncoder().encode(renderGraphiQL(workerData as Parameters<typeof renderGraphiQL>[0]));
parentPort?.postMessage(page, [page.buffer]);
