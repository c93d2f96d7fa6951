import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { ApiProcess, newKeyPrefix } from '../support/api.ts';
import { OtlpCollector } from '../support/otlp-collector.ts';
import { Scrape } from '../support/prometheus-text.ts';
import { until } from '../support/until.ts';

const ends: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

function start(settings: { readonly [name: string]: string }): ApiProcess {
  const started = new ApiProcess({
    VALKEY_URL: inject('valkeyUrl'),
    FRESHET_KEY_PREFIX: newKeyPrefix(),
    LOG_LEVEL: 'debug',
    ...settings,
  });
  ends.push(() => started.stop());
  return started;
}

const read = '{ user(id: "u") { riskProfile { txnCount1h } } }';
const lines = (api: ApiProcess) =>
  api.output.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line)] : []));

describe('a process', () => {
  it('sends what it traced when it is told where to, at the latest when it ends', async () => {
    const collector = await OtlpCollector.start();
    ends.push(() => collector.stop());
    const api = start({
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
      OTEL_BSP_SCHEDULE_DELAY: '3600000',
    });
    const client = await api.listening();
    await client.ask(read);
    expect(collector.spans).toEqual([]);
    await api.stop();
    expect(await api.exited).toBe(0);
    expect(collector.spans.map(({ name }) => name)).toContain('POST /graphql');
    expect(collector.resources[0]).toMatchObject({ 'service.name': 'freshet', 'deployment.environment.name': 'test' });
    const { traceId } = lines(api).find(({ msg, path }) => msg === 'request' && path === '/graphql') as {
      traceId: string;
    };
    expect(collector.spans.find(({ name }) => name === 'POST /graphql')?.sent.traceId).toBe(traceId);
  });

  it('traces as many as the sampler of the environment says, and each worker does', async () => {
    const collector = await OtlpCollector.start();
    ends.push(() => collector.stop());
    const api = start({
      WORKERS: '2',
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_TRACES_SAMPLER: 'parentbased_always_off',
      OTEL_BSP_SCHEDULE_DELAY: '10',
    });
    const client = await api.listening();
    await client.ask(read);
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
    await client.ask(read, undefined, { traceparent: `00-${traceId}-00f067aa0ba902b7-01` });
    await collector.trace(traceId, 'POST /graphql');
    expect(new Set(collector.spans.map(({ sent }) => sent.traceId))).toEqual(new Set([traceId]));
  });

  it('loads nothing of it, nor of what Prometheus needs, where nobody asks', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'freshet-coverage-'));
    ends.push(() => rm(folder, { recursive: true }));
    // Its report names each script that was loaded.
    const api = start({ NODE_V8_COVERAGE: folder, OTEL_SERVICE_NAME: 'scoring' });
    const client = await api.listening();
    await client.ask(read);
    await api.stop();
    const reports = await Promise.all((await readdir(folder)).map((name) => readFile(join(folder, name), 'utf8')));
    const scripts = reports.flatMap((text) =>
      (JSON.parse(text) as { result: { url: string }[] }).result.map(({ url }) => url),
    );
    expect(scripts.some((url) => url.includes('/src/server/server.ts'))).toBe(true);
    expect(scripts.filter((url) => /opentelemetry|prom-client|src\/tracing/.test(url))).toEqual([]);
  });
});

describe.each([
  ['that nobody listens at', async () => 'http://127.0.0.1:9'],
  [
    'that takes everything and says nothing',
    async () => {
      const sockets = new Set<Socket>();
      const server = createServer((socket) => void sockets.add(socket.on('error', () => {})));
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      ends.push(async () => {
        for (const socket of sockets) socket.destroy();
        await new Promise((resolve) => server.close(resolve));
      });
      return `http://127.0.0.1:${(server.address() as { port: number }).port}`;
    },
  ],
])('a collector %s', (_, address) => {
  it('keeps no request waiting, is counted and logged once, and keeps nobody from ending', async () => {
    const api = start({
      OTEL_EXPORTER_OTLP_ENDPOINT: await address(),
      OTEL_BSP_SCHEDULE_DELAY: '10',
      OTEL_BSP_EXPORT_TIMEOUT: '1000',
      OTEL_EXPORTER_OTLP_TIMEOUT: '500',
    });
    const client = await api.listening();
    const failed = async () => (await Scrape.of(client.url)).sum('freshet_trace_spans_total', { state: 'failed' });
    let asked = 0;
    await until(async () => {
      const { status } = await client.ask(read);
      expect(status).toBe(200);
      asked += 1;
      return asked >= 50 && (await failed()) > 0;
    }, 20_000);
    expect(lines(api).filter(({ msg }) => msg === 'Traces cannot be sent')).toHaveLength(1);
    const begun = performance.now();
    await api.stop();
    expect(await api.exited).toBe(0);
    expect(performance.now() - begun).toBeLessThan(8_000);
  });
});
