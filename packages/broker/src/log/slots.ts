// Every partition that has a folder or a log, and the state in which the manager has it. There is one slot for each; its
// state changes in `manager.ts` alone.
import type { Uuid } from '@selfmonitor/protocol'
import type { ClosedFolder } from './folders.ts'
import type { ManagedLog } from './partition-log.ts'
import type { PartitionRef } from './types.ts'

export type SlotState =
  /** There is a folder and no log is open. */
  | { readonly kind: 'closed'; readonly folder: ClosedFolder }
  /** The log is open, or being opened as long as `log` is undefined. */
  | {
      readonly kind: 'open'
      readonly ref: PartitionRef
      readonly opening: Promise<ManagedLog>
      log: ManagedLog | undefined
    }
  /** The log is being closed, or its folder is being removed. @property done what is left: a folder, or nothing */
  | { readonly kind: 'leaving'; readonly topicId: Uuid | undefined; readonly done: Promise<ClosedFolder | undefined> }

export interface Slot {
  readonly topic: string
  readonly partition: number
  state: SlotState
}

export const slotName = ({ topic, partition }: { readonly topic: string; readonly partition: number }): string =>
  `${topic}-${partition}`

export interface Slots {
  readonly size: number
  get(topic: string, partition: number): Slot | undefined
  add(slot: Slot): void
  remove(slot: Slot): void
  ofTopic(topic: string): readonly Slot[]
  all(): readonly Slot[]
}

export function createSlots(): Slots {
  const topics = new Map<string, Map<number, Slot>>()
  let size = 0
  return {
    get size() {
      return size
    },
    get: (topic, partition) => topics.get(topic)?.get(partition),
    add(slot) {
      const partitions = topics.get(slot.topic) ?? new Map<number, Slot>()
      topics.set(slot.topic, partitions)
      if (!partitions.has(slot.partition)) size++
      partitions.set(slot.partition, slot)
    },
    remove(slot) {
      const partitions = topics.get(slot.topic)
      if (partitions?.get(slot.partition) !== slot) return
      partitions.delete(slot.partition)
      size--
      if (partitions.size === 0) topics.delete(slot.topic)
    },
    ofTopic: (topic) => [...(topics.get(topic)?.values() ?? [])],
    all: () => [...topics.values()].flatMap((partitions) => [...partitions.values()]),
  }
}
