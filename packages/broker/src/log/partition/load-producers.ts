// The producer state of a log that is being opened.
import { join } from 'node:path'
import { lastOffsetOf } from '../batch/batch.ts'
import { LogError } from '../errors.ts'
import { decodeSnapshot, snapshotsIn } from '../producers/producer-snapshot.ts'
import type { ProducerTable } from '../producers/producer-state.ts'
import { scanSegment } from '../segment/segment.ts'
import { logFile } from '../segment/segment-files.ts'
import type { LogContext } from './context.ts'
import type { LogState } from './state.ts'

/** Loads the producer state: the newest snapshot that is not damaged, then the headers of the batches after it. */
export async function loadProducers(context: LogContext, state: LogState, names: readonly string[]): Promise<void> {
  let from = state.segments[0]!.baseOffset
  for (const snapshot of snapshotsIn(names)) {
    const { offset } = snapshot
    const file = join(state.dir, snapshot.name)
    // A snapshot at an offset that was cut off has batches that no longer exist.
    const table =
      offset > state.highWatermark
        ? undefined
        : decodeSnapshot(snapshot, (await context.fs.readFile(file)) ?? Buffer.alloc(0))
    if (table === undefined) {
      context.logger.warn({ file }, 'removing a producer snapshot that is damaged or past the end of the log')
      await context.fs.remove(file)
      continue
    }
    for (const entry of table.entries()) state.producers.put(entry)
    from = offset
    state.snapshotOffset = offset
    break
  }
  await replayProducers(context, state, from, state.producers)
}

async function replayProducers(
  context: LogContext,
  state: LogState,
  from: bigint,
  table: ProducerTable,
): Promise<void> {
  if (from >= state.highWatermark) return
  const first = Math.max(
    0,
    state.segments.findLastIndex((segment) => segment.baseOffset <= from),
  )
  for (const segment of state.segments.slice(first)) {
    const end = await context.files.use(logFile(segment), (fd) =>
      scanSegment(context, fd, segment, {
        onBatch(header) {
          if (lastOffsetOf(header) >= from) table.replay(header)
          return true
        },
      }),
    )
    if (end.problem !== undefined) {
      throw new LogError(
        'KAFKA_STORAGE_ERROR',
        `${logFile(segment)} is damaged at byte ${end.position}: ${end.problem}. Stop the broker and restore the file; or ` +
          'remove the clean-shutdown marker and the recovery point of the partition, and the next start cuts the log there',
      )
    }
  }
}
