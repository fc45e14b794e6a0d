// The package's one door: the command, for whoever wants to run it in process.
export type { Io } from './framework/io.ts'
export type { Output } from './output/terminal.ts'
export { version } from './framework/version.ts'
export { run } from './run.ts'
