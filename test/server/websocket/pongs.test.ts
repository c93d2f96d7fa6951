import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { answerPings } from '../../../src/server/websocket/pongs.ts';
import { until } from '../../support/until.ts';

it('pings are answered, but those that nobody waits for any more are not', async () => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', autoPong: false });
  await once(server, 'listening');
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const [socket] = (await once(server, 'connection')) as [WebSocket];
  await once(client, 'open');
  answerPings(socket);
  const pongs: string[] = [];
  client.on('pong', (data) => pongs.push(String(data)));
  let heard = 0;
  socket.on('ping', () => heard++);

  client.ping('alone');
  await until(() => pongs.length === 1);
  client.pause();
  // More than the system takes for a client that does not read: no answer gets away.
  socket.send('x'.repeat(50_000_000));
  const before = socket.bufferedAmount;
  for (let i = 0; i < 1_000; i++) client.ping(String(i));
  await until(() => heard === 1_001);
  expect(socket.bufferedAmount).toBeLessThan(before + 100);
  client.resume();
  await until(() => pongs.at(-1) === '999');
  expect(pongs).toEqual(['alone', '0', '999']);
  client.terminate();
  server.close();
});
