// The package's one door: the command, for whoever wants to run it in process.
export type { Io, Output } from './framework/io.ts'
export { version } from './framework/version.ts'
export { run } from './run.ts'
