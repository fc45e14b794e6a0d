// The second way of a drill's verification: every restored partition is read back by a Kafka client, and compared with what the
// backup's segments give: records, a hash over all of them, and for each group the record at its position.
import type { BackupStore } from '../format/sealing.ts'
import { recordsBetween } from '../format/trim.ts'
import { addRecord, type DigestedRecord, finish, newDigest, type PartitionDigest } from '../restore/compare.ts'
import type { PlannedPartition, PlannedPosition, PlannedTopic } from '../restore/plan.ts'
import { type Selection, selectedBatches } from '../restore/source.ts'
import type { ClientReader, ClientRecord } from './client-types.ts'
import type { DrillPosition } from './report.ts'

/** The first record at or behind a committed offset: the one that the group gets next. */
interface Expected {
  /** How many records lie before it. */
  readonly before: bigint
  /** null: there is none, the group has read everything. */
  readonly sha256: string | null
}

export interface BackupSide extends PartitionDigest {
  /** By committed offset. */
  readonly places: ReadonlyMap<bigint, Expected>
}

export interface ClientSide extends PartitionDigest {
  /** By number of records before: where a record is, and its hash. */
  readonly places: ReadonlyMap<bigint, { readonly offset: bigint; readonly sha256: string }>
  /** Behind the last record. */
  readonly end: bigint
}

export interface ReadBack {
  readonly topic: PlannedTopic
  readonly planned: PlannedPartition
  readonly backup: BackupSide
  readonly client: ClientSide
  readonly positions: readonly DrillPosition[]
}

function hashOf(record: DigestedRecord): string {
  const digest = newDigest()
  addRecord(digest, record)
  return finish(digest).sha256
}

/** What the segments give, found by the offsets that the records have there. @throws BackupError DAMAGED, SEALED; StoreError */
export async function readBackup(
  store: BackupStore,
  selection: Selection,
  committed: readonly bigint[],
): Promise<BackupSide> {
  const digest = newDigest()
  const places = new Map<bigint, Expected>()
  const waiting = [...new Set(committed)].sort((a, b) => (a < b ? -1 : 1))
  for await (const batch of selectedBatches(store, selection)) {
    for (const record of await recordsBetween(batch, selection.from, selection.cut)) {
      while (waiting.length > 0 && record.offset >= waiting[0]!) {
        places.set(waiting.shift()!, { before: digest.records, sha256: hashOf(record) })
      }
      addRecord(digest, record)
    }
  }
  for (const offset of waiting) places.set(offset, { before: digest.records, sha256: null })
  return { ...finish(digest), places }
}

/** @param onRecord sees each record, in order; its buffers are views */
export async function readClient(
  reader: ClientReader,
  topic: string,
  partition: number,
  numbers: ReadonlySet<bigint>,
  onRecord: (record: ClientRecord) => Promise<void> | undefined,
): Promise<ClientSide> {
  const digest = newDigest()
  const places = new Map<bigint, { offset: bigint; sha256: string }>()
  let end = 0n
  for await (const record of reader.records(topic, partition)) {
    if (numbers.has(digest.records)) places.set(digest.records, { offset: record.offset, sha256: hashOf(record) })
    addRecord(digest, record)
    end = record.offset + 1n
    await onRecord(record)
  }
  return { ...finish(digest), places, end }
}

export interface ReadBackInput {
  readonly store: BackupStore
  readonly reader: ClientReader
  readonly topic: PlannedTopic
  readonly planned: PlannedPartition
  readonly positions: readonly PlannedPosition[]
  readonly onRecord: (record: ClientRecord) => Promise<void> | undefined
}

/** @throws what the store or the client throws */
export async function readBackPartition(input: ReadBackInput): Promise<ReadBack> {
  const { store, reader, topic, planned, onRecord } = input
  const { partition, selection } = planned
  const own = input.positions.filter((one) => one.topic === topic.to && one.partition === partition)
  const backup = await readBackup(
    store,
    selection,
    own.map(({ committed }) => committed),
  )
  const numbers = new Set([...backup.places.values()].map(({ before }) => before))
  const client = await readClient(reader, topic.to, partition, numbers, onRecord)
  const positions: DrillPosition[] = []
  for (const one of own) {
    const found = await reader.committed(one.groupId, topic.to, partition)
    positions.push(judgePosition(one, found, backup, client))
  }
  return { topic, planned, backup, client, positions }
}

/**
 * Whether a group that continues at `found` gets the record that it would have got in the source. Pure.
 * @param found what the group has committed in the target
 */
export function judgePosition(
  { groupId, topic, partition, committed }: Pick<PlannedPosition, 'groupId' | 'topic' | 'partition' | 'committed'>,
  found: bigint | null,
  backup: BackupSide,
  client: ClientSide,
): DrillPosition {
  const expected = backup.places.get(committed)!
  const there = client.places.get(expected.before)
  const wanted = expected.sha256 === null ? client.end : there?.offset
  const unread = backup.records - expected.before
  const problem = positionProblem(found, wanted, expected.sha256, there?.sha256)
  return {
    groupId,
    topic,
    partition,
    committed: String(committed),
    position: found === null ? null : String(found),
    unread: String(unread),
    isVerified: problem === null,
    problem,
  }
}

function positionProblem(
  found: bigint | null,
  wanted: bigint | undefined,
  expected: string | null,
  there: string | undefined,
): string | null {
  if (found === null) return 'the group has no position in the target'
  if (wanted === undefined) return 'the target ends before the record that the group would get next'
  if (found > wanted) return `it would skip records: it is at ${found}, and its next record is at ${wanted}`
  if (found < wanted) return `it would get records again: it is at ${found}, and its next record is at ${wanted}`
  return expected === null || expected === there ? null : 'the record at the position is not the one it would have got'
}
