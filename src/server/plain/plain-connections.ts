import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { PlainConnection, type PlainService } from './plain-connection.ts';
import { SocketStandIn } from './socket-stand-in.ts';

/** Has each connection of a server be a plain one, until it is handed over to Node's HTTP, whose own listener is the only one yet. */
export function attendPlainly(server: Server, service: Omit<PlainService, 'handOver'>): void {
  const nodes = server.listeners('connection') as ((socket: Socket) => void)[];
  server.removeAllListeners('connection');
  // By its documentation it takes any duplex stream.
  const handOver = (socket: Socket | SocketStandIn) => {
    for (const listener of nodes) listener.call(server, socket as Socket);
  };
  const all = { ...service, handOver };
  server.on('connection', (socket: Socket) => new PlainConnection(socket, all));
  server.on('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
    if (socket instanceof SocketStandIn) response.once('close', socket.answered);
  });
}
