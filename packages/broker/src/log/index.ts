// The door of the partition logs.
export { toLogConfig } from './config.ts'
export * from './errors.ts'
export { parseFolderName } from './folders.ts'
export { type LogFs, nodeFs, temporaryFs } from './fs.ts'
export { openLogManager } from './manager.ts'
export type { LogManagerOptions } from './manager-options.ts'
export type * from './types.ts'
