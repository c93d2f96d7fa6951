import type { ReadableSpan, SpanExporter, SpanProcessor } from '@opentelemetry/sdk-trace-node';

type Done = Parameters<SpanExporter['export']>[1];

/** OpenTelemetry's code for what went well; the others are failures. */
const exported = 0;

/** Hands spans on to an exporter, and counts what becomes of them: one that fails does so without a word. */
export class CountingExporter implements SpanExporter {
  readonly #exporter: SpanExporter;
  readonly #onTurn: (problem: string | null) => void;
  readonly counts = { ended: 0, exported: 0, failed: 0 };
  #isFailing = false;

  /** @param onTurn told why spans cannot be sent when that begins, and null when it is over. */
  constructor(exporter: SpanExporter, onTurn: (problem: string | null) => void) {
    this.#exporter = exporter;
    this.#onTurn = onTurn;
  }

  export(spans: ReadableSpan[], done: Done): void {
    this.#exporter.export(spans, (result) => {
      const isFailing = result.code !== exported;
      this.counts[isFailing ? 'failed' : 'exported'] += spans.length;
      if (isFailing !== this.#isFailing)
        this.#onTurn(isFailing ? (result.error?.message ?? 'no reason is given') : null);
      this.#isFailing = isFailing;
      done(result);
    });
  }

  /** Counts spans as they end, those too that are dropped because too many wait to be sent. */
  readonly countEnded: SpanProcessor = {
    onStart: () => {},
    onEnd: () => {
      this.counts.ended += 1;
    },
    forceFlush: async () => {},
    shutdown: async () => {},
  };

  shutdown(): Promise<void> {
    return this.#exporter.shutdown();
  }

  async forceFlush(): Promise<void> {
    await this.#exporter.forceFlush?.();
  }
}
