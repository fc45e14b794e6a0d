export { countErrors } from './answer-errors.ts'
export { BrokerCounters, type RequestCounters, type Traffic } from './counters.ts'
export { createIdleRatio, processUse } from './process.ts'
export { type MetricsSource, metricFamilies } from './table.ts'
