// The events that the streams of a test platform emitted, handled and gave up, in order; and waiting for more of them.
import { EventsError } from './errors.ts'
import type { DeadLetter, EmitResult, EventObserver, ReceivedEvent, ReceivedRecord, RecordResult } from './types.ts'

export interface EmittedEvent extends EmitResult {
  readonly eventType: string
  readonly userId: string
  readonly data: unknown
}

export interface EmittedRecord extends RecordResult {
  readonly key: string | Uint8Array | null
  readonly value: unknown
}

export interface Observations {
  readonly emitted: EmittedEvent[]
  readonly handled: ReceivedEvent[]
  readonly deadLettered: DeadLetter[]
  readonly emittedRecords: EmittedRecord[]
  readonly handledRecords: ReceivedRecord[]
  /** Called at the next change. */
  watchers: (() => void)[]
}

export const noObservations = (): Observations => ({
  emitted: [],
  handled: [],
  deadLettered: [],
  emittedRecords: [],
  handledRecords: [],
  watchers: [],
})

/** The observer that fills them. */
export function observerOf(seen: Observations): EventObserver {
  return {
    emitted: (event) => void seen.emitted.push(event),
    handled(event) {
      seen.handled.push(event)
      changed(seen)
    },
    deadLettered(letter) {
      seen.deadLettered.push(letter)
      changed(seen)
    },
    recordEmitted: (record) => void seen.emittedRecords.push(record),
    recordHandled(record) {
      seen.handledRecords.push(record)
      changed(seen)
    },
  }
}

function changed(seen: Observations): void {
  const watchers = seen.watchers
  seen.watchers = []
  for (const watcher of watchers) watcher()
}

/** Waits until `look` finds something, looking again at every change. @throws EventsError NOT_HANDLED after the time */
async function waitFor<Found>(
  seen: Observations,
  look: () => Found | undefined,
  wanted: string,
  timeoutMs: number,
): Promise<Found> {
  const limit = AbortSignal.timeout(timeoutMs)
  for (;;) {
    const found = look()
    if (found !== undefined) return found
    if (limit.aborted) throw new EventsError('NOT_HANDLED', `${wanted} within ${timeoutMs} ms. ${soFar(seen)}`)
    await new Promise<void>((resolve) => {
      const finish = (): void => {
        limit.removeEventListener('abort', finish)
        resolve()
      }
      limit.addEventListener('abort', finish)
      seen.watchers.push(finish)
    })
  }
}

/** @throws EventsError NOT_HANDLED when what is waited for became a dead letter */
function requireNotDead(seen: Observations, name: string, isIt: (letter: DeadLetter) => boolean): void {
  const letter = seen.deadLettered.find(isIt)
  if (letter === undefined) return
  const { error } = letter
  throw new EventsError('NOT_HANDLED', `${name} became a dead letter: ${error.message}`, { cause: error })
}

/** See `TestPlatform.waitForHandled`. */
export function waitForEvent(
  seen: Observations,
  wanted: string | ((event: ReceivedEvent) => boolean),
  timeoutMs: number,
): Promise<ReceivedEvent> {
  const test = typeof wanted === 'string' ? (event: ReceivedEvent) => event.eventId === wanted : wanted
  const name = typeof wanted === 'string' ? `event ${wanted}` : 'an event as wanted'
  const look = (): ReceivedEvent | undefined => {
    const found = seen.handled.find(test)
    if (found === undefined && typeof wanted === 'string') {
      requireNotDead(seen, name, ({ eventId }) => eventId === wanted)
    }
    return found
  }
  return waitFor(seen, look, `${name} was not handled`, timeoutMs)
}

/** See `TestPlatform.waitForHandled`. */
export function waitForRecord(
  seen: Observations,
  { topic, partition, offset }: RecordResult,
  timeoutMs: number,
): Promise<ReceivedRecord> {
  const isIt = (other: RecordResult): boolean =>
    other.topic === topic && other.partition === partition && other.offset === offset
  const name = `the record at ${topic}-${partition}@${offset}`
  const look = (): ReceivedRecord | undefined => {
    const found = seen.handledRecords.find(isIt)
    if (found === undefined) requireNotDead(seen, name, isIt)
    return found
  }
  return waitFor(seen, look, `${name} was not handled`, timeoutMs)
}

/** See `TestPlatform.waitForDeadLetter`. */
export function waitForDeadLetter(
  seen: Observations,
  wanted: string | ((letter: DeadLetter) => boolean),
  timeoutMs: number,
): Promise<DeadLetter> {
  const test = typeof wanted === 'string' ? (letter: DeadLetter) => letter.eventId === wanted : wanted
  const name = typeof wanted === 'string' ? `event ${wanted}` : 'an event as wanted'
  return waitFor(seen, () => seen.deadLettered.find(test), `${name} did not become a dead letter`, timeoutMs)
}

/** For the error when something has not happened. */
function soFar({ emitted, handled, deadLettered, emittedRecords, handledRecords }: Observations): string {
  const list = (texts: readonly string[]): string => `(${texts.length}): ${texts.slice(-5).join(', ') || 'none'}`
  const events = (some: readonly { topic: string; eventType: string | null; eventId: string | null }[]): string =>
    list(some.map(({ topic, eventType, eventId }) => `${topic} ${eventType} ${eventId}`))
  const records = (some: readonly RecordResult[]): string =>
    list(some.map(({ topic, partition, offset }) => `${topic}-${partition}@${offset}`))
  const errors = deadLettered.slice(-5).map(({ error }) => error.message)
  const ofRecords =
    emittedRecords.length + handledRecords.length === 0
      ? ''
      : ` Records emitted ${records(emittedRecords)}. Records handled ${records(handledRecords)}.`
  return `Emitted ${events(emitted)}. Handled ${events(handled)}.${ofRecords} Dead letters ${events(deadLettered)}${errors.length > 0 ? ` (${errors.join('; ')})` : ''}.`
}
