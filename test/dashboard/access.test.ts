import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { buildDashboard } from '../../scripts/build-dashboard.ts';
import { KeyRing } from '../support/access/key-ring.ts';
import { startApi, type TestApi } from '../support/api.ts';
import { barriers } from '../support/barriers.ts';
import { findChromium, launchChromium } from '../support/chromium.ts';
import { until } from '../support/until.ts';

const executable = findChromium();

const record = 'mutation ($input: TransactionInput!) { recordTransaction(input: $input) { status } }';

describe.skipIf(executable === null)('the dashboard of an API that asks who it is', () => {
  let browser: Browser;
  let keys: KeyRing;
  let api: TestApi;
  let page: Page;
  let complaints: string[];
  let transactions = 0;

  beforeAll(async () => {
    await buildDashboard();
    browser = await launchChromium(executable as string);
    keys = new KeyRing();
    // As in production.
    api = await startApi({ authenticator: keys.authenticator, introspection: false });
  });
  afterAll(async () => {
    await browser?.close();
    await api?.stop();
    keys?.close();
  });
  beforeEach(async () => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, reducedMotion: 'reduce' });
    page = await context.newPage();
    page.setDefaultTimeout(20_000);
    complaints = [];
    page.on('pageerror', (error) => complaints.push(error.message));
  });
  afterEach(async () => {
    await page.context().close();
    expect(complaints).toEqual([]);
  });

  const open = (hash = '') => page.goto(`${api.url}/${hash}`);
  const ofActivity = () => page.getByRole('region', { name: 'What this API does' });

  async function show(credentials: string): Promise<void> {
    await page.getByLabel('API key or token').fill(credentials);
    await page.getByRole('button', { name: 'Use it' }).click();
  }

  async function keyOf(name: string, scopes: readonly string[]): Promise<string> {
    return (await keys.add(name, scopes)).authorization.replace('Bearer ', '');
  }

  async function pay(userId: string): Promise<void> {
    const input = { transactionId: `d${transactions++}`, userId, merchantId: 'm', amount: 1 };
    const { data } = await api.ask(record, { input }, await keys.add(`payer ${transactions}`, ['admin']));
    expect(data).toEqual({ recordTransaction: { status: 'RECORDED' } });
  }

  test('asks for a key, and is live with it', async () => {
    const key = await keyOf('operator', ['admin']);
    await pay('clara');
    await open('#User/clara');
    await page.getByRole('heading', { name: 'This API asks for a key' }).waitFor();
    expect(await page.getByRole('combobox').count()).toBe(0);
    expect(await barriers(page)).toEqual([]);
    await show(key);
    await page.getByRole('status').filter({ hasText: 'Live' }).waitFor();
    const value = () => page.getByRole('article', { name: 'User clara' }).locator('.row .value').first().textContent();
    await until(async () => (await value()) === '1');
    await ofActivity().waitFor();
    expect(await page.getByRole('link', { name: 'GraphiQL' }).count()).toBe(0); // there is none
    await pay('clara');
    await until(async () => (await value()) === '2');
    expect(await page.evaluate(() => [sessionStorage.length, localStorage.getItem('freshet.key')])).toEqual([1, null]);
    await page.getByRole('button', { name: 'Forget key' }).click();
    await page.getByRole('heading', { name: 'This API asks for a key' }).waitFor();
  });

  test('says why a key is refused', async () => {
    await open();
    await show('fsk_wrong');
    await page.getByRole('heading', { name: 'The API refuses this key' }).waitFor();
    await page.getByText('It says: There is no such key.').waitFor();
    await show(await keyOf('writer', ['events:write']));
    await page.getByText('Query.featureViews is not for this caller').waitFor();
    await show(await keyOf('reader', ['features:read']));
    await page.getByRole('combobox').waitFor();
  });

  test('shows what its key may see, and of the rest that it may not', async () => {
    await pay('acme-1');
    await open('#User/acme-1&User/other-1');
    await page.getByLabel('API key or token').waitFor();
    await show(await keyOf('tenant', ['features:read:User:acme-*']));
    const own = page.getByRole('article', { name: 'User acme-1' });
    await own.locator('.row .value').first().filter({ hasText: '1' }).waitFor();
    await page.getByRole('article', { name: 'User other-1' }).getByText('none of its scopes allows it').waitFor();
    await until(async () => (await ofActivity().count()) === 0);
    await page.keyboard.press('/');
    await page.keyboard.type('-1');
    await page.getByRole('option', { name: 'User acme-1' }).waitFor();
    expect(await page.getByRole('option', { name: /^Merchant/ }).count()).toBe(0);
  });

  test('asks for another key when its own is taken back', async () => {
    await open();
    await show(await keyOf('leaver', ['features:read']));
    await page.getByRole('status').filter({ hasText: 'Live' }).waitFor();
    keys.revoke('leaver');
    // What is open is told so; what the page asks at that moment, that there is no such key. Either may come first.
    await page.getByText(/It says: (The key was taken back|There is no such key)\./).waitFor();
  });
});
