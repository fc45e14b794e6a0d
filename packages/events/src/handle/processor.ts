// One attempt at one record: decode it, call its handler, and decide what becomes of it: done, tried again, or sent to the dead letters.
import { isUtf8 } from 'node:buffer'
import { backoffMs } from '@selfmonitor/cluster/backoff'
import { deadLetterTopic } from '../dead-letter-names.ts'
import { PermanentError, RetryLater, UndecodableEventError } from '../errors.ts'
import { type FetchedRecord, reasonOf } from '../kafka/index.ts'
import type { ResolvedOptions } from '../options.ts'
import { traceProcess } from '../tracing.ts'
import type { EventObserver, HandlerContext, Logger } from '../types.ts'
import type { Codec } from '../wire/index.ts'
import type { DeadLetterCause, DeadLetterWriter } from './dead-letter.ts'
import { type Content, type HandlerTable, readContent, type TopicHandlers, toEvent, toRecord } from './received.ts'
import { retryDelayMs } from './retry.ts'
import type { Task } from './scheduler.ts'

/** A record on its way through its handler. */
/** Between attempts that do not count, because the broker or the registry was not there. */
const uncountedBackoff = { firstMs: 200, maxMs: 30_000 } as const

export interface Work {
  readonly record: FetchedRecord
  content: Content | null
  /** Attempts that counted. */
  attempts: number
  /** Attempts that did not count: the registry or the dead letters' topic could not be reached. */
  uncounted: number
  /** Set once the event is given up: from then on only its way to the dead letters is tried. */
  givenUp: DeadLetterCause | null
}

export function newWork(record: FetchedRecord): Work {
  return { record, content: null, attempts: 0, uncounted: 0, givenUp: null }
}

export type Outcome = { readonly kind: 'done' } | { readonly kind: 'retry'; readonly delayMs: number }

const done: Outcome = { kind: 'done' }

export interface ProcessorOptions {
  readonly settings: ResolvedOptions
  readonly handlers: HandlerTable
  readonly codec: Codec
  readonly deadLetters: DeadLetterWriter
  readonly logger: Logger
  readonly observer?: EventObserver
  readonly random: () => number
  /** Of the assignment that the task belongs to. */
  readonly signalOf: (task: Task<Work>) => AbortSignal
}

export interface Processor {
  attempt(task: Task<Work>): Promise<Outcome>
  /** The attempt failed for a reason that is not the event's: it does not count, and the same is tried again, later. */
  tryAgain(work: Work): Outcome
  readonly counters: {
    readonly handled: number
    readonly retried: number
    readonly deadLettered: number
    readonly skipped: number
  }
}

/** A handler that is ready to be called, and how the observer hears of it. */
interface Call {
  readonly subject: ReturnType<typeof toEvent> | ReturnType<typeof toRecord>
  /** For log lines. */
  readonly names: object
  handle(context: HandlerContext): void | Promise<void>
  handled(): void
  failed(error: Error): void
}

interface ProcessorState {
  readonly options: ProcessorOptions
  readonly counters: { handled: number; retried: number; deadLettered: number; skipped: number }
}

export function createProcessor(options: ProcessorOptions): Processor {
  const state: ProcessorState = { options, counters: { handled: 0, retried: 0, deadLettered: 0, skipped: 0 } }
  return { attempt: (task) => attempt(state, task), tryAgain, counters: state.counters }
}

async function attempt(state: ProcessorState, task: Task<Work>): Promise<Outcome> {
  const { options, counters } = state
  const { settings, handlers, codec, logger, observer } = options
  const work = task.item
  if (work.givenUp !== null) return sendToDeadLetters(state, task, work.givenUp)
  const ofTopic = handlers.get(task.topic)!
  if (work.content === null) {
    try {
      const content = readContent(task.topic, work.record.value, ofTopic, codec)
      work.content = content instanceof Promise ? await content : content
    } catch (error) {
      if (error instanceof UndecodableEventError) return sendToDeadLetters(state, task, { error, attempts: 1 })
      logger.warn({ ...placeOf(task), reason: reasonOf(error) }, 'the schema of an event cannot be read yet')
      return tryAgain(work)
    }
  }
  const call = callOf(task, work.content, ofTopic, observer)
  if (call === null) {
    counters.skipped++
    return done
  }
  const signal = options.signalOf(task)
  try {
    await traceProcess(call.subject, settings.group, () => call.handle({ signal }))
  } catch (thrown) {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown))
    call.failed(error)
    return task.lost ? done : afterFailure(state, task, call, error)
  }
  if (!task.lost) {
    counters.handled++
    call.handled()
  }
  return done
}

/** A handler has thrown: it is called again, later, or the event is given up. */
async function afterFailure(state: ProcessorState, task: Task<Work>, { names }: Call, error: Error): Promise<Outcome> {
  const { options, counters } = state
  const { settings, logger } = options
  const work = task.item
  const where = { ...placeOf(task), ...names }
  if (error instanceof RetryLater) {
    counters.retried++
    logger.info({ ...where, delayMs: error.delayMs }, 'the handler asked to try the event again later')
    return { kind: 'retry', delayMs: error.delayMs }
  }
  work.attempts++
  if (error instanceof PermanentError || work.attempts >= settings.retry.attempts) {
    return sendToDeadLetters(state, task, { error, attempts: work.attempts })
  }
  const delayMs = retryDelayMs(settings.retry, work.attempts, options.random())
  counters.retried++
  const first = work.attempts === 1
  logger.warn(
    {
      ...where,
      attempt: work.attempts,
      of: settings.retry.attempts,
      delayMs,
      error: error.message,
      // With its stack once: the further attempts most often fail in the same place.
      ...(first ? { err: error } : {}),
    },
    'the handler failed, the event will be tried again',
  )
  return { kind: 'retry', delayMs }
}

/** Moves an event to the dead letters; until that is done the event stays, and holds its key and its offset. */
async function sendToDeadLetters(
  { options, counters }: ProcessorState,
  task: Task<Work>,
  cause: DeadLetterCause,
): Promise<Outcome> {
  const { deadLetters, logger, observer } = options
  const work = task.item
  work.givenUp = cause
  if (task.lost) return done
  try {
    await deadLetters.write(task, work.record, cause)
  } catch (error) {
    logger.error(
      { ...placeOf(task), reason: reasonOf(error) },
      'the dead letter could not be written and will be tried again; the partition waits',
    )
    return tryAgain(work)
  }
  counters.deadLettered++
  const envelope = work.content?.kind === 'event' ? work.content.envelope : null
  const { error, attempts } = cause
  logger.error(
    {
      ...placeOf(task),
      eventType: envelope?.event_type,
      eventId: envelope?.event_id,
      attempts,
      error: error.message,
      err: error,
    },
    `the event was moved to ${deadLetterTopic(task.topic)}`,
  )
  observer?.deadLettered?.({
    topic: task.topic,
    partition: task.partition,
    offset: task.offset,
    eventId: envelope?.event_id ?? null,
    eventType: envelope?.event_type ?? null,
    error,
    attempts,
    deadLetterTopic: deadLetterTopic(task.topic),
  })
  return done
}

function tryAgain(work: Work): Outcome {
  work.uncounted++
  return { kind: 'retry', delayMs: backoffMs(work.uncounted, uncountedBackoff) }
}

const keyCharacters = 100

function placeOf({ topic, partition, offset, item }: Task<Work>): object {
  return { topic, partition, offset: String(offset), key: keyText(item.record.key) }
}

/** @returns the key as text, as hex (0x…) when it is not UTF-8, shortened; null when the record has none */
function keyText(key: Buffer | null): string | null {
  if (key === null) return null
  const text = isUtf8(key) ? key.toString() : `0x${key.toString('hex')}`
  return text.length > keyCharacters ? `${text.slice(0, keyCharacters)}…` : text
}

/** @returns null when nothing here handles events of this type */
function callOf(
  task: Task<Work>,
  content: Content,
  handlers: TopicHandlers,
  observer: EventObserver | undefined,
): Call | null {
  const { record, attempts } = task.item
  if (handlers.kind === 'records') {
    const subject = toRecord(task, record, content as Extract<Content, { kind: 'record' }>, attempts + 1)
    return {
      subject,
      names: {},
      handle: (context) => handlers.handler(subject, context),
      handled: () => observer?.recordHandled?.(subject),
      failed: (error) => observer?.recordFailed?.(subject, error),
    }
  }
  const event = content as Extract<Content, { kind: 'event' }>
  const handler = handlers.byType.get(event.envelope.event_type) ?? handlers.byType.get('*')
  if (handler === undefined) return null
  const subject = toEvent(task, record, event, attempts + 1)
  return {
    subject,
    names: { eventType: subject.eventType, eventId: subject.eventId },
    handle: (context) => handler(subject, context),
    handled: () => observer?.handled?.(subject),
    failed: (error) => observer?.failed?.(subject, error),
  }
}
