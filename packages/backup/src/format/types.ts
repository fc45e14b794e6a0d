// What a backup is made of. A store holds, below `<cluster id>/`:
//
//   manifests/<number>.json                                       a point to restore to; written last, so that it names only what is there
//   index/<number>-<n>.json.zst                                   segments, each with its hash
//   state/<number>.json.zst[.age]                                       what is not in topics' logs: configurations, groups, ACLs, …
//   schemas/<number>.json.zst[.age]                                     what the Schema Registry has; written when it has changed
//   topics/<topic>/<topic id>/<partition>/<offset>.<run>.log.zst[.age]   a segment
//
// A segment holds record batches exactly as the broker's log has them (magic 2), without those of aborted transactions: decompressed
// it is a file that Kafka's own kafka-dump-log reads. Numbers and offsets in names have leading zeros, so that they sort.
// A topic that is deleted and created again has another topic id (KIP-516), and so another folder.

import type { ObjectLock } from '../store/types.ts'
import type { AccessState } from './access-state.ts'

export const formatName = 'selfmonitor-backup'
/** A newer version is refused. */
export const formatVersion = 1

/** A part of one partition's log. Its coverage is [from, next); coverages of a partition follow each other in the order of offsets. */
export interface Segment {
  readonly topic: string
  /** As Kafka prints it. */
  readonly topicId: string
  readonly partition: number
  readonly key: string
  /** Every committed record that the log had from here … */
  readonly from: bigint
  /** … up to here, exclusive, is in it. */
  readonly next: bigint
  readonly records: number
  readonly batches: number
  /** Batches of transactions, their markers included. */
  readonly transactional: number
  /** Of records; null when it has none, which happens where a range had only aborted or compacted ones. */
  readonly minTimestampMs: number | null
  readonly maxTimestampMs: number | null
  /** Offsets in the coverage that have no record in it, by why. `absent`: compacted, or taken by transaction markers. */
  readonly without: { readonly aborted: number; readonly absent: number }
  readonly logBytes: number
  /** Size of what is stored, compressed, and its SHA-256 in hexadecimal. */
  readonly storedBytes: number
  readonly storedSha256: string
}

/** Offsets of a partition that the backup does not have because they were deleted before it read them: by retention or DeleteRecords. */
export interface Gap {
  readonly from: bigint
  readonly to: bigint
}

export interface BackedUpPartition {
  readonly partition: number
  /** Where the backup of this partition begins … */
  readonly start: bigint
  /** … and ends, exclusive: the last stable offset when the manifest was made. */
  readonly end: bigint
  readonly records: bigint
  readonly gaps: readonly Gap[]
  /** Of the leader that wrote what lies before `end`; -1 when that is not known. */
  readonly leaderEpoch: number
  /**
   * Only where this backup did not read the partition to its end, because it could not or was not to: `cutAtMs` of the last backup that
   * did; null when none has.
   */
  readonly asOfMs?: number | null
}

export interface BackedUpTopic {
  readonly name: string
  readonly id: string
  readonly partitions: readonly BackedUpPartition[]
}

/**
 * A transaction that was not visible in every partition when the ends were read: some of its records lie behind an end. A consistent
 * restore leaves out the others, which are these.
 */
export interface StraddlingRecords {
  readonly topic: string
  readonly partition: number
  readonly producerId: bigint
  readonly producerEpoch: number
  /** [from, next) holds its records in this partition, and others' records. */
  readonly from: bigint
  readonly next: bigint
  /** When its marker was written, by the broker's clock; null while the marker was not read. */
  readonly committedMs: number | null
  /** The marker has another epoch than the records: transactions of version 2, each of which has an epoch of its own. */
  readonly hasOwnEpoch: boolean
  /** `cutAtMs` of the last backup that saw other records of it behind an end. Absent in backups of earlier versions. */
  readonly foundMs?: number | undefined
}

export interface ObjectReference {
  readonly key: string
  readonly sha256: string
}

/** What the Schema Registry had after the ends of the logs were read. A backup names the object of an earlier one when nothing changed. */
export interface BackedUpSchemas extends ObjectReference {
  /** SHA-256 of the text before it is compressed and encrypted. */
  readonly contentSha256: string
  readonly subjects: number
  readonly versions: number
}

/** One point to restore to. It names everything that this needs, also what earlier backups wrote. */
export interface Manifest {
  readonly format: typeof formatName
  readonly version: number
  /** 1 for the first of a cluster; each the previous one's plus 1. */
  readonly number: number
  readonly tool: string
  readonly clusterId: string
  readonly startedAtMs: number
  /** When the ends of all partitions were read: no record that was committed before is missing. */
  readonly cutAtMs: number
  readonly finishedAtMs: number
  /**
   * Numbers of backups before this one whose times are later than its own: the clock ran ahead then, or runs behind now. No point in
   * time is looked up in them. Absent: none.
   */
  readonly outOfTime?: readonly number[] | undefined
  /** The hash chain: the manifest before this one. */
  readonly previous: ObjectReference | null
  readonly topics: readonly BackedUpTopic[]
  readonly index: readonly (ObjectReference & { readonly segments: number })[]
  readonly state: ObjectReference
  /** null: the registry could not be read, with the reason in the state's `problems`. Absent: it was not asked, or by an earlier version. */
  readonly schemas?: BackedUpSchemas | null | undefined
  readonly straddling: readonly StraddlingRecords[]
  /** Partitions that the run had no time to read to their ends. Absent: none, or written by an earlier version. */
  readonly stopped?: number | undefined
  /** Of this manifest, its state and its index file; absent when none of its topics is to be locked. */
  readonly lock?: ObjectLock
  /** Public keys of age that the state and this run's segments are encrypted to; none: they are not. */
  readonly recipients: readonly string[]
}

export interface TopicState {
  readonly name: string
  readonly id: string
  readonly partitions: number
  readonly replicationFactor: number
  /** Settings of the topic itself, not those that it inherits. */
  readonly config: Readonly<Record<string, string>>
  readonly timestampType: 'CreateTime' | 'LogAppendTime'
}

export interface GroupState {
  readonly groupId: string
  /** A share group has start offsets (KIP-932) instead of committed ones. Absent: any other. */
  readonly type?: 'share' | undefined
  readonly offsets: readonly {
    readonly topic: string
    readonly topicId: string
    readonly partition: number
    /** The next offset that the group would read. */
    readonly next: bigint
    /** As the group committed it. A restored log has other epochs, so this is for people. Absent: not known. */
    readonly leaderEpoch?: number | undefined
    /** What the group committed beside it. Absent: nothing. */
    readonly metadata?: string | undefined
  }[]
}

/** The cluster beside its records. A part that could not be read is null, with the reason in `problems`. */
export interface ClusterState {
  readonly topics: readonly TopicState[]
  /** Read before the partitions' ends: a group may see an event again after a restore, and never skips one. */
  readonly groups: readonly GroupState[] | null
  readonly groupsAtMs: number
  /** Absent where it was not asked for, and in backups of earlier versions. */
  readonly access?: AccessState | undefined
  readonly problems: readonly { readonly part: string; readonly code: string; readonly message: string }[]
}
