// The logger of a service that brings none: warnings and errors, one line of JSON each, to stderr.
import type { Logger } from './types.ts'

function write(level: 'warn' | 'error', context: object, message: string): void {
  process.stderr.write(`${JSON.stringify({ level, time: new Date().toISOString(), ...context, msg: message })}\n`)
}

export const defaultLogger: Logger = {
  debug() {},
  info() {},
  warn: (context, message) => write('warn', context, message),
  error: (context, message) => write('error', context, message),
}
