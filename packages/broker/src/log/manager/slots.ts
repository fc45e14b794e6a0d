// The state of every partition that has a folder or a log. There is one slot for each partition;
// only `lifecycle.ts` and `folder-checks.ts` change its state.
import type { Uuid } from '@selfmonitor/protocol'
import type { ClosedFolder } from '../partition/folders.ts'
import type { PartitionLog } from '../partition/partition-log.ts'
import type { PartitionRef } from '../types.ts'

/** There is a folder and no log is open. */
export interface ClosedSlot {
  readonly kind: 'closed'
  readonly folder: ClosedFolder
}

/** The log is being opened. */
export interface OpeningSlot {
  readonly kind: 'opening'
  readonly ref: PartitionRef
  readonly log: Promise<PartitionLog>
  /**
   * What it is doing: it waits until the log that had the slot before is closed or removed, it reads the folder, or it checks
   * a log that was not closed properly.
   */
  activity: 'waiting' | 'reading' | 'checking'
}

export interface OpenSlot {
  readonly kind: 'open'
  readonly ref: PartitionRef
  readonly log: PartitionLog
}

/** The log is being closed, or its folder is being removed. */
export interface LeavingSlot {
  readonly kind: 'leaving'
  readonly topicId: Uuid | undefined
  /** Resolves to what is left: a folder, or nothing. */
  readonly done: Promise<ClosedFolder | undefined>
}

export type SlotState = ClosedSlot | OpeningSlot | OpenSlot | LeavingSlot

export interface Slot {
  readonly topic: string
  readonly partition: number
  state: SlotState
}

export class Slots {
  private readonly topics = new Map<string, Map<number, Slot>>()

  get(topic: string, partition: number): Slot | undefined {
    return this.topics.get(topic)?.get(partition)
  }

  add(slot: Slot): void {
    const partitions = this.topics.get(slot.topic) ?? new Map<number, Slot>()
    this.topics.set(slot.topic, partitions)
    partitions.set(slot.partition, slot)
  }

  remove(slot: Slot): void {
    const partitions = this.topics.get(slot.topic)
    if (partitions?.get(slot.partition) !== slot) return
    partitions.delete(slot.partition)
    if (partitions.size === 0) this.topics.delete(slot.topic)
  }

  ofTopic(topic: string): readonly Slot[] {
    return [...(this.topics.get(topic)?.values() ?? [])]
  }

  all(): readonly Slot[] {
    return [...this.topics.values()].flatMap((partitions) => [...partitions.values()])
  }
}
