// The registry's state, kept in a Kafka topic: one write at a time, each read back before it counts.
//
// Several registries may share a topic. There is no leader; instead every write follows this rule:
//   1. read the topic to its end, then decide (next id, next version) from what it says;
//   2. append the record and read the topic up to it;
//   3. whoever finds that another registry's record came in between and took the same id for another schema, or the same
//      subject and version, has lost: it puts the other's record back (a compacted topic keeps the last of a key), or
//      withdraws its own, and starts again at 1.
// So an id stands for one schema and no acknowledged registration is lost, whatever the interleaving.

import { contextOf } from './contexts.ts'
import { type Deadline, deadlineIn } from './deadline.ts'
import { createMutex } from './mutex.ts'
import { decodeRecord, encodeKey, encodeSchemaValue, type SchemaValue, type StoreKey } from './records.ts'
import { createState, fingerprint, type RegistryState } from './state.ts'
import { openTopicLog, type TopicLog, type TopicOptions, type TopicRecord } from './topic.ts'

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
  /** False when another registry took the version or the id first; the state is up to date again, and it is to be retried. */
  putSchema(value: SchemaValue): Promise<boolean>
  /** Writes any other record, and the rewriting of a version that is there; null is a tombstone. */
  put(key: StoreKey, value: Buffer | null): Promise<void>
}

/** @throws {TopicUnusableError | StoreError} */
export async function openStore(options: StoreOptions): Promise<Store> {
  const { logger, topic } = options
  let state = createState()
  let position = 0n
  let waiters: { readonly offset: bigint; readonly resolve: () => void }[] = []
  /** Records of other writers since the running operation looked at the topic's end. */
  let observed: TopicRecord[] | undefined

  const listener = {
    onRecord(record: TopicRecord) {
      observed?.push(record)
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
    },
  }

  const starting = deadlineIn(options.startTimeoutMs)
  const log = await openTopicLog(options, listener, starting)
  try {
    // The barrier: once our own record has come back, everything before it is in the state.
    await readBack(await log.append(encodeKey({ keytype: 'NOOP' }), null, starting), starting)
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

  async function readToEnd(deadline: Deadline): Promise<void> {
    const end = await log.endOffset(deadline)
    if (end > 0n) await readBack(end - 1n, deadline)
  }

  function transaction(deadline: Deadline): Transaction {
    return {
      get state() {
        return state
      },
      async put(key, value) {
        await readBack(await log.append(encodeKey(key), value, deadline), deadline)
      },
      async putSchema(value) {
        observed = []
        const key = encodeKey({ keytype: 'SCHEMA', subject: value.subject, version: value.version })
        const offset = await log.append(key, encodeSchemaValue(value), deadline)
        await readBack(offset, deadline)
        const rivals = observed.filter((record) => record.offset < offset)
        observed = undefined
        return yieldTo(rivals, value, key, log, deadline)
      },
    }
  }

  /** Step 3 of the rule above; true when nobody was faster. */
  async function yieldTo(
    rivals: readonly TopicRecord[],
    value: SchemaValue,
    key: Buffer,
    to: TopicLog,
    deadline: Deadline,
  ): Promise<boolean> {
    const sameVersion = rivals.findLast((record) => record.key?.equals(key) && record.value !== null)
    if (sameVersion) {
      const other = decodeRecord(sameVersion.key, sameVersion.value)
      if ('key' in other && other.key.keytype === 'SCHEMA' && sameSchema(other.value as SchemaValue | null, value))
        return true
      logger.warn({ topic, subject: value.subject, version: value.version }, 'another registry took this version first')
      await readBack(await to.append(key, sameVersion.value, deadline), deadline)
      return false
    }
    const sameId = rivals.some((record) => {
      const other = decodeRecord(record.key, record.value)
      if ('ignored' in other || other.key.keytype !== 'SCHEMA' || other.value === null) return false
      const rival = other.value as SchemaValue
      return rival.id === value.id && contextOf(rival.subject) === contextOf(value.subject) && !sameSchema(rival, value)
    })
    if (!sameId) return true
    logger.warn({ topic, subject: value.subject, id: value.id }, 'another registry took this id first')
    await readBack(await to.append(key, null, deadline), deadline)
    return false
  }

  const mutex = createMutex()

  async function exclusively<Result>(operation: (tx: Transaction) => Promise<Result>): Promise<Result> {
    const deadline = deadlineIn(options.timeoutMs)
    const release = await mutex.acquire(deadline)
    try {
      await readToEnd(deadline)
      return await operation(transaction(deadline))
    } finally {
      observed = undefined
      release()
    }
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

function sameSchema(a: SchemaValue | null, b: SchemaValue): boolean {
  return a !== null && a.id === b.id && fingerprint(a) === fingerprint(b)
}
