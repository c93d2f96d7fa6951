import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { SocketWriter } from '../../../src/server/websocket/socket-writer.ts';
import { until } from '../../support/until.ts';

let http: ReturnType<typeof createServer>;
let client: WebSocket;
let socket: WebSocket;
let stream: Duplex;
let writer: SocketWriter;
const received: string[] = [];
const said: string[] = [];

beforeEach(async () => {
  received.length = said.length = 0;
  http = createServer();
  const sockets = new WebSocketServer({ server: http });
  const connected = once(sockets, 'connection') as Promise<[WebSocket, IncomingMessage]>;
  await once(http.listen(0, '127.0.0.1'), 'listening');
  client = new WebSocket(`ws://127.0.0.1:${(http.address() as AddressInfo).port}`);
  client.on('message', (data) => received.push(String(data)));
  const [[opened, request]] = await Promise.all([connected, once(client, 'open')]);
  [socket, stream] = [opened, request.socket];
  writer = new SocketWriter(socket, stream, () => said.push('heard'));
});

afterEach(() => {
  client.terminate();
  http.close();
});

const sender = (name: string) => ({ goOn: () => said.push(name) });

describe('a socket writer', () => {
  it('sends what is pushed in one tick by one write, and tells each sender when it was taken', async () => {
    let writes = 0;
    const write = stream._writev as NonNullable<Duplex['_writev']>;
    stream._writev = (chunks, callback) => {
      writes++;
      write.call(stream, chunks, callback);
    };
    for (const name of ['a', 'b', 'c']) writer.push(name, sender(name));
    expect(said).toEqual([]);
    await until(() => received.length === 3);
    expect([received, writes]).toEqual([['a', 'b', 'c'], 1]);
    await until(() => said.length === 4);
    expect(said).toEqual(['heard', 'a', 'b', 'c']);
  });

  it('sends what is for one client alone behind what was pushed before it', async () => {
    writer.push('a', sender('a'));
    await writer.send('b');
    writer.push('c', sender('c'));
    await until(() => received.length === 3);
    expect(received).toEqual(['a', 'b', 'c']);
  });

  it('is full while much was not taken, and then lets go on who has waited, one after the other', async () => {
    client.pause();
    // More than the system takes for a client that does not read.
    writer.push('x'.repeat(50_000_000), sender('first'));
    const much = 'x'.repeat(300_000);
    const waiting = (name: string) => ({
      goOn() {
        said.push(name);
        writer.push(much, sender(`${name} taken`));
      },
    });
    for (const name of ['a', 'b']) writer.whenFree(waiting(name));
    await until(() => socket.bufferedAmount > 0);
    expect([writer.isFull, said]).toEqual([true, []]);
    client.resume();
    await until(() => said.includes('b taken'));
    expect(said.filter((one) => one !== 'heard')).toEqual(['a', 'first', 'b', 'a taken', 'b taken']);
    expect(writer.isFull).toBe(false);
  });

  it('leaves nobody waiting when the socket is gone', async () => {
    client.terminate();
    await once(socket, 'close');
    writer.push('a', sender('a'));
    await writer.send('b');
    writer.whenFree(sender('b'));
    await until(() => said.includes('a') && said.includes('b'));
  });
});
