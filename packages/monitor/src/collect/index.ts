// The collector.
export { type CollectOptions, defaultEveryMs, type Source } from './collect.ts'
export { type Collector, type CollectorOptions, defaultIntervalMs, startCollector } from './collector.ts'
export { type NamePatterns, nameFilter, PatternError } from './patterns.ts'
export type { ServiceAddresses, ServiceClient } from './services.ts'
export type { CollectorState } from './state.ts'
