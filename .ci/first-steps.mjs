// Does what the README tells a newcomer to do: pastes its mutation, its query and its subscription into a running API.
//   node .ci/first-steps.mjs URL START   (START: 1 the first, 2 a later start on the same data)
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';

const [url, start] = process.argv.slice(2);
const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
const operations = [...readme.matchAll(/```graphql\n([\s\S]*?)```/g)].map((match) => match[1]);
const find = (kind) =>
  operations.find((text) => text.trimStart().startsWith(kind)) ?? assert.fail(`no ${kind} in README.md`);

async function ask(query) {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/graphql-response+json' },
    body: JSON.stringify({ query }),
  });
  const { data, errors } = await response.json();
  assert.equal(errors, undefined, JSON.stringify(errors));
  assert.equal(response.status, 200);
  return data;
}

async function* watch(query, signal) {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    signal,
    headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
    body: JSON.stringify({ query }),
  });
  assert.equal(response.status, 200);
  let text = '';
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const data = /^data: ?(.+)$/m.exec(text.slice(0, end))?.[1];
      text = text.slice(end + 2);
      if (data) yield JSON.parse(data);
    }
  }
}

const recorded = (await ask(find('mutation'))).recordTransaction;
assert.equal(recorded.status, start === '1' ? 'RECORDED' : 'DUPLICATE', 'what a start recorded is there at the next');
const profile = (await ask(find('query'))).user.riskProfile;
assert.equal(profile.txnCount24h, Number(start), JSON.stringify(profile)); // one here, one live at each earlier start

const page = await fetch(url);
assert.equal(page.status, 200, 'the dashboard is built');
const script = /<script [^>]*src="\.\/([^"]+)"/.exec(await page.text())?.[1];
assert.equal((await fetch(`${url}/${script}`)).headers.get('content-type'), 'text/javascript');

const ending = new AbortController();
const updates = watch(find('subscription'), AbortSignal.any([ending.signal, AbortSignal.timeout(20_000)]));
const next = async () => (await updates.next()).value.data.userRiskProfileUpdated[0];
assert.equal((await next()).cause, 'SNAPSHOT');
await ask(find('mutation').replace(/transactionId: "[^"]*"/, `transactionId: "seen-live-${start}-${Date.now()}"`));
const update = await next();
assert.equal(update.cause, 'EVENT');
ending.abort();
process.stdout.write(`the README's operations answered at ${url}: ${JSON.stringify(update)}\n`);
