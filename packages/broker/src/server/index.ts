// The exports of `server/` for the rest of the broker: sockets, frames, and dispatching requests to their handlers.
export { type Dispatcher, makeDispatcher } from './dispatch.ts'
export { FaultRuleError, type Faults, makeFaults } from './faults.ts'
export { makeRequestLog, type RequestLog } from './request-log.ts'
export { type KafkaServer, listen } from './server.ts'
