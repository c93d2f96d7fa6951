import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { PlainConnection, type PlainService } from './plain-connection.ts';
import { SocketStandIn } from './socket-stand-in.ts';

/** What the plain connections of a server have in common, and who may be one. */
export interface PlainAttendance extends Omit<PlainService, 'server' | 'handOver'> {
  /** Asked of each connection; one that is refused has been told so. Default: all may. */
  readonly admits?: (socket: Socket) => boolean;
}

/** Has each connection of a server be a plain one, until it is handed over to Node's HTTP: the first to have listened. */
export function attendPlainly(server: Server, { admits = () => true, ...service }: PlainAttendance): void {
  const [nodes] = server.listeners('connection') as [(socket: Socket) => void];
  server.off('connection', nodes);
  // By its documentation it takes any duplex stream.
  const handOver = (socket: Socket | SocketStandIn) => nodes.call(server, socket as Socket);
  const all = { ...service, server, handOver };
  server.on('connection', (socket: Socket) => {
    if (admits(socket)) new PlainConnection(socket, all);
  });
  server.on('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
    if (socket instanceof SocketStandIn) response.once('close', socket.answered);
  });
}
