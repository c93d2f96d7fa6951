import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Redis } from 'iovalkey';
import { type WebSocket, WebSocketServer } from 'ws';
import { serverAddress } from '../server.ts';

/**
 * What remains of pushing when nothing is computed: a POST is published to Valkey, and answered once that is acknowledged; what
 * is heard of it from there goes out to all sockets as it is, to each as often as its address says (`/?copies=100`).
 */
const [, , url = '', channel = ''] = process.argv;
const { host, port, db } = serverAddress(url);
const [publisher, subscriber] = [new Redis({ host, port, db }), new Redis({ host, port, db })];
const copies = new Map<WebSocket, number>();
const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
sockets.on('connection', (socket, request) => {
  copies.set(socket, Number(URL.parse(request.url ?? '', 'ws://relay')?.searchParams.get('copies')));
  socket.on('close', () => copies.delete(socket));
});
subscriber.on('message', (_, text) => {
  for (const [socket, times] of copies) for (let i = 0; i < times; i++) socket.send(text);
});
await subscriber.subscribe(channel);

const http = createServer(async (request, response) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  await publisher.publish(channel, Buffer.concat(chunks));
  response.end('published');
});
http.on('upgrade', (request, socket, head) =>
  sockets.handleUpgrade(request, socket, head, (open) => sockets.emit('connection', open, request)),
);
http.listen(0, '127.0.0.1');
await once(http, 'listening');
process.stdout.write(`listens on http://127.0.0.1:${(http.address() as AddressInfo).port}\n`);
