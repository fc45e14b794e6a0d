// The logger of a service that brings none: warnings and errors, one line of JSON each, to stderr.
import type { Logger } from './types.ts'

const stackCharacters = 8000

/** @returns the line, with the errors of the context as their class, message, code and stack; their other fields may be personal */
export function logLine(level: 'warn' | 'error', context: object, message: string, time: Date): string {
  const line = { level, time: time.toISOString(), ...context, msg: message }
  return `${JSON.stringify(line, (_, value: unknown) => (value instanceof Error ? errorFields(value) : value))}\n`
}

/** The names are those of pino's lines. */
function errorFields(error: Error): object {
  return {
    type: error.constructor.name || error.name,
    message: error.message.slice(0, stackCharacters),
    code: (error as { code?: unknown }).code,
    stack: stackOf(error, 0).slice(0, stackCharacters),
  }
}

function stackOf(error: Error, depth: number): string {
  const stack = error.stack ?? `${error.name}: ${error.message}`
  return error.cause instanceof Error && depth < 5 ? `${stack}\ncaused by: ${stackOf(error.cause, depth + 1)}` : stack
}

function write(level: 'warn' | 'error', context: object, message: string): void {
  process.stderr.write(logLine(level, context, message, new Date()))
}

export const defaultLogger: Logger = {
  debug() {},
  info() {},
  warn: (context, message) => write('warn', context, message),
  error: (context, message) => write('error', context, message),
}
