// Makes the pictures of the dashboard that the README shows, of an API that runs, such as `npm run demo`:
//   node scripts/screenshots.ts 'http://127.0.0.1:4000/#User/user_0081&Merchant/shop_0177'
import { fileURLToPath } from 'node:url';
import { findChromium, launchChromium } from '../test/support/chromium.ts';

const pictures = [
  { name: 'dashboard-light', colorScheme: 'light', viewport: { width: 1320, height: 860 } },
  { name: 'dashboard-dark', colorScheme: 'dark', viewport: { width: 1320, height: 860 } },
  { name: 'dashboard-phone', colorScheme: 'light', viewport: { width: 390, height: 844 } },
] as const;

/** So that the figures of the API have a line, too. */
const watchedMs = 60_000;

const [url] = process.argv.slice(2);
const executable = findChromium();
if (!url || !executable) throw new Error(url ? 'there is no Chromium here' : 'the address of a dashboard is missing');

const browser = await launchChromium(executable);
try {
  await Promise.all(
    pictures.map(async ({ name, colorScheme, viewport }) => {
      const page = await (await browser.newContext({ colorScheme, viewport })).newPage();
      await page.goto(url);
      await page.waitForTimeout(watchedMs);
      if (viewport.width > 1_000) await page.locator('.row').first().click();
      await page.mouse.move(0, 0);
      await page.waitForTimeout(2_000);
      await page.screenshot({ path: fileURLToPath(new URL(`../docs/${name}.png`, import.meta.url)) });
    }),
  );
} finally {
  await browser.close();
}
