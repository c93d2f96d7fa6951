import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { until } from './until.ts';

type Value = {
  readonly stringValue?: string;
  readonly intValue?: number;
  readonly doubleValue?: number;
  readonly boolValue?: boolean;
};
type Attributes = readonly { readonly key: string; readonly value: Value }[];

/** A span as OTLP has it in JSON. */
interface SentSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: Attributes;
  readonly links?: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly status?: { readonly code?: number };
}

interface SentTraces {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: Attributes };
    readonly scopeSpans: readonly { readonly spans: readonly SentSpan[] }[];
  }[];
}

/** A span that was received. */
export class ReceivedSpan {
  readonly sent: SentSpan;
  readonly facts: { readonly [name: string]: unknown };

  constructor(sent: SentSpan) {
    this.sent = sent;
    this.facts = factsOf(sent.attributes);
  }

  get name(): string {
    return this.sent.name;
  }

  get isFailed(): boolean {
    return this.sent.status?.code === 2;
  }
}

/** Takes traces by OTLP over HTTP, as a collector does. */
export class OtlpCollector {
  readonly #server: Server;
  readonly spans: ReceivedSpan[] = [];
  /** What those who send say of themselves. */
  readonly resources: { readonly [name: string]: unknown }[] = [];
  /** All that came, as it came. */
  text = '';

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<OtlpCollector> {
    const server = createServer();
    const collector = new OtlpCollector(server);
    server.on('request', async (request, response) => {
      const traces = (await json(request)) as SentTraces;
      if (request.url !== '/v1/traces' || request.method !== 'POST') return response.writeHead(404).end();
      collector.#take(traces);
      return response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return collector;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The spans of a trace, once one of this name is among them, and all of them have come whose parent is here. */
  async trace(traceId: string, name: string): Promise<ReceivedSpan[]> {
    const spans = () => this.spans.filter(({ sent }) => sent.traceId === traceId);
    await until(() => spans().some((span) => span.name === name));
    return spans();
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #take(traces: SentTraces): void {
    this.text += JSON.stringify(traces);
    for (const { resource, scopeSpans } of traces.resourceSpans) {
      this.resources.push(factsOf(resource.attributes));
      for (const { spans } of scopeSpans) this.spans.push(...spans.map((span) => new ReceivedSpan(span)));
    }
  }
}

function factsOf(attributes: Attributes): { readonly [name: string]: unknown } {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}

/** A trace as its spans' names, each below its parent, with two spaces more. */
export function treeOf(spans: readonly ReceivedSpan[]): string[] {
  const ids = new Set(spans.map(({ sent }) => sent.spanId));
  const below = (parent: string | null, depth: number): string[] =>
    spans
      .filter(({ sent }) => (parent === null ? !ids.has(sent.parentSpanId ?? '') : sent.parentSpanId === parent))
      .sort((a, b) => Number(BigInt(a.sent.startTimeUnixNano) - BigInt(b.sent.startTimeUnixNano)))
      .flatMap((span) => [`${'  '.repeat(depth)}${span.name}`, ...below(span.sent.spanId, depth + 1)]);
  return below(null, 0);
}
