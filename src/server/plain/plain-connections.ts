import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { PlainConnection, type PlainService } from './plain-connection.ts';
import { SocketStandIn } from './socket-stand-in.ts';

/** Has each connection of a server be a plain one, until it is handed over to Node's HTTP: the first to have listened. */
export function attendPlainly(server: Server, service: Omit<PlainService, 'server' | 'handOver'>): void {
  const [nodes] = server.listeners('connection') as [(socket: Socket) => void];
  server.off('connection', nodes);
  // By its documentation it takes any duplex stream.
  const handOver = (socket: Socket | SocketStandIn) => nodes.call(server, socket as Socket);
  const all = { ...service, server, handOver };
  server.on('connection', (socket: Socket) => new PlainConnection(socket, all));
  server.on('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
    if (socket instanceof SocketStandIn) response.once('close', socket.answered);
  });
}
