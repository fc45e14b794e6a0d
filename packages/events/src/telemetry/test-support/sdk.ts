// OpenTelemetry's own SDK in a test's process: spans are kept in memory, metrics are read when they are asked for.
import { context, metrics, propagation, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import { PrometheusSerializer } from '@opentelemetry/exporter-prometheus'
import { MeterProvider, type MetricData, MetricReader } from '@opentelemetry/sdk-metrics'
import { InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'

class AskedReader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

export interface TestSdk {
  /** Ended spans, in the order in which they ended. */
  spans(): readonly ReadableSpan[]
  metrics(): Promise<readonly MetricData[]>
  /** The metrics as OpenTelemetry's own exporter for Prometheus writes them. */
  prometheusText(): Promise<string>
  /** Forgets spans. */
  reset(): void
  stop(): Promise<void>
}

/** Registers an SDK for the whole process. */
export function startSdk(): TestSdk {
  const exporter = new InMemorySpanExporter()
  const tracerProvider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] })
  const reader = new AskedReader()
  const meterProvider = new MeterProvider({ readers: [reader] })
  trace.setGlobalTracerProvider(tracerProvider)
  metrics.setGlobalMeterProvider(meterProvider)
  propagation.setGlobalPropagator(new W3CTraceContextPropagator())
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  return {
    spans: () => exporter.getFinishedSpans(),
    async metrics() {
      const { resourceMetrics } = await reader.collect()
      return resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics)
    },
    async prometheusText() {
      return new PrometheusSerializer('', false).serialize((await reader.collect()).resourceMetrics)
    },
    reset: () => exporter.reset(),
    async stop() {
      trace.disable()
      metrics.disable()
      propagation.disable()
      context.disable()
      await tracerProvider.shutdown()
      await meterProvider.shutdown()
    },
  }
}
