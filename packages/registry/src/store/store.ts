// The registry's state, kept in a Kafka topic: one write at a time, each read back before it counts.
//
// Several registries may share a topic: what the others write is seen as soon as it is there, and who wants to register
// announces it first (reservations.ts). A Confluent registry does not know of that: it must not write at the same time.
import { randomUUID } from 'node:crypto'
import { pause } from '@selfmonitor/cluster/backoff'
import pLimit from 'p-limit'
import { type Deadline, deadlineIn } from './deadline.ts'
import type { TopicRecord } from './follow-topic.ts'
import { decodeRecord, encodeKey, encodeSchemaValue, encodeValue, type SchemaValue, type StoreKey } from './records.ts'
import { createState, fingerprint, type RegistryState } from './state.ts'
import { openTopicLog, type TopicOptions } from './topic.ts'

export interface StoreOptions extends TopicOptions {
  /** How long one request may wait for Kafka, in milliseconds. */
  readonly timeoutMs: number
  /** How long to wait for Kafka at the start, in milliseconds. */
  readonly startTimeoutMs: number
}

export interface Store {
  readonly clusterId: string
  /** What the topic says now, as far as it has been read; our own writes are always in it. */
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
   * @returns false when another registry was granted the version or the id first: to be decided anew on the state now
   */
  putSchema(value: SchemaValue): Promise<boolean>
  /** Waits for the versions of a subject that other registries have announced, for a limited time: they may be gone. */
  settle(subject: string): Promise<void>
  /** Writes any other record, and the rewriting of a version that is there; null is a tombstone. */
  put(key: StoreKey, value: Buffer | null): Promise<void>
}

/** How long to wait for a version that another registry has announced. */
const settleMs = 1000
const settlePollMs = 5

/** @throws {TopicUnusableError | StoreError} */
export async function openStore(options: StoreOptions): Promise<Store> {
  const { logger, topic } = options
  let state = createState()
  let position = 0n
  let waiters: { readonly offset: bigint; readonly resolve: () => void }[] = []

  /** Counts events of this store, so that they have an order. */
  let now = 0
  /** Everything that was in the topic at this event is in the state. */
  let readUpTo = 0

  /** Announcements that are no longer waited for: their writers have had their time. */
  const givenUp = new Set<string>()

  const listener = {
    onRecord(record: TopicRecord) {
      const decoded = decodeRecord(record.key, record.value)
      if ('ignored' in decoded) {
        logger.warn({ topic, offset: record.offset.toString(), reason: decoded.ignored }, 'skipped a record')
        return
      }
      state.apply(decoded)
    },
    onPosition(next: bigint) {
      position = next
      const due = waiters.filter((waiter) => waiter.offset < position)
      waiters = waiters.filter((waiter) => waiter.offset >= position)
      for (const waiter of due) waiter.resolve()
    },
    onReset() {
      state = createState()
      position = 0n
      readUpTo = 0
    },
  }

  const starting = deadlineIn(options.startTimeoutMs)
  const log = await openTopicLog(options, listener, starting)
  try {
    // The barrier: once our own record has come back, everything before it is in the state.
    await write({ keytype: 'NOOP' }, null, starting)
  } catch (error) {
    await log.close()
    throw error
  }

  /** Waits until the record at `offset` is in the state. */
  async function readBack(offset: bigint, deadline: Deadline): Promise<void> {
    if (position > offset) return
    const reached = new Promise<void>((resolve) => waiters.push({ offset, resolve }))
    await deadline.race(reached, `reading ${topic} up to offset ${offset}`)
  }

  /** Appends a record and waits until it, and with it all that came before, is in the state. */
  async function write(key: StoreKey, value: Buffer | null, deadline: Deadline): Promise<void> {
    const began = ++now
    await readBack(await log.append(encodeKey(key), value, deadline), deadline)
    readUpTo = began
  }

  async function readToEnd(deadline: Deadline): Promise<void> {
    const began = ++now
    const end = await log.endOffset(deadline)
    if (end > 0n) await readBack(end - 1n, deadline)
    readUpTo = began
  }

  function transaction(deadline: Deadline): Transaction {
    return {
      get state() {
        return state
      },
      async put(key, value) {
        await write(key, value, deadline)
      },
      async putSchema(value) {
        const { subject, version, id } = value
        const token = randomUUID()
        const reserve = { token, subject, version, id, fingerprint: fingerprint(value) }
        await write({ keytype: 'NOOP' }, encodeValue(null, { reserve }), deadline)
        if (!state.reservations.isGranted(token)) {
          logger.info({ topic, subject, version, id }, 'another registry was granted this version or id first')
          return false
        }
        await write({ keytype: 'SCHEMA', subject, version }, encodeSchemaValue(value), deadline)
        return true
      },
      async settle(subject) {
        const patience = deadlineIn(Math.min(settleMs, deadline.remainingMs()))
        const awaited = () => state.reservations.pending(subject).filter(({ token }) => !givenUp.has(token))
        while (awaited().length > 0 && patience.remainingMs() > 0) await pause(settlePollMs)
        for (const { token } of awaited()) givenUp.add(token)
      },
    }
  }

  /** One at a time, first come first served. */
  const turns = pLimit(1)

  async function exclusively<Result>(operation: (tx: Transaction) => Promise<Result>): Promise<Result> {
    const deadline = deadlineIn(options.timeoutMs)
    const asked = ++now
    const turn = Promise.withResolvers<void>()
    let gaveUp = false
    const running = turns(async () => {
      if (gaveUp) return undefined
      turn.resolve()
      // An operation in front may have begun, and finished, a write since: it came after all that has to be seen here.
      if (readUpTo < asked) await readToEnd(deadline)
      return { result: await operation(transaction(deadline)) }
    })
    try {
      await deadline.race(turn.promise, 'waiting for earlier writes')
    } catch (error) {
      gaveUp = true
      throw error
    }
    return (await running)!.result
  }

  return {
    clusterId: log.clusterId,
    get state() {
      return state
    },
    exclusively,
    close: () => log.close(),
  }
}
