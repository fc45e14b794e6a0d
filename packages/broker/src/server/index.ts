// The door of `server/`: sockets, frames and the way from a request to its handler.
export { type Dispatcher, makeDispatcher } from './dispatch.ts'
export { FaultRuleError, type Faults, makeFaults } from './faults.ts'
export { makeRequestLog, type RequestLog } from './request-log.ts'
export { type KafkaServer, listen } from './server.ts'
