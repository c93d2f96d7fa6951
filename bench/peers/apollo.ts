import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ApolloServer, HeaderMap } from '@apollo/server';
import { announce, keepAliveMs } from './peer.ts';
import { type RequestContext, requestContext, resolvers } from './resolvers.ts';
import { typeDefs } from './type-defs.ts';

/**
 * Apollo Server by `executeHTTPGraphQLRequest`, which is what its integrations call, straight from node:http: its own
 * standalone server does the same behind the middleware of Express.
 */
const apollo = new ApolloServer<RequestContext>({ typeDefs, resolvers });
await apollo.start();

const http = createServer({ keepAliveTimeout: keepAliveMs }, (request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    answer(request, Buffer.concat(chunks).toString(), response).catch((error: unknown) => {
      response.statusCode = 500;
      response.end(String(error));
    });
  });
});

async function answer(request: IncomingMessage, text: string, response: ServerResponse): Promise<void> {
  const headers = new HeaderMap();
  for (const name in request.headers) headers.set(name, String(request.headers[name]));
  const {
    status,
    headers: own,
    body,
  } = await apollo.executeHTTPGraphQLRequest({
    httpGraphQLRequest: { method: request.method ?? 'POST', headers, search: '', body: JSON.parse(text) },
    context: async () => requestContext(),
  });
  if (body.kind !== 'complete') throw new Error('nothing was asked for that comes in parts');
  response.statusCode = status ?? 200;
  for (const [name, value] of own) response.setHeader(name, value);
  response.end(body.string);
}

http.listen(0, '127.0.0.1');
await once(http, 'listening');
announce((http.address() as AddressInfo).port);
