export { clientErrorType, handlerErrorType } from './error-type.ts'
export { loadOpenTelemetry } from './opentelemetry.ts'
export {
  type Outgoing,
  type SendSpan,
  startBatch,
  startSend,
  type Tracing,
  traceCommit,
  tracePoll,
  traceProcess,
} from './spans.ts'
export { createStreamMetrics, type StreamMetrics } from './stream-metrics.ts'
