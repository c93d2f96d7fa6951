// A deployment to grow: a clone of this repository with the packages of this one, and its own Valkey and API.
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

export class Deployment {
  static async use(work) {
    const deployment = new Deployment();
    try {
      await work(deployment);
    } finally {
      await deployment.#end();
    }
  }

  folder = mkdtempSync(join(tmpdir(), 'freshet-growth-'));
  #api = null;
  #valkey = null;

  constructor() {
    execFileSync('git', ['clone', '-q', root, this.folder]);
    symlinkSync(join(root, 'node_modules'), join(this.folder, 'node_modules'));
    symlinkSync(join(root, '.valkey'), join(this.folder, '.valkey'));
  }

  read(file) {
    return readFileSync(join(this.folder, file), 'utf8');
  }

  write(file, text) {
    writeFileSync(join(this.folder, file), text);
  }

  run(command, ...args) {
    return execFileSync(command, args, { cwd: this.folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  }

  /** The files that differ from the commit, new ones included. */
  changedFiles() {
    this.run('git', 'add', '--all', '--intent-to-add');
    return this.run('git', 'diff', '--name-only').split('\n').filter(Boolean).sort();
  }

  /** How many lines of a file were added and removed. */
  changedLines(file) {
    return this.run('git', 'diff', '--numstat', '--', file).split('\t').slice(0, 2).map(Number);
  }

  /** Starts Valkey and the API; gives a function that asks GraphQL, and the client of that Valkey. */
  async start() {
    const { connect, parseValkeyUrl, startEmbeddedValkey } = await import(join(this.folder, 'src/valkey/index.ts'));
    const server = await startEmbeddedValkey({ persistent: false, report: () => {} });
    this.#valkey = { server, client: connect(parseValkeyUrl(server.url)) };
    this.#api = spawn(process.execPath, ['src/main.ts'], {
      cwd: this.folder,
      env: { ...process.env, VALKEY_URL: server.url, PORT: '0', HOST: '127.0.0.1', LOG_LEVEL: 'info' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let printed = '';
    this.#api.stdout.setEncoding('utf8').on('data', (text) => {
      printed += text;
    });
    const deadline = Date.now() + 30_000;
    let url;
    while (!url) {
      url = /http:\/\/127\.0\.0\.1:\d+/.exec(printed)?.[0];
      if (Date.now() > deadline || this.#api.exitCode !== null) throw new Error(`the API did not start:\n${printed}`);
      await wait(50);
    }
    const ask = async (query) => {
      const response = await fetch(`${url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ query }),
      });
      const { data, errors } = await response.json();
      if (errors) throw new Error(JSON.stringify(errors));
      return data;
    };
    return { ask, valkey: this.#valkey.client };
  }

  async #end() {
    if (this.#api && this.#api.exitCode === null) {
      const gone = new Promise((resolve) => this.#api.once('exit', resolve));
      this.#api.kill('SIGTERM');
      await gone;
    }
    this.#valkey?.client.disconnect();
    await this.#valkey?.server.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
