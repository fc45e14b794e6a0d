// Carries out a plan: creates topics, appends records, reads them back, puts the topics' settings and the groups' positions in place.
import type { BatchAppender, Cluster, ProducerIdentity } from '@selfmonitor/cluster'
import type { BatchHeader } from '@selfmonitor/protocol/records'
import { runInBackground } from '../background.ts'
import { BackupError } from '../format/backup-error.ts'
import { digestOfBatches, digestOfPartition, type PartitionDigest } from './compare.ts'
import { type OverwrittenPosition, placeGroups, type RestoredPosition } from './groups.ts'
import { newTopic, type PartitionSource, type TargetPlan, type TargetTopic } from './plan.ts'
import { producerBatch } from './rebuild.ts'
import { restoreSchemas } from './schemas.ts'

export interface RestoreOptions {
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: RestoreProgress) => void
  /** Deletes at once what the topics' own retention does not keep. Default false: such a topic keeps everything until it is let go. */
  readonly releaseRetention?: boolean
  /** Hears of the topics that this restore has created, at once. */
  readonly onCreated?: (topics: readonly string[]) => void
  /** Gets the places of groups that are about to be overwritten; nothing is when it fails. */
  readonly keepPositions?: (overwritten: readonly OverwrittenPosition[]) => Promise<void>
}

export interface RestoreProgress {
  readonly phase: 'restoring' | 'verifying'
  /** Records, of all partitions. */
  readonly done: bigint
  readonly total: bigint
  readonly bytes: number
}

export interface RestoredPartition {
  readonly topic: string
  readonly partition: number
  readonly records: bigint
  /** Those that were there already from an interrupted restore. */
  readonly resumedAt: bigint
  readonly digest: PartitionDigest
  /** What was read back is what the backup has. */
  readonly isEqual: boolean
}

export interface Restored {
  readonly partitions: readonly RestoredPartition[]
  readonly positions: readonly RestoredPosition[]
  /** Topics whose retention is still held, by name. */
  readonly held: readonly string[]
  /** Everything of the plan was done, and what was read back is equal. */
  readonly isComplete: boolean
  /** How long appending the records and reading them back took, in milliseconds. */
  readonly tookMs: { readonly append: number; readonly verify: number }
}

const partitionsAtOnce = 4
/** Of one partition, sent and not acknowledged. */
const maxPendingBytes = 8 * 1024 * 1024

interface Context extends RestoreOptions {
  readonly cluster: Cluster
  readonly appender: BatchAppender
  readonly advanced: (phase: RestoreProgress['phase'], records: bigint, bytes: number) => void
}

/**
 * After an error nothing is undone: the topics of the plan hold a part of the records, with retention held, and `resume` goes on.
 * @throws BackupError TARGET_NOT_EMPTY, DAMAGED, SCHEMAS_DIFFER, SCHEMA_UNMAPPED, SCHEMA_IDS; ClusterError; RegistryError; StoreError
 */
export async function runRestore(cluster: Cluster, plan: TargetPlan, options: RestoreOptions = {}): Promise<Restored> {
  const refusal = plan.schemas?.refusals[0]
  if (refusal !== undefined) throw refusal
  const work = plan.topics.flatMap((topic) => topic.partitions.map((planned) => ({ topic, planned })))
  const total = work.reduce((sum, { planned }) => sum + planned.records, 0n)
  const counts = { restoring: { done: 0n, bytes: 0 }, verifying: { done: 0n, bytes: 0 } }
  const appender = await cluster.appendBatches()
  const context: Context = {
    ...options,
    cluster,
    appender,
    advanced: (phase, records, bytes) => {
      counts[phase].done += records
      counts[phase].bytes += bytes
      options.onProgress?.({ phase, total, ...counts[phase] })
    },
  }
  try {
    const startedAt = performance.now()
    // Everything that is there is looked at before anything is changed.
    const resumedAt = await mapSome(work, ({ topic, planned }) =>
      topic.exists ? checkPrefix(context, topic.to, planned) : Promise.resolve(0n),
    )
    await refuseForeign(cluster, plan.topics, (topic) =>
      work.some((one, at) => one.topic === topic && resumedAt[at]! > 0n),
    )
    // Before the records that need them.
    if (plan.schemas != null) await restoreSchemas(plan.schemas)
    await createTargets(cluster, plan.topics, options)
    await mapSome(work, ({ topic, planned }, at) => appendPartition(context, topic, planned, resumedAt[at]!))
    const appendedAt = performance.now()
    const partitions = await mapSome(work, ({ topic, planned }, at) => verify(context, topic, planned, resumedAt[at]!))
    const tookMs = { append: appendedAt - startedAt, verify: performance.now() - appendedAt }
    const isEqual = partitions.every((one) => one.isEqual)
    // A partition that differs is not given to the groups, and its topic keeps everything.
    const positions = isEqual
      ? await placeGroups(cluster, plan.positions, options.keepPositions ?? (async () => {}))
      : []
    // Last, because a place counts from the first record, which retention may take away.
    const held = isEqual ? await letGo(cluster, plan.topics, options) : plan.topics.map(({ to }) => to)
    const isComplete = isEqual && plan.missing.length === 0 && positions.every(({ problem }) => problem === null)
    return { partitions, positions, held, isComplete, tookMs }
  } finally {
    await appender.close()
  }
}

/** A few at a time, results in their order; the first error ends it when those under way are done. */
async function mapSome<T, R>(items: readonly T[], work: (item: T, at: number) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  const errors: unknown[] = []
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < items.length && errors.length === 0) {
      const at = next++
      try {
        results[at] = await work(items[at]!, at)
      } catch (error) {
        errors.push(error)
      }
    }
  }
  await Promise.all(Array.from({ length: partitionsAtOnce }, worker))
  if (errors.length > 0) throw errors[0]
  return results
}

async function createTargets(
  cluster: Cluster,
  topics: readonly TargetTopic[],
  { onCreated }: RestoreOptions,
): Promise<void> {
  const missing = topics.filter(({ exists }) => !exists)
  await cluster.createTopics(missing.map(newTopic))
  onCreated?.(missing.map(({ to }) => to))
  const there = topics.filter(({ exists }) => exists)
  if (there.length > 0) await cluster.alterTopicConfigs(there.map(({ to, held }) => ({ topic: to, set: held })))
}

/** An empty topic is from an interrupted restore only if it has the settings that hold things back. @throws BackupError TARGET_NOT_EMPTY */
async function refuseForeign(
  cluster: Cluster,
  topics: readonly TargetTopic[],
  hasRecords: (topic: TargetTopic) => boolean,
): Promise<void> {
  const empty = topics.filter((topic) => topic.exists && !hasRecords(topic))
  if (empty.length === 0) return
  const configs = await cluster.topicConfigs(empty.map(({ to }) => to))
  for (const { to, held } of empty) {
    const own = new Map((configs.get(to) ?? []).map(({ name, value }) => [name, value]))
    const isHeld = ['retention.ms', 'retention.bytes', 'max.message.bytes'].every(
      (name) => own.get(name) === held[name],
    )
    if (!isHeld) throw notFromRestore(`topic ${to}`, 'it is empty, and has settings of its own')
  }
}

/** @param has how many records the partition has from an interrupted restore */
async function appendPartition(
  context: Context,
  topic: TargetTopic,
  planned: PartitionSource,
  has: bigint,
): Promise<void> {
  const { cluster, appender, signal } = context
  const { to } = topic
  const { partition, records } = planned
  let number = 0n
  const appends = runInBackground(maxPendingBytes)
  let producer: Producer | null = null
  for await (const batch of planned.batches()) {
    signal?.throwIfAborted()
    const count = BigInt(batch.header.recordsCount)
    number += count
    if (number <= has) continue
    if (number - count < has)
      throw notFromRestore(`topic ${to} partition ${partition}`, `it ends within a batch, at record ${has}`)
    producer ??= await producerOf(cluster, to, partition, has)
    const at = number - count - has
    const bytes = await producerBatch(batch, producer.identity, producer.sequence + at)
    const expected = producer.next + at
    await appends.add(bytes.length, async () => {
      const offset = await appender.append(to, partition, bytes)
      if (offset !== null && offset !== expected) throw appendedElsewhere(to, partition, expected, offset)
      context.advanced('restoring', count, bytes.length)
    })
  }
  await appends.settled()
  if (number !== records)
    throw new BackupError(
      'NOT_EQUAL',
      `the plan has ${records} records for ${to} partition ${partition}, the source gave ${number}`,
    )
  if (has > 0n) context.advanced('restoring', has, 0)
}

interface Producer {
  readonly identity: ProducerIdentity
  /** The sequence number of its next record. */
  readonly sequence: bigint
  /** The offset of its next record. */
  readonly next: bigint
}

/**
 * A partition with records of an interrupted restore is written on by the same producer, with the sequence numbers that follow: a batch
 * that the process before had sent is then appended once, whether it comes before this one's or behind (KIP-98).
 * @param has how many records the partition has
 */
async function producerOf(cluster: Cluster, topic: string, partition: number, has: bigint): Promise<Producer> {
  const place = [{ topic, partition }]
  if (has > 0n) {
    const next = (await cluster.listOffsets(place, 'earliest'))[0]!.offset! + has
    let last: BatchHeader | null = null
    // A batch that has come since is sent again, and is not appended a second time.
    for await (const event of cluster.readBatches([{ topic, partition, next: next - 1n, end: next }])) {
      if (event.kind === 'batches') last = event.batches.at(-1)?.header ?? last
    }
    if (last !== null && last.producerId >= 0n) {
      const { producerId, producerEpoch, baseSequence, recordsCount } = last
      return { identity: { producerId, producerEpoch }, sequence: BigInt(baseSequence) + BigInt(recordsCount), next }
    }
  }
  const [end] = await cluster.listOffsets(place, 'latest')
  return { identity: await cluster.initProducer(), sequence: 0n, next: end!.offset! }
}

function appendedElsewhere(topic: string, partition: number, wanted: bigint, offset: bigint): BackupError {
  const text = `topic ${topic} partition ${partition}: another process appended to it: a batch came to offset ${offset} instead of ${wanted}`
  return new BackupError('NOT_EQUAL', text, { hint: 'Delete the topic, end the other process, and restore again.' })
}

/** What an interrupted restore has left must be the beginning of the selection. @returns how many records it is */
async function checkPrefix({ cluster }: Context, topic: string, planned: PartitionSource): Promise<bigint> {
  const { partition, records } = planned
  const there = await digestOfPartition(cluster, topic, partition)
  if (there.records === 0n) return 0n
  if (there.records > records)
    throw notFromRestore(
      `topic ${topic} partition ${partition}`,
      `it has ${there.records} records, the source ${records}`,
    )
  const wanted = await digestOfBatches(planned.batches(), there.records)
  if (wanted.sha256 === there.sha256) return there.records
  throw notFromRestore(
    `topic ${topic} partition ${partition}`,
    `its ${there.records} records are not the first ones of the source`,
  )
}

function notFromRestore(what: string, why: string): BackupError {
  return new BackupError('TARGET_NOT_EMPTY', `${what} is not from an interrupted restore: ${why}`, {
    hint: 'Restore to another name, or delete the topic and restore again.',
  })
}

async function verify(
  context: Context,
  { to }: TargetTopic,
  { partition, records, batches }: PartitionSource,
  resumedAt: bigint,
): Promise<RestoredPartition> {
  const { cluster, signal } = context
  signal?.throwIfAborted()
  const [wanted, digest] = await Promise.all([
    digestOfBatches(batches(), null),
    digestOfPartition(cluster, to, partition),
  ])
  context.advanced('verifying', records, 0)
  const isEqual = wanted.records === digest.records && wanted.sha256 === digest.sha256
  return { topic: to, partition, records, resumedAt, digest, isEqual }
}

/** Gives the topics the settings that they had. @returns those whose retention stays held */
async function letGo(
  cluster: Cluster,
  topics: readonly TargetTopic[],
  { releaseRetention = false }: RestoreOptions,
): Promise<string[]> {
  const keeps = (topic: TargetTopic): boolean => topic.expired !== null && !releaseRetention
  await cluster.alterTopicConfigs(
    topics.map((topic) => ({
      topic: topic.to,
      set: Object.fromEntries(
        Object.keys(topic.held)
          .filter((name) => !(keeps(topic) && name.startsWith('retention.')))
          .map((name) => [name, topic.config[name] ?? null]),
      ),
    })),
  )
  return topics.filter(keeps).map(({ to }) => to)
}
