// Exports the command, to run it in process.
export type { Io } from './framework/io.ts'
export { version } from './framework/version.ts'
export type { Output } from './output/terminal.ts'
export { run } from './run.ts'
