import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createSchema, createYoga } from 'graphql-yoga';
import { announce, keepAliveMs } from './peer.ts';
import { requestContext, resolvers } from './resolvers.ts';
import { typeDefs } from './type-defs.ts';

/** Yoga as it comes, by its own handler; parsed and validated documents are cached, which is its default. */
const yoga = createYoga({
  schema: createSchema({ typeDefs, resolvers }),
  context: requestContext,
  logging: false,
  graphiql: false,
  landingPage: false,
});
const http = createServer({ keepAliveTimeout: keepAliveMs }, yoga);
http.listen(0, '127.0.0.1');
await once(http, 'listening');
announce((http.address() as AddressInfo).port);
