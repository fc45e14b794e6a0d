// Expiring committed offsets (KIP-211), and groups that have nothing left, every `offsets.retention.check.interval.ms`.
import { failureLevel, type GroupEntry, type GroupTable } from './group-table.ts'
import { removeOffsets } from './offset-operations.ts'
import { expiredOffsets } from './offsets.ts'

/** Starts the rounds. @returns a function that stops them */
export function startOffsetExpiry(table: GroupTable): () => void {
  const { clock, config, logger } = table.options
  let cancel: (() => void) | undefined
  const schedule = (): void => {
    cancel = clock.setTimer(config.offsetsRetentionCheckIntervalMs, () => {
      schedule()
      expireOffsets(table).catch((err: unknown) => {
        // A log that is still being checked, or a disk that is full for a while: the next round removes them.
        logger?.[failureLevel(err)]({ err }, 'could not remove expired offsets; the next round tries again')
      })
    })
  }
  schedule()
  return () => cancel?.()
}

/** Removes what has expired now. @throws what the log throws */
async function expireOffsets(table: GroupTable): Promise<void> {
  const nowMs = table.options.clock.now()
  await Promise.all(table.all().map((entry) => expireGroup(table, entry, nowMs)))
}

async function expireGroup(table: GroupTable, entry: GroupEntry, nowMs: number): Promise<void> {
  const { group, offsets } = entry
  const { config, logger } = table.options
  const expired = expiredOffsets(group, offsets, nowMs, config.offsetsRetentionMs)
  if (expired.length > 0) {
    logger?.info({ group: group.groupId, offsets: expired.length }, 'committed offsets expired')
  }
  await removeOffsets(table, entry, expired)
  table.counters.offsetExpirations += expired.length
  const isIdle = group.state === 'Empty' && group.pendingMembers.size === 0 && offsets.topics.size === 0
  if (isIdle && table.get(group.groupId) === entry) await table.remove(entry, 'the group expired')
}
