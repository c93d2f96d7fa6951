import { createHash } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import { renderGraphiQL } from '@graphql-yoga/render-graphiql';

// A worker: to load the 9 MB of this package, and to join them to a page, takes a second in which nobody would be served.
const text = renderGraphiQL(workerData as Parameters<typeof renderGraphiQL>[0]);
const scripts = [...text.matchAll(/<script>([\s\S]*?)<\/script>/g)];
const sources = scripts.map(([, script = '']) => `'sha256-${createHash('sha256').update(script).digest('base64')}'`);
const bytes = new TextEncoder().encode(text);
parentPort?.postMessage({ bytes, scripts: sources.join(' ') }, [bytes.buffer]);
