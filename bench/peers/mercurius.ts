import type { AddressInfo } from 'node:net';
import Fastify from 'fastify';
import mercurius, { type IResolvers } from 'mercurius';
import { announce, keepAliveMs } from './peer.ts';
import { requestContext, resolvers } from './resolvers.ts';
import { typeDefs } from './type-defs.ts';

/** Mercurius on Fastify, each document compiled by graphql-jit when it is seen for the second time. */
const app = Fastify({ logger: false, keepAliveTimeout: keepAliveMs });
const options = {
  schema: typeDefs,
  resolvers: resolvers as unknown as IResolvers,
  context: requestContext,
  jit: 1,
  // Documented, and not among its types. What resolvers return is of the right type: to look at each leaf again takes a
  // tenth of a large answer's time.
  compilerOptions: { disableLeafSerialization: true },
};
app.register(mercurius, options);
await app.listen({ host: '127.0.0.1', port: 0 });
announce((app.server.address() as AddressInfo).port);
