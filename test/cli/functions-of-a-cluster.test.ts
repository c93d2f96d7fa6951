import { afterAll, beforeAll, expect, test } from 'vitest';
import { views } from '../../schema/index.ts';
import { libraryNameOf } from '../../src/engine/index.ts';
import { Edition } from '../support/edition.ts';
import { until } from '../support/until.ts';
import { ValkeyCluster } from '../support/valkey-cluster.ts';

const own = libraryNameOf(views);
const old = 'freshet_0123456789ab';
const oldText = `#!lua name=${old}\nlocal stem='v7:was_served:'\nserver.register_function("old", function() return stem end)`;

let cluster: ValkeyCluster;

beforeAll(async () => {
  cluster = await ValkeyCluster.start();
}, 60_000);

afterAll(() => cluster?.destroy());

/** What each node has, the primaries first. */
function loaded(): Promise<string[][]> {
  return Promise.all(
    cluster.nodes.map(async ({ admin }) => {
      const libraries = (await admin.call('FUNCTION', 'LIST')) as [string, string][];
      return libraries.map(([, name]) => name).sort();
    }),
  );
}

test('old function libraries are listed once, and removed from whichever primaries have them', async () => {
  const settings = { VALKEY_URL: cluster.url };
  const edition = new Edition();
  const api = edition.start(settings);
  await api.listening();
  // Not all of them have it: a primary that joined later, say.
  const [first, , third] = cluster.nodes;
  for (const node of [first, third]) await node?.admin.call('FUNCTION', 'LOAD', oldText);

  const { stdout } = await edition.run('functions', [], settings);
  expect(stdout.match(/^freshet_\w+ /gm)).toHaveLength(2);
  expect(stdout).toMatch(
    new RegExp(`^${old} [^]*?serves {2}was_served v7\\n {2}used {4}by no process that says so$`, 'm'),
  );
  expect(stdout).toMatch(new RegExp(`^${own} [^]*?used {4}by process ${api.child.pid} on `, 'm'));

  const pruned = await edition.run('functions', ['prune'], settings);
  expect(pruned.stdout).toMatch(
    new RegExp(`^Removed ${old}, which serves was_served v7\\n[^\\n]*: 1 removed, 1 left\\n$`),
  );
  // Replicas do as their primaries did.
  await until(async () => (await loaded()).every((names) => String(names) === own));
}, 120_000);
