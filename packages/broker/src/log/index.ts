// The door of the partition logs.
export { toLogConfig } from './config.ts'
export * from './errors.ts'
export { type LogFs, nodeFs, temporaryFs } from './fs.ts'
export { type LogManagerOptions, openLogManager } from './manager.ts'
export type * from './types.ts'
