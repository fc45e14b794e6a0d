// The package's one door: `startBroker` and what it says and throws.

export { BrokerFailure } from './failure.ts'
export { FaultRuleError } from './server/index.ts'
export { startBroker } from './start-broker.ts'
export { BrokerStartError, type BrokerStartErrorCode } from './start-error.ts'
export type * from './types.ts'
