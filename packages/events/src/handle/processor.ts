// One attempt to handle one record: decode it, call its handler, and decide on the result: done, try again, or dead letter.
import { isUtf8 } from 'node:buffer'
import { backoffMs } from '@selfmonitor/cluster/backoff'
import { deadLetterTopic } from '../dead-letter-names.ts'
import { PermanentError, RetryLater, UndecodableEventError } from '../errors.ts'
import { type FetchedRecord, reasonOf } from '../kafka/index.ts'
import type { ResolvedOptions } from '../options.ts'
import { handlerErrorType, type StreamMetrics, type Tracing, traceProcess } from '../telemetry/index.ts'
import type { EventObserver, HandlerContext, Logger } from '../types.ts'
import type { Codec } from '../wire/index.ts'
import type { DeadLetterCause, DeadLetterWriter } from './dead-letter.ts'
import {
  type Content,
  type HandlerTable,
  handlerOf,
  readContent,
  type TopicHandlers,
  toEvent,
  toRecord,
} from './received.ts'
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
  readonly tracing: Tracing
  readonly metrics: StreamMetrics
  readonly random: () => number
  /** Of the assignment that the task belongs to. */
  readonly signalOf: (task: Task<Work>) => AbortSignal
}

export interface Processor {
  attempt(task: Task<Work>): Promise<Outcome>
  /** The attempt failed for a reason that is not the event's: it does not count, and the same is tried again, later. */
  tryAgain(work: Work): Outcome
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

export function createProcessor(options: ProcessorOptions): Processor {
  options.metrics.begin(options.handlers.keys())
  return { attempt: (task) => attempt(options, task), tryAgain }
}

async function attempt(options: ProcessorOptions, task: Task<Work>): Promise<Outcome> {
  const { handlers, codec, logger, observer, metrics } = options
  const work = task.item
  if (work.givenUp !== null) return sendToDeadLetters(options, task, work.givenUp)
  const ofTopic = handlers.get(task.topic)!
  if (work.content === null) {
    try {
      const content = readContent(task.topic, work.record, ofTopic, codec)
      work.content = content instanceof Promise ? await content : content
    } catch (error) {
      if (error instanceof UndecodableEventError) return sendToDeadLetters(options, task, { error, attempts: 1 })
      logger.warn({ ...placeOf(task), reason: reasonOf(error) }, 'the schema of an event cannot be read yet')
      return tryAgain(work)
    }
  }
  const call = callOf(task, work.content, ofTopic, observer)
  if (call === null) {
    metrics.outcome(task.topic, 'skipped')
    return done
  }
  const signal = options.signalOf(task)
  try {
    await callHandler(options, call, signal)
  } catch (thrown) {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown))
    call.failed(error)
    return task.lost ? done : afterFailure(options, task, call, error)
  }
  if (!task.lost) {
    metrics.outcome(task.topic, 'consumed')
    call.handled()
  }
  return done
}

/** @throws what the handler throws */
async function callHandler({ tracing, metrics }: ProcessorOptions, call: Call, signal: AbortSignal): Promise<void> {
  const { subject } = call
  const handle = (): void | Promise<void> => call.handle({ signal })
  if (!metrics.wanted()) return traceProcess(tracing, subject, handle)
  const startedMs = performance.now()
  let error: string | null = null
  try {
    await traceProcess(tracing, subject, handle)
  } catch (thrown) {
    error = handlerErrorType(thrown)
    throw thrown
  } finally {
    metrics.processed(subject.topic, (performance.now() - startedMs) / 1000, error)
  }
}

/** A handler has thrown: it is called again, later, or the event is given up. */
async function afterFailure(
  options: ProcessorOptions,
  task: Task<Work>,
  { names }: Call,
  error: Error,
): Promise<Outcome> {
  const { settings, logger, metrics } = options
  const work = task.item
  const where = { ...placeOf(task), ...names }
  if (error instanceof RetryLater) {
    metrics.outcome(task.topic, 'retried')
    logger.info({ ...where, delayMs: error.delayMs }, 'the handler asked to try the event again later')
    return { kind: 'retry', delayMs: error.delayMs }
  }
  work.attempts++
  if (error instanceof PermanentError || work.attempts >= settings.retry.attempts) {
    return sendToDeadLetters(options, task, { error, attempts: work.attempts })
  }
  const delayMs = retryDelayMs(settings.retry, work.attempts, options.random())
  metrics.outcome(task.topic, 'retried')
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
  { deadLetters, logger, observer, metrics }: ProcessorOptions,
  task: Task<Work>,
  cause: DeadLetterCause,
): Promise<Outcome> {
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
  metrics.outcome(task.topic, 'deadLettered')
  metrics.outcome(task.topic, 'consumed')
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
  const handler = handlerOf(handlers, event.envelope)
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
