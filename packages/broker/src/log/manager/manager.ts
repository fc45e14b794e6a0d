// All partition logs of a broker, as the rest of the broker uses them: opened when they are first needed, closed when they have
// not been used for a while, deleted with their topics.
import type { Uuid } from '@selfmonitor/protocol'
import type { PartitionLog } from '../partition/partition-log.ts'
import type { SegmentAge } from '../partition/retention-rules.ts'
import { forEachOf } from '../scheduling/work-limit.ts'
import type { CheckProgress, PartitionLogInfo, PartitionRef } from '../types.ts'
import { closeAll } from './close-all.ts'
import { checkFolders, inspectFolder } from './folder-checks.ts'
import { openLogSoon, removeClosed, removeLog } from './lifecycle.ts'
import { type ManagerState, runInBackground } from './manager-state.ts'
import type { Slot } from './slots.ts'

export class LogManager {
  /** The folder that holds the partition folders. */
  readonly dir: string
  /** Deletes what retention allows, in all logs, and forgets expired producers. Also runs on a timer. */
  readonly runRetentionRound: () => Promise<void>
  private readonly state: ManagerState
  private closed: Promise<void> | undefined

  constructor(state: ManagerState, runRetentionRound: () => Promise<void>) {
    this.dir = state.context.dir
    this.runRetentionRound = runRetentionRound
    this.state = state
  }

  /**
   * The log of a partition that exists, opened (and, when new, created) on first use. A folder left behind by a
   * deleted topic of the same name is recognised by its topic id and removed. A log that has not been used for some minutes
   * is closed: call this again for each use.
   * @throws LogError KAFKA_STORAGE_ERROR; NOT_LEADER_OR_FOLLOWER while opening or checking it takes long: try again
   */
  get(ref: PartitionRef): Promise<PartitionLog> {
    return openLogSoon(this.state, ref)
  }

  /** The same log when it is already open: no promise on the hot path. */
  getOpen(topic: string, topicId: Uuid, partition: number): PartitionLog | undefined {
    const state = this.state.slots.get(topic, partition)?.state
    return state?.kind === 'open' && state.ref.topicId === topicId ? state.log : undefined
  }

  /** Deletes the logs of a topic: the folders are renamed at once and removed soon after. Safe when there are none. */
  async deleteTopic(topic: string, topicId: Uuid): Promise<void> {
    await Promise.all(this.state.slots.ofTopic(topic).map((slot) => this.deletePartition(slot, topicId)))
  }

  private async deletePartition(slot: Slot, topicId: Uuid): Promise<void> {
    const { state } = slot
    switch (state.kind) {
      case 'open':
      case 'opening':
        if (state.ref.topicId === topicId) await removeLog(this.state, slot)
        return
      case 'leaving':
        if (state.topicId === topicId && (await state.done)) await removeClosed(this.state, slot, topicId)
        return
      case 'closed':
        await removeClosed(this.state, slot, topicId)
        return
    }
  }

  /** Tells the open logs of a topic that its configuration changed. */
  configChanged(topic: string): void {
    for (const { state } of this.state.slots.ofTopic(topic)) if (state.kind === 'open') state.log.configChanged()
  }

  /** Every partition with a folder, with its size on disk (DescribeLogDirs). */
  async describe(): Promise<readonly PartitionLogInfo[]> {
    const infos: PartitionLogInfo[] = []
    await forEachOf(this.state.slots.all(), async (slot) => {
      const { topic, partition } = slot
      if (slot.state.kind === 'leaving') await slot.state.done
      const ages = (await inspectFolder(this.state, slot))?.ages
      const { state } = slot
      if (state.kind === 'leaving') return
      const sizeBytes = state.kind === 'open' ? state.log.sizeBytes : totalBytes(ages ?? [])
      infos.push({ topic, partition, sizeBytes })
    })
    return infos
  }

  /** Total and usable bytes of the volume. */
  volume(): Promise<{ readonly totalBytes: bigint; readonly usableBytes: bigint }> {
    return this.state.context.fs.volume(this.dir)
  }

  /**
   * To be called once, when requests are already served: checks every folder that is not in use. Folders of deleted topics are
   * removed, those of unknown ones are set aside, and after a crash every log is checked and torn tails are cut. A log that a
   * request needs is checked first.
   * @returns false when it was ended by `close`
   */
  checkFolders(onProgress?: (progress: CheckProgress) => void): Promise<boolean> {
    const checked = checkFolders(this.state, onProgress)
    runInBackground(this.state, checked, 'the folders of partitions could not be checked')
    return checked
  }

  /** Waits for writes under way, syncs everything, writes snapshots and the clean-shutdown marker. Safe to call twice. */
  close(): Promise<void> {
    this.closed ??= closeAll(this.state)
    return this.closed
  }
}

const totalBytes = (ages: readonly SegmentAge[]): number => ages.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
