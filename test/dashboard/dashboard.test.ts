import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest';
import { buildDashboard } from '../../scripts/build-dashboard.ts';
import { type ApiClient, ApiProcess, newKeyPrefix } from '../support/api.ts';
import { barriers } from '../support/barriers.ts';
import { findChromium, launchChromium } from '../support/chromium.ts';
import { ThrowawayValkey } from '../support/throwaway-valkey.ts';
import { until } from '../support/until.ts';

const executable = findChromium();
if (executable === null)
  process.stderr.write('There is no Chromium here: the tests of the page in a browser are left out\n');

let browser: Browser;

interface Opened {
  readonly page: Page;
  /** What the page complained of. */
  readonly complaints: readonly string[];
}

interface Look {
  readonly dark?: boolean;
  readonly phone?: boolean;
}

/** Opens the page until the test is over. */
async function open(api: ApiClient, hash = '', { dark = false, phone = false }: Look = {}): Promise<Opened> {
  const context = await browser.newContext({
    colorScheme: dark ? 'dark' : 'light',
    viewport: phone ? { width: 375, height: 812 } : { width: 1280, height: 900 },
    reducedMotion: 'reduce', // a number that lights up has other colours meanwhile
    locale: 'en-GB',
  });
  onTestFinished(() => context.close());
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  await page.goto(`${api.url}/${hash}`);
  return { page, complaints };
}

/** An API of its own until the test is over. */
async function startApi(settings: Readonly<Record<string, string>> = {}) {
  const api = new ApiProcess({ VALKEY_URL: inject('valkeyUrl'), FRESHET_KEY_PREFIX: newKeyPrefix(), ...settings });
  onTestFinished(() => api.stop());
  return { api, client: await api.listening() };
}

let transactions = 0;

/** Records a payment, by default of now. */
async function pay(client: ApiClient, userId: string, amount: number, secondsAgo?: number): Promise<void> {
  const occurredAt = secondsAgo === undefined ? null : new Date(Date.now() - 1_000 * secondsAgo).toISOString();
  const input = { transactionId: `t${transactions++}`, userId, merchantId: 'corner_shop', amount, occurredAt };
  const mutation = 'mutation ($input: TransactionInput!) { recordTransaction(input: $input) { status } }';
  const { data } = await client.ask<{ recordTransaction: { status: string } }>(mutation, { input });
  expect(data?.recordTransaction.status).toBe('RECORDED');
}

function card(page: Page, name: string): Locator {
  return page.getByRole('article', { name });
}

/** The row of a feature: a button with the feature's name, its chart and its value. */
function row(page: Page, name: string, feature: string): Locator {
  return card(page, name).locator('.row').filter({ hasText: feature });
}

async function shownValue(page: Page, name: string, feature: string): Promise<string> {
  return (await row(page, name, feature).locator('.value').textContent()) ?? '';
}

/** What its chart says to ears. */
async function chartOf(page: Page, name: string, feature: string): Promise<string> {
  return (await row(page, name, feature).getByRole('img').getAttribute('aria-label')) ?? '';
}

/** Its chart's picture; null while nothing is drawn on it. */
function pictureOf(page: Page, name: string, feature: string): Promise<string | null> {
  return row(page, name, feature)
    .locator('canvas')
    .evaluate((element) => {
      const canvas = element as HTMLCanvasElement;
      const blank = document.createElement('canvas');
      blank.width = canvas.width;
      blank.height = canvas.height;
      const picture = canvas.toDataURL();
      return picture === blank.toDataURL() ? null : picture;
    });
}

describe.skipIf(executable === null)('the dashboard', () => {
  beforeAll(async () => {
    await buildDashboard();
    browser = await launchChromium(executable as string);
  });
  afterAll(() => browser.close());

  test('says what to do while there is nothing, and offers whom there is once there is somebody', async () => {
    const { client } = await startApi();
    const { page, complaints } = await open(client);
    await page.getByRole('heading', { name: 'Nothing is recorded yet' }).waitFor();
    expect(await page.getByText('npm run demo').count()).toBeGreaterThan(0);
    await until(async () => (await page.getByRole('link', { name: 'GraphiQL' }).count()) === 2);
    expect(await barriers(page)).toEqual([]);
    await pay(client, 'anna', 10);
    await page.getByRole('heading', { name: 'Nothing is pinned' }).waitFor();
    await page.getByRole('button', { name: 'User anna' }).click();
    await card(page, 'User anna').waitFor();
    await until(async () => (await shownValue(page, 'User anna', 'txnCount1h')) === '1');
    expect(complaints).toEqual([]);
  });

  test('finds and pins by keys, shows events as they come, and decay', async () => {
    const { client } = await startApi();
    await pay(client, 'berta', 20, 3_600);
    await pay(client, 'bernd', 20, 3_600);
    const { page, complaints } = await open(client);
    await page.getByRole('status').filter({ hasText: 'Live' }).waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('BER');
    await page.getByRole('option', { name: 'User berta' }).waitFor();
    await page.keyboard.press('ArrowDown'); // from bernd, who comes first
    await page.keyboard.press('Enter');
    await card(page, 'User berta').waitFor();
    await until(() => new URL(page.url()).hash === '#User/berta');

    await until(async () => (await chartOf(page, 'User berta', 'txnCount24h')).includes('now 1'));
    expect(await shownValue(page, 'User berta', 'txnCount24h')).toBe('1');
    // It is drawn a moment after it is told to ears.
    const picture = await until(() => pictureOf(page, 'User berta', 'txnCount24h'));

    // The second is of 53 s ago: it leaves the minute soon, with nothing else happening.
    await pay(client, 'berta', 30, 53);
    await until(async () => (await shownValue(page, 'User berta', 'txnCount24h')) === '2');
    await card(page, 'User berta').getByText('EVENT', { exact: true }).waitFor();
    await until(
      async () => (await chartOf(page, 'User berta', 'txnCount24h')) === 'txnCount24h over time: from 1 to 2, now 2',
    );
    await until(async () => (await pictureOf(page, 'User berta', 'txnCount24h')) !== picture);
    await card(page, 'User berta').getByText('DECAY', { exact: true }).waitFor();
    expect(await shownValue(page, 'User berta', 'txnCount1m')).toBe('0');
    expect(await shownValue(page, 'User berta', 'txnCount24h')).toBe('2');

    await row(page, 'User berta', 'txnCount1m').press('Enter');
    await card(page, 'User berta').getByRole('img', { name: 'txnCount1m over time, with axes' }).waitFor();
    await card(page, 'User berta').getByRole('button', { name: 'Unpin User berta' }).press('Enter');
    await page.getByRole('heading', { name: 'Nothing is pinned' }).waitFor();
    await until(() => new URL(page.url()).hash === '');
    expect(complaints).toEqual([]);
  });

  test('is honest while it is not connected, and goes on after a restart', async () => {
    const keyPrefix = newKeyPrefix();
    const first = await startApi({ FRESHET_KEY_PREFIX: keyPrefix });
    const { port } = new URL(first.client.url);
    await pay(first.client, 'carla', 10);
    await pay(first.client, 'carlo', 10);
    const { page } = await open(first.client, '#User/carla&User/carlo&User/gone');
    await card(page, 'User gone').getByRole('button', { name: 'Unpin User gone' }).click();
    await until(async () => (await shownValue(page, 'User carla', 'txnCount24h')) === '1');
    expect(await barriers(page)).toEqual([]);

    await first.api.stop();
    await page.getByRole('status').filter({ hasText: 'Reconnecting' }).waitFor();
    await page.getByRole('alert').filter({ hasText: 'Not connected since' }).waitFor();
    expect(await shownValue(page, 'User carla', 'txnCount24h')).toBe('1'); // as it was then
    await until(async () => (await chartOf(page, 'User carla', 'txnCount24h')).includes('not known now'));
    expect(await barriers(page)).toEqual([]);

    const second = await startApi({ FRESHET_KEY_PREFIX: keyPrefix, PORT: port });
    await pay(second.client, 'carla', 10); // perhaps before the page is back
    await page.getByRole('status').filter({ hasText: 'Live' }).waitFor();
    await until(async () => (await shownValue(page, 'User carla', 'txnCount24h')) === '2');
    // Of whom nothing came meanwhile, what is shown is known to hold, too.
    await until(async () => (await chartOf(page, 'User carlo', 'txnCount24h')).includes('now 1'));
    expect(await page.getByRole('alert').count()).toBe(0);
    await pay(second.client, 'carla', 10);
    await until(async () => (await shownValue(page, 'User carla', 'txnCount24h')) === '3');
    // What was unpinned before is not watched again.
    await until(
      async () =>
        (await page.locator('.figure').filter({ hasText: 'watchers' }).locator('.value').textContent()) === '1',
    );
  });

  test('says so while the API cannot hear its store, and goes on once it is back', async () => {
    const store = await ThrowawayValkey.create();
    onTestFinished(() => store.destroy());
    await store.start();
    const { client } = await startApi({ VALKEY_URL: store.url });
    await pay(client, 'greta', 10);
    const { page } = await open(client, '#User/greta');
    await until(async () => (await shownValue(page, 'User greta', 'txnCount24h')) === '1');
    await store.crash();
    await page.getByRole('alert').filter({ hasText: 'The API cannot hear its store' }).waitFor();
    await page.getByRole('status').filter({ hasText: 'Store away' }).waitFor();
    await until(async () => (await chartOf(page, 'User greta', 'txnCount24h')).includes('not known now'));
    expect(await card(page, 'User greta').getAttribute('class')).toContain('stale');
    expect(await barriers(page)).toEqual([]);
    // What is pinned meanwhile comes once it can.
    await page.getByRole('combobox').fill('gustav');
    await page.getByRole('option', { name: 'User gustav' }).click();
    await card(page, 'User gustav').getByRole('alert').waitFor();
    await store.start();
    await page.getByRole('status').filter({ hasText: 'Live' }).waitFor();
    expect(await page.getByRole('alert').filter({ hasText: 'cannot hear its store' }).count()).toBe(0);
    await pay(client, 'greta', 10);
    await until(async () => (await shownValue(page, 'User greta', 'txnCount24h')) === '2');
    await until(async () => (await shownValue(page, 'User gustav', 'txnCount24h')) === '0', 20_000);
    await until(async () => (await chartOf(page, 'User greta', 'txnCount24h')).includes('now 2'));
    expect(await page.getByRole('alert').count()).toBe(0);
  });

  test('says so while the store does not answer, though all connections stand', async () => {
    const store = await ThrowawayValkey.create();
    onTestFinished(() => store.destroy());
    await store.start();
    const { client } = await startApi({ VALKEY_URL: store.url });
    await pay(client, 'hanna', 10, 57); // which soon is more than a minute ago
    const { page } = await open(client, '#User/hanna');
    await until(async () => (await shownValue(page, 'User hanna', 'txnCount24h')) === '1');
    store.freeze();
    await page.getByRole('status').filter({ hasText: 'Store away' }).waitFor();
    store.thaw();
    await page.getByRole('status').filter({ hasText: 'Live' }).waitFor();
    await until(async () => (await shownValue(page, 'User hanna', 'txnCount1m')) === '0');
  });

  test('takes just the id for one who is quicker than its answer, and never the answer to another text', async () => {
    const { client } = await startApi();
    for (const user of ['a', 'aa', ...Array.from({ length: 70 }, (_, i) => `a${i}`)]) await pay(client, user, 1);
    const { page } = await open(client);
    await page.getByRole('status').filter({ hasText: 'Live' }).waitFor();
    await page.getByRole('combobox').fill('a6');
    await page.getByRole('option', { name: 'User a60' }).waitFor();
    await page.getByRole('combobox').fill('a');
    await page.getByRole('combobox').press('Enter');
    await until(() => new URL(page.url()).hash === '#User/a');
    // Of many that hold the text, the one that is it comes first.
    await page.getByRole('combobox').fill('a');
    await until(async () => /^User a(pinned)?$/.test((await page.getByRole('option').first().textContent()) ?? ''));
  });

  test('goes by the store’s clock, though the browser’s is an hour behind', async () => {
    const { client } = await startApi();
    await pay(client, 'late', 10);
    const { page } = await open(client);
    await page.addInitScript(() => {
      const { now } = Date;
      Date.now = () => now() - 3_600_000;
    });
    await page.goto(`${client.url}/#User/late`);
    await page.reload();
    await until(async () => (await chartOf(page, 'User late', 'txnCount24h')).includes('from 0 to 1, now 1'));
    await card(page, 'User late')
      .getByText(/last event \d+ s ago/)
      .waitFor();
    await page.evaluate(() => {
      const { now } = Date;
      Date.now = () => now() + 7_200_000; // it is put right, and wrong the other way
    });
    await pay(client, 'late', 10);
    await until(async () => (await chartOf(page, 'User late', 'txnCount24h')).includes('from 0 to 2, now 2'));
    await card(page, 'User late')
      .getByText(/last event \d+ s ago/)
      .waitFor();
  });

  test('shows what the API does', async () => {
    const { client } = await startApi();
    const { page } = await open(client);
    const figure = (name: string) => page.locator('.figure').filter({ hasText: name });
    await until(async () => (await figure('events/s').locator('.value').textContent()) === '0');
    await pay(client, 'dora', 10);
    await until(
      async () =>
        !/now 0$|no values/.test((await figure('events/s').getByRole('img').getAttribute('aria-label')) ?? ''),
    );
    await page.goto(`${client.url}/#User/dora&Merchant/corner_shop`);
    await until(async () => (await figure('watchers').locator('.value').textContent()) === '2');
  });

  test('shows of an id that cannot be, why, beside those that can', async () => {
    const { client } = await startApi();
    await pay(client, 'erna', 10);
    const tooLong = 'x'.repeat(257);
    const { page } = await open(client, `#User/${tooLong}&User/erna`);
    await until(async () => (await shownValue(page, 'User erna', 'txnCount24h')) === '1');
    await card(page, `User ${tooLong}`).getByRole('alert').waitFor();
    expect(await card(page, `User ${tooLong}`).getByRole('alert').textContent()).toMatch(/256 bytes/);
  });

  test.each([
    { dark: false, phone: false },
    { dark: true, phone: false },
    { dark: false, phone: true },
    { dark: true, phone: true },
  ])('can be used by all, and fits: %o', async (look) => {
    const { client } = await startApi();
    await pay(client, 'fritz_with_quite_a_long_name_for_a_card', 12_345_678.9);
    const { page } = await open(client, '#User/fritz_with_quite_a_long_name_for_a_card&Merchant/corner_shop', look);
    await until(async () => (await page.locator('.row').count()) > 20);
    await row(page, 'Merchant corner_shop', 'txnAmount24h').click();
    await page.getByRole('combobox').fill('fritz');
    await page.getByRole('option').first().waitFor();
    expect(await barriers(page)).toEqual([]);
    const overhang = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    expect(overhang).toBe(0);
  });
});

describe('the files of the dashboard', () => {
  beforeAll(() => buildDashboard());

  test('are served with what a browser needs to trust and keep them, and nothing else is', async () => {
    const { client } = await startApi();
    const page = await fetch(`${client.url}/`);
    expect(page.status).toBe(200);
    expect(page.headers.get('cache-control')).toBe('no-cache');
    expect(page.headers.get('content-security-policy')).toMatch(/^default-src 'none'/);
    const script = /src="\.\/(assets\/[^"]+\.js)"/.exec(await page.text())?.[1];
    const asset = await fetch(`${client.url}/${script}`);
    expect(asset.headers.get('content-type')).toMatch(/javascript/);
    expect((await fetch(`${client.url}/?from=a-bookmark`)).status).toBe(200);
    expect(asset.headers.get('cache-control')).toMatch(/immutable/);
    const etag = asset.headers.get('etag') as string;
    expect((await fetch(`${client.url}/${script}`, { headers: { 'if-none-match': etag } })).status).toBe(304);
    const { hostname, port } = new URL(client.url);
    for (const path of [
      '/assets/none.js',
      '/assets/../.built-from',
      '/assets/../index.html',
      '/assets/%2e%2e/.built-from',
      '/assets/%2e%2e/%2e%2e/%2e%2e/package.json',
      '/assets/./x/../../index.html',
      '/index.html/x',
    ]) {
      // As it is: fetch would put the path in order.
      const answer = request({ hostname, port, path }).end();
      const [{ statusCode }] = (await once(answer, 'response')) as [IncomingMessage];
      expect([path, statusCode]).toEqual([path, 404]);
    }
    const ranged = await fetch(`${client.url}/`, { headers: { range: 'bytes=9-3' } });
    expect(ranged.status).toBe(200);
    expect((await fetch(`${client.url}/`, { method: 'POST' })).status).toBe(405);
  });
});
