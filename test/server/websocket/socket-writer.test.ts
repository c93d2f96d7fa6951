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

/** Who was told to go on. */
const told = () => said.filter((one) => one !== 'heard');

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
    const waiting = (name: string) => {
      let pushed = false;
      const own = {
        goOn() {
          said.push(pushed ? `${name} taken` : name);
          if (!pushed) writer.push(much, own);
          pushed = true;
        },
      };
      return own;
    };
    for (const name of ['a', 'b']) writer.whenFree(waiting(name));
    await until(() => socket.bufferedAmount > 0);
    expect([writer.isFull, told()]).toEqual([true, []]);
    client.resume();
    await until(() => said.includes('b taken'));
    expect(told()).toEqual(['a', 'first', 'b', 'a taken', 'b taken']);
    expect(writer.isFull).toBe(false);
  });

  it('sends a long message in pieces, whole and in its place, while its client is heard to take them', async () => {
    const long = ['\u{1f30a}'.repeat(100_001), 'é'.repeat(70_000)];
    writer.push('a', sender('a'));
    writer.push(long[0] as string, sender('b'));
    const alone = writer.send(long[1] as string);
    writer.push('c', sender('c'));
    await alone;
    // What the system has taken, the client may have yet to read.
    await until(() => said.includes('c') && received.length === 4);
    expect(received).toEqual(['a', ...long, 'c']);
    expect(told()).toEqual(['a', 'b', 'c']);
    expect(said.filter((one) => one === 'heard').length).toBeGreaterThanOrEqual(1 + 7 + 3 + 1);
  });

  it('lets those who wait go on one by one, the next when the one before it has pushed or has nothing to', async () => {
    writer.push('x'.repeat(70_000), sender('first'));
    const later = sender('later');
    const nothing = sender('nothing');
    for (const one of [later, nothing, sender('last')]) writer.whenFree(one);
    await until(() => told().includes('first'));
    expect(told()).toEqual(['later', 'first']);
    writer.push('a', later);
    expect(told()).toEqual(['later', 'first', 'nothing']);
    writer.forget(nothing);
    expect(told()).toEqual(['later', 'first', 'nothing', 'last']);
    await until(() => told().length === 5);
  });

  it('tells nothing to who was forgotten', async () => {
    writer.push('x'.repeat(100_000), sender('first'));
    writer.whenFree(sender('stays'));
    const gone = sender('gone');
    writer.whenFree(gone);
    writer.forget(gone);
    await until(() => said.includes('first'));
    expect(told()).toEqual(['stays', 'first']);
  });

  it('leaves nobody waiting when the socket is gone in the middle of a long message', async () => {
    client.pause();
    writer.push('x'.repeat(50_000_000), sender('a'));
    const behind = writer.send('b');
    await until(() => socket.bufferedAmount > 0);
    client.terminate();
    await behind;
    await until(() => said.includes('a'));
  });

  it('leaves nobody waiting when the socket is gone', async () => {
    client.terminate();
    await once(socket, 'close');
    writer.push('a', sender('a'));
    writer.whenFree(sender('b'));
    await writer.send('c');
    await until(() => told().length === 2);
  });
});
