// The broker's loggers as a config resource (KIP-412). There is one, `root`: the logger that the broker was started with, if it has a
// level that can be changed, as pino's has. As in Kafka a change lasts until the broker stops.
import { KafkaError } from '../errors.ts'
import type { Logger } from '../types.ts'

const root = 'root'
/** Pino's names by Kafka's. */
const levels: Readonly<Record<string, string>> = {
  TRACE: 'trace',
  DEBUG: 'debug',
  INFO: 'info',
  WARN: 'warn',
  ERROR: 'error',
  FATAL: 'fatal',
}

/** The level of each logger by Kafka's names. */
export function loggerLevels({ level }: Logger): ReadonlyMap<string, string> {
  const name = Object.keys(levels).find((key) => levels[key] === level)
  return new Map(name === undefined ? [] : [[root, name]])
}

/** @throws KafkaError in Kafka's words, for the first change that cannot be made */
export function checkLoggerLevels(logger: Logger, next: ReadonlyMap<string, string>): void {
  const current = loggerLevels(logger)
  for (const [name, level] of next) {
    if (!Object.hasOwn(levels, level)) {
      const known = Object.keys(levels).sort().join(', ')
      throw new KafkaError(
        'INVALID_CONFIG',
        `Cannot set the log level of ${name} to ${level} as it is not a supported log level. Valid log levels are ${known}`,
      )
    }
    if (!current.has(name)) throw new KafkaError('INVALID_CONFIG', `Logger ${name} does not exist!`)
  }
  if (current.has(root) && !next.has(root)) {
    throw new KafkaError('INVALID_REQUEST', 'Removing the log level of the root logger is not allowed')
  }
}

export function setLoggerLevels(logger: Logger, next: ReadonlyMap<string, string>): void {
  const level = next.get(root)
  if (level !== undefined) logger.level = levels[level]!
}
