// The first record at or after an offset, for many partitions: when was it written? Brokers give out whole batches, so the time may
// come with a megabyte. A fetch of many partitions gets those whose batch is small (KIP-74: beyond the first, a batch that is larger
// than the partition's limit is left out); the others are fetched alone, within a budget.
import { ProtocolError } from '@selfmonitor/protocol/protocol-error'
import { type BatchHeader, decodePayload, iterateBatches, verifyBatchCrc } from '@selfmonitor/protocol/records'
import { chunks, groupBy, mapConcurrently } from '../batch.ts'
import { problemOf } from '../problem.ts'
import { type FetchAnswer, fetchFrom } from '../reader/fetch.ts'
import { payloadOf, type WholeBatch } from '../reader/records-of.ts'
import type { ClusterSurvey, Problem, Unread, UnreadPosition } from '../survey-types.ts'
import type { Transport } from '../transport/transport.ts'

const partitionsPerRequest = 500
const concurrency = 4
/** How many batches without a record, such as transaction markers, are passed before it is given up. */
const hops = 16
const noEpoch = -1
const small = { isolation: 'read_uncommitted', maxWaitMs: 0 } as const

const defaultBatchBytes = 16 * 1024
const defaultBudgetBytes = 64 * 1024 * 1024

interface UnreadLimits {
  readonly batchBytes: number
  readonly budgetBytes: number
}

interface Search {
  readonly position: UnreadPosition
  next: bigint
  result: Unread | null
  /** A batch that is too large to come with others. */
  large: boolean
}

export const unreadRecords =
  (transport: Transport): ClusterSurvey['unreadRecords'] =>
  (positions, { batchBytes = defaultBatchBytes, budgetBytes = defaultBudgetBytes } = {}) =>
    transport.operation('unreadRecords', () => findUnread(transport, positions, { batchBytes, budgetBytes }))

/** @returns what is found, in the order of the positions */
async function findUnread(
  transport: Transport,
  positions: readonly UnreadPosition[],
  limits: UnreadLimits,
): Promise<Unread[]> {
  const searches = positions.map((position): Search => {
    const { offset, end, leader } = position
    const result: Unread | null =
      offset >= end ? { kind: 'nothing' } : leader < 0 ? problem('LEADER_NOT_AVAILABLE', noLeader) : null
    return { position, next: offset, result, large: false }
  })
  for (let hop = 0; hop < hops; hop++) {
    const open = searches.filter(({ result, large }) => result === null && !large)
    if (open.length === 0) break
    await together(transport, open, limits.batchBytes)
  }
  const spent = { bytes: 0 }
  const large = searches.filter((search) => search.result === null && search.large)
  await mapConcurrently(large, concurrency, (search) => alone(transport, search, spent, limits))
  return searches.map(({ result }) => result ?? problem('NOT_FOUND', `No record in ${hops} batches.`))
}

const noLeader = 'The partition has no leader.'

function problem(code: string, message: string): { readonly kind: 'problem'; readonly problem: Problem } {
  return { kind: 'problem', problem: { code, message } }
}

/** One step of many searches. A topic's partition that is searched from several offsets is in several requests. */
async function together(transport: Transport, open: readonly Search[], batchBytes: number): Promise<void> {
  const rounds: Search[][] = []
  const seen = new Map<string, number>()
  for (const search of open) {
    const key = `${search.position.partition}:${search.position.topic}`
    const round = seen.get(key) ?? 0
    seen.set(key, round + 1)
    rounds[round] ??= []
    rounds[round].push(search)
  }
  const requests = rounds.flatMap((round) =>
    [...groupBy(round, ({ position }) => position.leader)].flatMap(([leader, own]) =>
      chunks(own, partitionsPerRequest).map((part) => ({ leader, part })),
    ),
  )
  await mapConcurrently(requests, concurrency, ({ leader, part }) =>
    ask(transport, leader, part, { ...small, maxBytes: part.length * batchBytes, partitionMaxBytes: batchBytes }),
  )
}

async function alone(
  transport: Transport,
  search: Search,
  spent: { bytes: number },
  { batchBytes, budgetBytes }: UnreadLimits,
): Promise<void> {
  for (let hop = 0; hop < hops && search.result === null; hop++) {
    if (spent.bytes >= budgetBytes) {
      search.result = problem('BUDGET_USED', `Batches that were read for their times had ${spent.bytes} bytes.`)
      return
    }
    const bytes = await ask(transport, search.position.leader, [search], {
      ...small,
      // The first batch comes whole, whatever its size.
      maxBytes: batchBytes,
      partitionMaxBytes: batchBytes,
    })
    spent.bytes += bytes
    if (bytes === 0 && search.result === null) {
      search.result = problem('NOT_FOUND', 'The leader gave no batch for the offset.')
    }
  }
}

/** @returns how many bytes of records came */
async function ask(
  transport: Transport,
  leader: number,
  part: readonly Search[],
  limits: Parameters<typeof fetchFrom>[3],
): Promise<number> {
  const wanted = part.map(({ position, next }) => {
    const { topic, topicId, partition } = position
    return { topic, topicId, partition, next, leaderEpoch: noEpoch }
  })
  let answers: FetchAnswer[]
  try {
    answers = await fetchFrom(transport, leader, wanted, limits)
  } catch (error) {
    const failed = { kind: 'problem', problem: problemOf(error) } as const
    for (const search of part) search.result = failed
    return 0
  }
  const byPartition = new Map(answers.map((answer) => [`${answer.partition}:${answer.topic}`, answer]))
  let bytes = 0
  for (const search of part) {
    const answer = byPartition.get(`${search.position.partition}:${search.position.topic}`)
    bytes += answer?.bytes.length ?? 0
    await step(search, answer)
  }
  return bytes
}

async function step(search: Search, answer: FetchAnswer | undefined): Promise<void> {
  if (answer === undefined || answer.error !== null) {
    const code = answer?.error ?? 'UNKNOWN_TOPIC_OR_PARTITION'
    search.result = problem(code, `The fetch at offset ${search.next} failed.`)
    return
  }
  if (answer.bytes.length === 0) {
    search.large = true
    return
  }
  try {
    const before = search.next
    const found = await firstRecord(answer.bytes, search.next)
    search.next = found.next
    search.large = found.next === before && found.record === null
    if (found.record !== null) {
      const isBeyond = found.record.offset >= search.position.end
      search.result = isBeyond ? { kind: 'nothing' } : { kind: 'record', ...found.record }
    } else if (search.next >= search.position.end) {
      search.result = { kind: 'nothing' }
    }
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    search.result = problem('CORRUPT_MESSAGE', `The batch at offset ${search.next}: ${error.message}`)
  }
}

type Found = Omit<Extract<Unread, { kind: 'record' }>, 'kind'>

/**
 * @param bytes batches, the last of which may be cut off
 * @returns the first record from the offset on, or null and where to continue
 * @throws ProtocolError for a batch that cannot be read
 */
export async function firstRecord(bytes: Buffer, from: bigint): Promise<{ record: Found | null; next: bigint }> {
  let next = from
  for (const { position, header } of iterateBatches(bytes)) {
    const after = header.baseOffset + BigInt(header.lastOffsetDelta) + 1n
    if (after <= from) continue
    verifyBatchCrc(bytes, header, position)
    if (!header.isControl && header.recordsCount > 0) {
      const whole = { header, bytes: bytes.subarray(position, position + header.sizeBytes) }
      const record = fromHeader(header, from) ?? (await fromRecords(whole, from))
      if (record !== null) return { record, next: record.offset }
    }
    next = after
  }
  return { record: null, next }
}

/** A batch that nothing was compacted from begins with its first record; a broker's time is that of the whole batch (KIP-32). */
function fromHeader(header: BatchHeader, from: bigint): Found | null {
  const isWhole = header.recordsCount === header.lastOffsetDelta + 1
  if (!isWhole) return null
  const offset = header.baseOffset > from ? header.baseOffset : from
  if (header.timestampType === 'LogAppendTime') {
    return { offset, timestampMs: Number(header.maxTimestamp), timestampType: 'LogAppendTime' }
  }
  if (offset !== header.baseOffset) return null
  return { offset, timestampMs: Number(header.baseTimestamp), timestampType: 'CreateTime' }
}

async function fromRecords(batch: WholeBatch, from: bigint): Promise<Found | null> {
  const { header } = batch
  for (const { offset, timestamp } of decodePayload(header, await payloadOf(batch))) {
    if (offset < from) continue
    return { offset, timestampMs: Number(timestamp), timestampType: header.timestampType }
  }
  return null
}
