import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { newKeyPrefix } from '../../support/api.ts';
import { Workers } from '../../support/workers.ts';

const page = 'https://app.example.com';

let service: Workers;

beforeAll(async () => {
  service = await Workers.start(2, {
    VALKEY_URL: inject('valkeyUrl'),
    FRESHET_KEY_PREFIX: newKeyPrefix(),
    FRESHET_CORS_ORIGINS: page,
    FRESHET_HSTS_SECONDS: '60',
    FRESHET_TRUSTED_PROXIES: '127.0.0.1',
    FRESHET_RATE_LIMIT: '2',
  });
});
afterAll(() => service?.process.stop());

const query = '{ __typename }';

it('what the environment says holds in all workers together', async () => {
  const [first, second] = [await service.connectTo(1), await service.connectTo(2)];
  const headers = { origin: page, 'x-forwarded-for': '198.51.100.1' };
  const statuses: (number | undefined)[] = [];
  for (let n = 0; n < 6; n++) {
    for (const connection of [first, second]) {
      const answer = await connection.ask('POST', '/graphql', headers, { query });
      statuses.push(answer.status);
      expect(answer.headers).toMatchObject({
        'access-control-allow-origin': page,
        'strict-transport-security': 'max-age=60',
      });
    }
  }
  // A burst of two seconds' worth, and what came meanwhile.
  expect(statuses.slice(0, 3)).toEqual([200, 200, 200]);
  expect(statuses).toContain(429);
  for (const connection of [first, second]) connection.close();
});

it('what one worker hands over to another is counted once, and is of whom it came from', async () => {
  const [first, second] = [await service.connectTo(1), await service.connectTo(2)];
  const ofClient = (client: string) => ({ 'x-forwarded-for': client });
  const { text: token } = await first.ask('PUT', '/graphql', ofClient('198.51.100.7'));
  const handedOver: (number | undefined)[] = [];
  for (let n = 0; n < 3; n++) {
    const headers = { ...ofClient(`198.51.100.${8 + n}`), 'x-graphql-event-stream-token': token };
    const asked = await second.ask('POST', '/graphql', headers, { query, extensions: { operationId: `${n}` } });
    handedOver.push(asked.status);
  }
  expect(handedOver).toEqual([202, 202, 202]);
  // Four in all may come at once; one has come.
  const more: (number | undefined)[] = [];
  for (let n = 0; n < 3; n++) {
    const headers = { ...ofClient('198.51.100.9'), 'x-graphql-event-stream-token': token };
    const asked = await second.ask('POST', '/graphql', headers, { query, extensions: { operationId: `more ${n}` } });
    more.push(asked.status);
  }
  expect(more).toEqual([202, 202, 202]);
  for (const connection of [first, second]) connection.close();
});
