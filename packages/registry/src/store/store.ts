// The registry's state, kept in a Kafka topic: one write at a time, each of which takes effect when it has been read back.
//
// Several registries may share a topic: each reads what the others write, and announces a registration before it writes it
// (reservations.ts). A Confluent registry ignores announcements, so it must not write at the same time.
import { randomUUID } from 'node:crypto'
import { pause } from '@selfmonitor/cluster/backoff'
import pLimit, { type LimitFunction } from 'p-limit'
import { type Deadline, deadlineIn } from './deadline.ts'
import { encodeKey, encodeSchemaValue, encodeValue, type SchemaValue, type StoreKey } from './records.ts'
import { fingerprint } from './schema-table.ts'
import type { RegistryState } from './state.ts'
import { openTopicLog, type TopicLog, type TopicOptions } from './topic.ts'
import { TopicView } from './topic-view.ts'

export interface StoreOptions extends TopicOptions {
  /** How long one request may wait for Kafka, in milliseconds. */
  readonly timeoutMs: number
  /** How long to wait for Kafka at the start, in milliseconds. */
  readonly startTimeoutMs: number
}

export interface Store {
  readonly clusterId: string
  /** The state of the topic as far as it has been read; it always includes our own writes. */
  readonly state: RegistryState
  /**
   * Runs `operation` alone, on a state that was read to the topic's end.
   * @throws {StoreError} Kafka did not answer within the time of one request, waiting for its turn included
   */
  exclusively<Result>(operation: (transaction: Transaction) => Promise<Result>): Promise<Result>
  close(): Promise<void>
}

export interface Transaction {
  readonly state: RegistryState
  /**
   * Registers a new version.
   * @returns false when another registry was granted the version or the id first: decide again with the new state
   */
  putSchema(value: SchemaValue): Promise<boolean>
  /** Waits for something other than the topic: the time until then does not count towards the time of the request. */
  waitFor<Result>(promise: Promise<Result>): Promise<Result>
  /** Waits for the versions of a subject that other registries have announced, for a limited time: they may be gone. */
  settle(subject: string): Promise<void>
  /** Writes any other record, and the rewriting of a version that is there; null is a tombstone. */
  put(key: StoreKey, value: Buffer | null): Promise<void>
}

/** How long to wait for a version that another registry has announced. */
const settleMs = 1000
const settlePollMs = 5

/** The dependencies of a store. */
interface Parts {
  readonly options: StoreOptions
  readonly log: TopicLog
  readonly view: TopicView
  /** Announcements whose writers did not register in time; nothing waits for them any more. */
  readonly givenUp: Set<string>
  /** One operation at a time, first come first served. */
  readonly turns: LimitFunction
}

/** @throws {TopicUnusableError | StoreError} */
export async function openStore(options: StoreOptions): Promise<Store> {
  const view = new TopicView(options.topic, options.logger)
  const starting = deadlineIn(options.startTimeoutMs)
  const log = await openTopicLog(options, view, starting)
  const parts: Parts = { options, log, view, givenUp: new Set(), turns: pLimit(1) }
  try {
    // The barrier: once our own record has been read back, everything before it is in the state.
    await write(parts, { keytype: 'NOOP' }, null, starting)
  } catch (error) {
    await log.close()
    throw error
  }
  return {
    clusterId: log.clusterId,
    get state() {
      return view.state
    },
    exclusively: (operation) => exclusively(parts, operation),
    close: () => log.close(),
  }
}

/** Appends a record and waits until it, and with it all that came before, is in the state. */
async function write({ log, view }: Parts, key: StoreKey, value: Buffer | null, deadline: Deadline): Promise<void> {
  const began = view.now()
  await view.reach(await log.append(encodeKey(key), value, deadline), deadline)
  view.completed(began)
}

async function readToEnd({ log, view }: Parts, deadline: Deadline): Promise<void> {
  const began = view.now()
  const end = await log.endOffset(deadline)
  if (end > 0n) await view.reach(end - 1n, deadline)
  view.completed(began)
}

async function exclusively<Result>(
  parts: Parts,
  operation: (transaction: Transaction) => Promise<Result>,
): Promise<Result> {
  const { options, view, turns } = parts
  const deadline = deadlineIn(options.timeoutMs)
  const asked = view.now()
  const turn = Promise.withResolvers<void>()
  let gaveUp = false
  const running = turns(async () => {
    if (gaveUp) return undefined
    turn.resolve()
    // An earlier operation may have written since; its record comes after everything that this operation must see.
    if (!view.isCompleteUpTo(asked)) await readToEnd(parts, deadline)
    return { result: await operation(newTransaction(parts, deadline)) }
  })
  try {
    await deadline.race(turn.promise, 'waiting for earlier writes')
  } catch (error) {
    gaveUp = true
    throw error
  }
  return (await running)!.result
}

function newTransaction(parts: Parts, deadline: Deadline): Transaction {
  return {
    get state() {
      return parts.view.state
    },
    waitFor: (promise) => deadline.pausedFor(promise),
    put: (key, value) => write(parts, key, value, deadline),
    putSchema: (value) => putSchema(parts, value, deadline),
    settle: (subject) => settle(parts, subject, deadline),
  }
}

async function putSchema(parts: Parts, value: SchemaValue, deadline: Deadline): Promise<boolean> {
  const { logger, topic } = parts.options
  const { subject, version, id } = value
  const token = randomUUID()
  const reserve = { token, subject, version, id, fingerprint: fingerprint(value) }
  await write(parts, { keytype: 'NOOP' }, encodeValue(null, { reserve }), deadline)
  if (!parts.view.state.reservations.isGranted(token)) {
    logger.info({ topic, subject, version, id }, 'another registry was granted this version or id first')
    return false
  }
  await write(parts, { keytype: 'SCHEMA', subject, version }, encodeSchemaValue(value), deadline)
  return true
}

async function settle({ view, givenUp }: Parts, subject: string, deadline: Deadline): Promise<void> {
  const patience = deadlineIn(Math.min(settleMs, deadline.remainingMs()))
  const awaited = () => view.state.reservations.pending(subject).filter(({ token }) => !givenUp.has(token))
  while (awaited().length > 0 && patience.remainingMs() > 0) await pause(settlePollMs)
  for (const { token } of awaited()) givenUp.add(token)
}
