import { context, propagation, trace } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import type { Tracing } from '../measure/index.ts';
import { CountingExporter } from './counting-exporter.ts';
import { OpenTelemetryTracing } from './open-telemetry.ts';

/** Tracing that was begun. */
export interface StartedTracing {
  readonly tracing: Tracing;
  /** Sends what is left, for as long as that takes but not for long. */
  end(): Promise<void>;
}

export interface TracingOptions {
  /** Told why spans cannot be sent when that begins, and null when it is over. */
  readonly onTurn: (problem: string | null) => void;
}

const endPatienceMs = 2_000; // 2 seconds

/**
 * Begins to record traces and to send them by OTLP over HTTP, as the environment says by the names that OpenTelemetry gives it: where to
 * (`OTEL_EXPORTER_OTLP_…`), as whom (`OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES`), how many of them (`OTEL_TRACES_SAMPLER`), and
 * how they are kept until they are sent (`OTEL_BSP_…`).
 */
export function startTracing({ onTurn }: TracingOptions): StartedTracing {
  const exporter = new CountingExporter(new OTLPTraceExporter(), onTurn);
  const provider = new NodeTracerProvider({
    resource: defaultResource()
      .merge(resourceFromAttributes({ 'service.name': 'freshet' }))
      .merge(detectResources({ detectors: [envDetector] })),
    spanProcessors: [new BatchSpanProcessor(exporter), exporter.countEnded],
  });
  provider.register();
  const end = async () => {
    const patience = new Promise<void>((resolve) => setTimeout(resolve, endPatienceMs).unref());
    await Promise.race([provider.shutdown().catch(() => {}), patience]);
    trace.disable();
    context.disable();
    propagation.disable();
  };
  return { tracing: new OpenTelemetryTracing(trace.getTracer('freshet'), exporter.counts), end };
}
