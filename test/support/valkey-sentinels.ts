import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ServerProcess } from './server-process.ts';
import { until } from './until.ts';

const name = 'main';
const quorum = 2;

/** A primary, a replica of it, and three sentinels that watch them, on the loopback. */
export class SentinelGroup {
  readonly servers: readonly ServerProcess[];
  readonly sentinels: readonly ServerProcess[];

  private constructor(servers: readonly ServerProcess[], sentinels: readonly ServerProcess[]) {
    this.servers = servers;
    this.sentinels = sentinels;
  }

  static async start(settings: { readonly [name: string]: string } = {}): Promise<SentinelGroup> {
    // A primary that came back empty would empty whoever then follows it.
    const all = { appendonly: 'yes', 'repl-diskless-sync-delay': '0', ...settings };
    const primary = await ServerProcess.start({ settings: all });
    const replicaof = `127.0.0.1 ${primary.port}`;
    const replica = await ServerProcess.start({ settings: { ...all, replicaof } });
    const sentinels = await Promise.all(
      [0, 1, 2].map(() =>
        ServerProcess.start({
          // What a sentinel learns it writes into its configuration, which it must have in a file.
          configuration: async (folder) => {
            const file = join(folder, 'sentinel.conf');
            await writeFile(
              file,
              [
                `sentinel monitor ${name} 127.0.0.1 ${primary.port} ${quorum}`,
                `sentinel down-after-milliseconds ${name} 1000`,
                `sentinel failover-timeout ${name} 5000`,
                '',
              ].join('\n'),
            );
            return [file, '--sentinel'];
          },
        }),
      ),
    );
    const group = new SentinelGroup([primary, replica], sentinels);
    await until(async () => {
      const facts = await Promise.all(sentinels.map(({ admin }) => admin.info('sentinel')));
      return facts.every((info) => /slaves=1,sentinels=3/.test(info));
    }, 30_000);
    return group;
  }

  get url(): string {
    return `valkey+sentinel://${this.sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',')}/${name}`;
  }

  /** Who is the primary, as the sentinels say. */
  async primary(): Promise<ServerProcess> {
    const [sentinel] = this.sentinels as [ServerProcess];
    const [, port] = (await sentinel.admin.call('SENTINEL', 'GET-PRIMARY-ADDR-BY-NAME', name)) as [string, string];
    return this.servers.find((one) => one.port === Number(port)) as ServerProcess;
  }

  /** Has the sentinels make the replica the primary; they give up where it is too busy, and are asked again. */
  async failOver(): Promise<void> {
    const victim = await this.primary();
    const [sentinel] = this.sentinels as [ServerProcess];
    await until(async () => {
      if ((await this.primary()) !== victim) return true;
      const facts = String(await sentinel.admin.call('SENTINEL', 'PRIMARY', name));
      if (!/failover_in_progress/.test(facts)) await sentinel.admin.call('SENTINEL', 'FAILOVER', name).catch(() => {});
      return false;
    }, 30_000);
  }

  async destroy(): Promise<void> {
    await Promise.all([...this.sentinels, ...this.servers].map((one) => one.destroy()));
  }
}
