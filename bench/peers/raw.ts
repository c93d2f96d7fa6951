import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { FeatureSet, type Profile } from './features.ts';
import { announce, connectValkey, keepAliveMs, settings } from './peer.ts';
import { Profiles } from './profiles.ts';

/**
 * No GraphQL: node:http, iovalkey and JSON. `GET /user/<id>?<features>` answers one profile, and a POST of
 * `{ ids, features }` many.
 */
const profiles = new Profiles(connectValkey(), settings.keyPrefix);
const featureSets = new Map<string, FeatureSet>();

const http = createServer({ keepAliveTimeout: keepAliveMs }, (request, response) => {
  if (request.method === 'GET') return void answerOne(request.url ?? '', response);
  return readBody(request, (text) => void answerMany(text, response));
});

async function answerOne(url: string, response: ServerResponse): Promise<void> {
  const question = url.indexOf('?');
  const id = decodeURIComponent(url.slice('/user/'.length, question));
  const [profile] = await profiles.read([id], featureSet(url.slice(question + 1)));
  send(response, { id, riskProfile: profile });
}

async function answerMany(text: string, response: ServerResponse): Promise<void> {
  const { ids, features } = JSON.parse(text) as { readonly ids: string[]; readonly features: string[] };
  const read = await profiles.read(ids, featureSet(features.join()));
  send(
    response,
    read.map((riskProfile: Profile, i) => ({ id: ids[i], riskProfile })),
  );
}

/** Names with commas between. */
function featureSet(names: string): FeatureSet {
  let known = featureSets.get(names);
  if (!known) {
    known = new FeatureSet(names.split(','));
    featureSets.set(names, known);
  }
  return known;
}

function readBody(request: IncomingMessage, use: (text: string) => void): void {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => use(Buffer.concat(chunks).toString()));
}

function send(response: ServerResponse, body: unknown): void {
  const text = JSON.stringify(body);
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

http.listen(0, '127.0.0.1');
await once(http, 'listening');
announce((http.address() as AddressInfo).port);
