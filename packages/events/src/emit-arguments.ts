// Checks the arguments of `emit` and `emitMany` before they are used. The types say the same, but services are also written in
// JavaScript, and values come from requests and files.
import { EventsConfigError, EventsError } from './errors.ts'
import type { EmitOptions, RecordOptions } from './types.ts'

/** Latest time that a JavaScript date can have, in milliseconds since the epoch. */
const maxTimestampMs = 8_640_000_000_000_000

/**
 * The arguments of `emit`, except for the payload.
 * @throws EventsConfigError naming the argument that cannot be used
 */
export function checkEmitArguments(topic: unknown, eventType: unknown, given: unknown): asserts given is EmitOptions {
  requireText('topic', topic, '')
  requireText('eventType', eventType, ` (topic ${topic as string})`)
  const where = ` (${topic as string} ${eventType as string})`
  if (typeof given !== 'object' || given === null) {
    throw requiredOption('userId', given, where)
  }
  const { userId, key, headers, timestampMs } = given as Record<string, unknown>
  requireText('userId', userId, where)
  if (key !== undefined && typeof key !== 'string') {
    throw new EventsConfigError('key', `must be a string; got ${kindOf(key)}${where}; leave it out for the userId`)
  }
  checkTime(timestampMs, where)
  if (headers !== undefined) checkHeaders(headers, where)
}

/**
 * The same for a record of a shape of its own, as far as that is possible without the registered schema.
 * @throws EventsConfigError naming the argument that cannot be used
 */
export function checkRecordArguments(topic: unknown, value: unknown, given: unknown): asserts given is RecordOptions {
  requireText('topic', topic, '')
  const where = ` (topic ${topic as string})`
  if (typeof value !== 'object' || Array.isArray(value) || ArrayBuffer.isView(value)) {
    throw new EventsConfigError(
      'value',
      `must be an object with the fields of the topic's schema, or null to delete a key; got ${kindOf(value)}${where}`,
    )
  }
  if (typeof given !== 'object' || given === null) {
    throw requiredOption('key', given, where)
  }
  const { key, headers, timestampMs } = given as Record<string, unknown>
  if (key !== null && typeof key !== 'string' && !(key instanceof Uint8Array)) {
    throw new EventsConfigError('key', `must be a string, bytes or null; got ${kindOf(key)}${where}`)
  }
  if (value === null && key === null) {
    throw new EventsConfigError('key', `is missing: null as a value deletes a key, and there is none${where}`)
  }
  checkTime(timestampMs, where)
  if (headers !== undefined) checkHeaders(headers, where)
}

/** The options, of which one is required, are not an object. */
function requiredOption(name: string, given: unknown, where: string): EventsConfigError {
  return given === undefined
    ? new EventsConfigError(`options.${name}`, `is required${where}`)
    : new EventsConfigError('options', `must be an object with a ${name}; got ${kindOf(given)}${where}`)
}

function checkTime(timestampMs: unknown, where: string): void {
  if (
    timestampMs !== undefined &&
    !(Number.isInteger(timestampMs) && (timestampMs as number) >= 0 && (timestampMs as number) <= maxTimestampMs)
  ) {
    const is = typeof timestampMs === 'number' ? String(timestampMs) : kindOf(timestampMs)
    throw new EventsConfigError(
      'timestampMs',
      `must be a whole number of milliseconds since the epoch; got ${is}${where}; leave it out for now`,
    )
  }
}

function checkHeaders(headers: unknown, where: string): void {
  const prototype: unknown =
    typeof headers === 'object' && headers !== null ? Object.getPrototypeOf(headers) : undefined
  if (prototype !== Object.prototype && prototype !== null) {
    throw new EventsConfigError('headers', `must be an object of strings; got ${kindOf(headers)}${where}`)
  }
  for (const [name, value] of Object.entries(headers as object)) {
    if (value !== undefined && typeof value !== 'string') {
      throw new EventsConfigError(`headers["${name}"]`, `must be a string; got ${kindOf(value)}${where}`)
    }
  }
}

/** The headers to send: those without a value are left out, as in JSON. */
export function headerEntries(headers: EmitOptions['headers']): (readonly [string, string])[] {
  return Object.entries(headers ?? {}).filter((entry): entry is [string, string] => entry[1] !== undefined)
}

/**
 * The payload as JSON.
 * @throws EventsConfigError when JSON cannot hold it: a cycle, a bigint, a function
 */
export function payloadJson(topic: string, eventType: string, data: unknown): string {
  let json: string | undefined
  let reason = `it is ${kindOf(data)}`
  try {
    json = JSON.stringify(data)
  } catch (error) {
    reason = (error instanceof Error ? error.message : String(error)).split('\n', 1)[0]!
  }
  if (json === undefined) {
    throw new EventsConfigError('data', `cannot be written as JSON: ${reason} (${topic} ${eventType})`)
  }
  return json
}

/** @throws EventsConfigError unless it is a list */
export function checkEventList(events: unknown): void {
  if (!Array.isArray(events)) throw new EventsConfigError('events', `must be a list of events; got ${kindOf(events)}`)
}

/** Wraps any thrown value, for example from a getter of the caller's object, in an error of this library. */
export function codedError(thrown: unknown): EventsError {
  if (thrown instanceof EventsError) return thrown
  const reason = thrown instanceof Error ? thrown.message : String(thrown)
  return new EventsError('EMIT_FAILED', `the event could not be prepared: ${reason}`, { cause: thrown })
}

function requireText(field: string, value: unknown, where: string): void {
  if (typeof value !== 'string' || value === '') {
    const is = value === '' ? 'an empty one' : kindOf(value)
    throw new EventsConfigError(field, `must be a non-empty string; got ${is}${where}`)
  }
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object')
    return (value.constructor?.name ?? 'Object') === 'Object' ? 'an object' : `a ${value.constructor?.name}`
  return value === undefined ? 'undefined' : `a ${typeof value}`
}
