// The package's public exports: `startBroker`, its types and its errors.

export { metricsText } from '@selfmonitor/http/metrics'
export { deleteDataDir } from './data-dir/index.ts'
export { BrokerFailure } from './failure.ts'
export { FaultRuleError } from './server/index.ts'
export { startBroker } from './start-broker.ts'
export { BrokerStartError, type BrokerStartErrorCode } from './start-error.ts'
export type * from './types.ts'
