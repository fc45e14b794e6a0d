// Sends dead letters again, each once, also when a run is killed and started again, and when two run at once:
//
// 1. A batch of letters is claimed in the journal, with a producer id and a sequence number. The order of the journal decides who has it.
// 2. It is sent. Whoever sends it again sends the same bytes with the same sequence number, which the brokers take once (KIP-98).
// 3. Its outcome is written to the journal.
//
// A run first settles the claims that have no outcome: it looks for their batches in the target, and sends those that are not there.
// The brokers forget a producer after `producer.id.expiration.ms` (a day by default). By then only the look into the target tells.
import type { BatchAppender, Cluster, ProducerIdentity, TopicInfo } from '@selfmonitor/cluster'
import { pause } from '@selfmonitor/cluster/backoff'
import { replayHeaders } from '../dead-letters/index.ts'
import { EventsError } from '../errors.ts'
import { letterPlace, replayBatch, targetPartition } from './batch.ts'
import { type HoldingEntry, type LetterId, type SendingBatch, stepOf, unsettled } from './journal.ts'
import { newBatchId, type OpenJournal } from './journal-topic.ts'
import { type Letter, readLetter } from './letters.ts'

export interface ReplayOptions {
  readonly cluster: Cluster
  readonly journal: OpenJournal
  /** The dead letter topic. */
  readonly from: TopicInfo
  /** Where to; null: each letter to the topic that it came from. */
  readonly to: string | null
  /** For the trace. */
  readonly by: string
  /** Letters per second; null: as fast as it goes. */
  readonly rate: number | null
  /** Also letters that were sent or discarded before. */
  readonly again: boolean
  /**
   * With `again`, only letters whose last step was before this time, in milliseconds since the epoch. The time at which an interrupted
   * run began continues it: what it has sent is not sent once more.
   */
  readonly againBeforeMs?: number
  readonly timestamps: 'original' | 'now'
  /** What becomes of a batch of which it cannot be told whether it was sent. */
  readonly uncertain: 'fail' | 'resend' | 'assume-sent'
  /** At most so many are claimed and sent together. Default 100. */
  readonly lettersPerBatch?: number
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: { readonly sent: number }) => void
}

export interface Replayed {
  readonly sent: number
  /** Letters of an earlier run that did not come to its end: found in the target, or sent now. */
  readonly settled: { readonly found: number; readonly sent: number }
  /** Letters that had been sent or discarded before, and were left alone. */
  readonly skipped: number
}

const lettersPerBatch = 100
const retryWithinMs = 50
const bytesPerBatch = 256 * 1024
/** Before that, brokers certainly know a producer still. */
const certainMs = 60 * 60_000

/** A batch as it is claimed. */
type Claim = Omit<SendingBatch, 'claimedAt'>

interface Run extends ReplayOptions {
  readonly appender: BatchAppender
  readonly identity: ProducerIdentity
  readonly targets: Map<string, TopicInfo>
  /** By target partition: the next sequence number, and the end of the log as far as it is known. */
  readonly partitions: Map<string, { sequence: number; end: bigint }>
  /** Batches that had an outcome when the run began: with `again`, their letters are sent once more, and those of others not. */
  readonly before: ReadonlySet<string>
  /** When the next letter may be sent, by the rate. */
  dueMs: number
  sent: number
  skipped: number
  /** Claims of interrupted runs that this account may not settle. */
  unsettled: { readonly letters: number; readonly error: Error } | undefined
}

/** The letters that wait to be sent to one partition. */
interface Open {
  readonly topic: string
  readonly partition: number
  readonly letters: Letter[]
  bytes: number
}

/**
 * Sends letters again.
 * @param letters those that are selected; ones that were handled before are skipped
 * @param value the new value of the only letter; undefined: letters are sent as they are
 * @throws EventsError REPLAY_REFUSED when the brokers do not take a letter, REPLAY_NOT_ALLOWED when the account may not write it,
 *   REPLAY_UNSETTLED when it may not settle what an interrupted run left (all else is sent), REPLAY_UNCERTAIN, NO_ORIGIN, UNKNOWN_TOPIC;
 *   ClusterError.
 *   What was sent before is in the journal; after any error the same call sends the rest.
 */
export async function replayLetters(
  options: ReplayOptions,
  letters: AsyncIterable<readonly Letter[]>,
  value?: Buffer | null,
): Promise<Replayed> {
  const { cluster, signal } = options
  const appender = await cluster.appendBatches()
  try {
    const run: Run = {
      ...options,
      appender,
      identity: await cluster.initProducer(),
      targets: new Map((await cluster.listTopics({ internal: true })).map((topic) => [topic.name, topic])),
      partitions: new Map(),
      before: new Set(options.journal.state.batches.keys()),
      dueMs: performance.now(),
      sent: 0,
      skipped: 0,
      unsettled: undefined,
    }
    const settled = await settleAll(run)
    const open = new Map<string, Open>()
    for await (const some of letters) {
      for (const letter of some) {
        if (signal?.aborted) break
        if (isHandled(run, letter)) {
          run.skipped++
          continue
        }
        const place = placeOf(run, letter)
        const key = `${place.partition} ${place.topic}`
        const waiting = open.get(key) ?? { ...place, letters: [], bytes: 0 }
        open.set(key, waiting)
        const size = sizeOf(letter)
        if (waiting.bytes + size > bytesPerBatch) await send(run, waiting, value)
        // The answer that it is a view of goes away.
        waiting.letters.push(kept(letter))
        waiting.bytes += size
        if (waiting.letters.length >= batchLetters(run)) await send(run, waiting, value)
      }
    }
    for (const waiting of open.values()) if (!signal?.aborted) await send(run, waiting, value)
    if (run.unsettled !== undefined) throw unsettledError(run, run.unsettled)
    return { sent: run.sent, settled, skipped: run.skipped }
  } finally {
    await appender.close()
  }
}

/** At a rate, two batches a second at most, so that a second's letters do not come at once. */
function batchLetters({ rate, lettersPerBatch: most = lettersPerBatch }: Run): number {
  return rate === null ? most : Math.max(1, Math.min(most, Math.ceil(rate / 2)))
}

function isHandled({ journal, from, again, againBeforeMs, before }: Run, { record }: Letter): boolean {
  const step = stepOf(journal.state, from.id, record)
  return step !== undefined && !(before.has(step.id) && isOpenAgain(step.entry, { again, againBeforeMs }))
}

/** Whether a letter that was handled before is to be sent once more. */
export function isOpenAgain(
  entry: HoldingEntry,
  { again, againBeforeMs = Number.POSITIVE_INFINITY }: Pick<ReplayOptions, 'again' | 'againBeforeMs'>,
): boolean {
  return again && entry.step !== 'sending' && Date.parse(entry.at) < againBeforeMs
}

function placeOf(run: Run, letter: Letter): { readonly topic: string; readonly partition: number } {
  const topic = run.to ?? letter.facts.origin?.topic
  if (topic === undefined) {
    throw new EventsError(
      'NO_ORIGIN',
      `${letterPlace(run.from.name, letter.record)} does not say which topic it came from: name one to send it to`,
    )
  }
  const target = run.targets.get(topic)
  if (target === undefined) throw new EventsError('UNKNOWN_TOPIC', `there is no topic "${topic}" to send letters to`)
  return { topic, partition: targetPartition(letter, topic, target.partitions.length) }
}

function sizeOf({ record }: Letter): number {
  const headers = record.headers.reduce((sum, { key, value }) => sum + key.length + (value?.length ?? 0), 0)
  return (record.key?.length ?? 0) + (record.value?.length ?? 0) + headers
}

function kept({ record, facts }: Letter): Letter {
  const copy = (bytes: Buffer | null): Buffer | null => (bytes === null ? null : Buffer.from(bytes))
  const headers = record.headers.map(({ key, value }) => ({ key, value: copy(value) }))
  return { facts, record: { ...record, key: copy(record.key), value: copy(record.value), headers } }
}

/** Claims, sends and records the letters that wait; of those that another run has claimed meanwhile, none. */
async function send(run: Run, waiting: Open, value: Buffer | null | undefined): Promise<void> {
  const { journal } = run
  while (waiting.letters.length > 0) {
    const letters = waiting.letters.filter((letter) => !isHandled(run, letter))
    run.skipped += waiting.letters.length - letters.length
    waiting.letters.splice(0, waiting.letters.length, ...letters)
    if (letters.length === 0) break
    await keepRate(run, letters.length)
    if (run.signal?.aborted) return
    const id = newBatchId()
    const batch = await claimOf(run, waiting, value)
    if (!(await journal.claim(id, batch))) {
      // Runs that lost at the same time do not meet again at the same time.
      await pause(Math.random() * retryWithinMs, run.signal)
      continue
    }
    await sendBatch(run, id, batch, letters)
    run.sent += letters.length
    run.onProgress?.({ sent: run.sent })
    waiting.letters.length = 0
  }
  waiting.bytes = 0
}

async function keepRate(run: Run, letters: number): Promise<void> {
  if (run.rate === null) return
  run.dueMs = Math.max(run.dueMs, performance.now()) + (letters / run.rate) * 1_000
  await pause(Math.max(0, run.dueMs - performance.now()), run.signal)
}

async function claimOf(
  run: Run,
  { topic, partition, letters }: Open,
  value: Buffer | null | undefined,
): Promise<Claim> {
  const { from, journal, identity, again } = run
  const known = await partitionOf(run, topic, partition)
  const round = (letter: Letter): number =>
    again ? (stepOf(journal.state, from.id, letter.record)?.round ?? 0) + 1 : 1
  return {
    step: 'sending',
    topic: from.name,
    topicId: from.id,
    letters: letters.map((letter): LetterId => {
      const { record } = letter
      return { partition: record.partition, offset: String(record.offset), round: round(letter) }
    }),
    at: new Date().toISOString(),
    by: run.by,
    to: { topic, topicId: run.targets.get(topic)!.id, partition },
    producerId: String(identity.producerId),
    producerEpoch: identity.producerEpoch,
    sequence: known.sequence,
    searchFrom: String(known.end),
    timestamps: run.timestamps,
    ...(value === undefined ? {} : { value: value?.toString('base64') ?? null }),
  }
}

async function partitionOf(run: Run, topic: string, partition: number): Promise<{ sequence: number; end: bigint }> {
  const key = `${partition} ${topic}`
  const known = run.partitions.get(key)
  if (known !== undefined) return known
  const [found] = await run.cluster.listOffsets([{ topic, partition }], 'latest')
  const fresh = { sequence: 0, end: found?.offset ?? 0n }
  run.partitions.set(key, fresh)
  return fresh
}

/** Refused for what the batch is, and not for who sends it or when: so it is not in the log, and never will be. */
const refusedForContent: ReadonlySet<string> = new Set([
  'MESSAGE_TOO_LARGE',
  'RECORD_LIST_TOO_LARGE',
  'INVALID_RECORD',
  'INVALID_TIMESTAMP',
])

async function sendBatch(run: Run, id: string, batch: Claim, letters: readonly Letter[]): Promise<void> {
  const { topic, partition } = batch.to
  let offset: bigint | null
  try {
    offset = await run.appender.append(topic, partition, replayBatch(id, batch, letters))
  } catch (error) {
    offset = await offsetAfterRefusal(run, id, batch, error)
  }
  const known = run.partitions.get(`${partition} ${topic}`)
  if (known !== undefined && batch.producerId === String(run.identity.producerId)) {
    known.sequence += letters.length
    if (offset !== null) known.end = offset + BigInt(letters.length)
  }
  await writeOutcome(run, id, batch, offset)
}

/**
 * Gives up the claim of a batch that was refused, so that its letters are open again.
 * @returns where the batch is, when an earlier sending of it was taken
 */
async function offsetAfterRefusal(run: Run, id: string, batch: Claim, error: unknown): Promise<bigint> {
  const { code, message, isUnwritten } = error as { code?: string; message?: string; isUnwritten?: boolean }
  const isRefused = code !== undefined && refusedForContent.has(code)
  if (!isRefused && !isNotAllowed(error)) throw error
  if (!isRefused && isUnwritten !== true) {
    const found = await findBatch(run.cluster, id, batch).catch(() => {
      // It may be there: the claim stays.
      throw error
    })
    if (found !== undefined) return found
  }
  await run.journal.write(id, batch.topicId, { step: 'void' })
  const places = batch.letters.map((letter) => letterPlace(batch.topic, letter))
  const named = places.length === 1 ? places[0]! : `${places[0]} to ${places.at(-1)}`
  const said = `cannot be sent to ${batch.to.topic}: ${message}`
  throw isRefused
    ? new EventsError('REPLAY_REFUSED', `${places.length === 1 ? '' : 'one of '}${named} ${said}`, { cause: error })
    : new EventsError('REPLAY_NOT_ALLOWED', `${named} ${said}`, { cause: error })
}

const isNotAllowed = (error: unknown): boolean => (error as { reason?: unknown } | null)?.reason === 'not-allowed'

async function writeOutcome(run: Run, id: string, batch: Claim, offset: bigint | null): Promise<void> {
  const { topic, topicId, letters, at, by, to } = batch
  await run.journal.write(id, topicId, {
    step: 'replayed',
    topic,
    topicId,
    letters,
    at,
    by,
    to: { topic: to.topic, partition: to.partition },
    offset: offset === null ? null : String(offset),
    edited: batch.value !== undefined,
  })
}

async function settleAll(run: Run): Promise<Replayed['settled']> {
  const settled = { found: 0, sent: 0 }
  for (const { id, batch } of unsettled(run.journal.state, run.from.id)) {
    if (run.signal?.aborted) break
    try {
      const how = await settle(run, id, batch)
      if (how !== 'void') settled[how] += batch.letters.length
    } catch (error) {
      // Its letters are open again, and go where this run sends letters.
      if ((error as { code?: unknown }).code === 'REPLAY_NOT_ALLOWED') continue
      if (!isNotAllowed(error)) throw error
      run.unsettled = { letters: (run.unsettled?.letters ?? 0) + batch.letters.length, error: error as Error }
    }
  }
  return settled
}

function unsettledError({ sent }: Run, { letters, error }: NonNullable<Run['unsettled']>): EventsError {
  return new EventsError(
    'REPLAY_UNSETTLED',
    `Letters that an interrupted run was sending are left as they are (${letters}), because this account cannot look whether they ` +
      `arrived: ${error.message.replace(/\.$/, '')}. Others were sent (${sent})`,
    { cause: error },
  )
}

/**
 * The list of topics leaves out those that the account may not describe: they may be there.
 * @returns undefined when there is no such topic
 * @throws ClusterError not-allowed when the account may not describe it
 */
async function targetId({ cluster, targets }: Run, topic: string): Promise<string | undefined> {
  const listed = targets.get(topic)
  if (listed !== undefined) return listed.id
  try {
    const [found] = await cluster.describeTopics([topic])
    return found?.id
  } catch (error) {
    if ((error as { code?: unknown }).code === 'UNKNOWN_TOPIC_OR_PARTITION') return undefined
    throw error
  }
}

/** A batch that was claimed by a run which has written no outcome: it is gone, or still at it. */
async function settle(run: Run, id: string, batch: SendingBatch): Promise<'found' | 'sent' | 'void'> {
  const { topic, topicId, partition } = batch.to
  const isSameTopic = (await targetId(run, topic)) === topicId
  const offset = isSameTopic ? await findBatch(run.cluster, id, batch) : undefined
  if (offset !== undefined) {
    await writeOutcome(run, id, batch, offset)
    return 'found'
  }
  const letters = await Promise.all(
    batch.letters.map((letter) => readLetter(run.cluster, batch.topic, letter.partition, BigInt(letter.offset))),
  )
  if (!isSameTopic || letters.includes(undefined)) {
    // The same bytes cannot be sent to the same log any more: the letters that are left are open again.
    await run.journal.write(id, batch.topicId, { step: 'void' })
    return 'void'
  }
  if (run.uncertain !== 'resend' && (await isUncertain(run.cluster, batch))) {
    if (run.uncertain === 'assume-sent') {
      await writeOutcome(run, id, batch, null)
      return 'found'
    }
    const places = batch.letters.map((one) => letterPlace(batch.topic, one))
    throw new EventsError(
      'REPLAY_UNCERTAIN',
      `A run of ${batch.by} was interrupted at ${batch.at} while it sent ${places.join(', ')} to ${topic} partition ${partition}. ` +
        'They are not there, but records have been removed from there since, so it cannot be told whether they were',
    )
  }
  await sendBatch(run, id, batch, letters as Letter[])
  return 'sent'
}

/** @returns the offset of the batch's first record that is still there; undefined when the batch is not in the target */
async function findBatch(cluster: Cluster, id: string, { to, searchFrom }: Claim): Promise<bigint | undefined> {
  const place = { topic: to.topic, partition: to.partition }
  const [[start], [end]] = await Promise.all([
    cluster.listOffsets([place], 'earliest'),
    cluster.listOffsets([place], 'latest'),
  ])
  const from = BigInt(searchFrom)
  const next = start?.offset != null && start.offset > from ? start.offset : from
  if (end?.offset == null || end.offset <= next) return undefined
  const wanted = Buffer.from(id)
  for await (const event of cluster.read([{ ...place, next, end: end.offset }])) {
    if (event.kind !== 'records') continue
    for (const { headers, offset } of event.records) {
      if (headers.some(({ key, value }) => key === replayHeaders.batch && value?.equals(wanted))) return offset
    }
  }
  return undefined
}

async function isUncertain(cluster: Cluster, { at, to, searchFrom }: SendingBatch): Promise<boolean> {
  if (Date.now() - Date.parse(at) < certainMs) return false
  const [[start], configs] = await Promise.all([
    cluster.listOffsets([{ topic: to.topic, partition: to.partition }], 'earliest'),
    cluster.topicConfigs([to.topic]),
  ])
  const policy = configs.get(to.topic)?.find(({ name }) => name === 'cleanup.policy')?.value ?? 'delete'
  return policy.includes('compact') || (start?.offset ?? 0n) > BigInt(searchFrom)
}
