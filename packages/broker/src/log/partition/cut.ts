// Ending a log where a recovery finds bytes that are not a complete batch. The end of an interrupted write (a torn tail) is cut
// off: it was never acknowledged. If complete batches follow the damage, they may have been acknowledged, so what is cut is
// kept beside the log.

import { readFully, writeFully } from '../disk/fs.ts'
import { findBatchAfter } from '../segment/scan.ts'
import type { Segment } from '../segment/segment.ts'
import { cutFile, filesOf, logFile } from '../segment/segment-files.ts'
import type { LogContext } from './context.ts'
import { partitionName } from './folders.ts'
import { removeSegmentsAfter } from './segment-list.ts'
import type { LogState } from './state.ts'
import { loading } from './write-queue.ts'

export interface Damage {
  readonly position: number
  readonly nextOffset: bigint
  readonly problem: string
  /** Size of the file. */
  readonly sizeBytes: number
}

/** Ends the log at damaged bytes in segment number `at`, and removes later segments. */
export async function cutLog(context: LogContext, state: LogState, at: number, damage: Damage): Promise<void> {
  const segment = state.segments[at]!
  const path = logFile(segment)
  const later = removeSegmentsAfter(state, loading, at)
  const laterBytes = later.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  const goodAfter = await context.files.use(path, (fd) =>
    findBatchAfter(context.fs, fd, damage.position, damage.sizeBytes, damage.nextOffset),
  )
  const what = {
    partition: partitionName(state.ref),
    file: path,
    offset: damage.nextOffset.toString(),
    position: damage.position,
    cutBytes: damage.sizeBytes - damage.position + laterBytes,
    problem: damage.problem,
  }
  if (goodAfter === undefined && laterBytes === 0) {
    context.logger.warn(what, 'cut the torn tail of a log: the last write before the broker stopped was not complete')
  } else {
    const kept = cutFile(path, damage.position)
    await copyRest(context, path, damage, kept)
    for (const laterPath of later.map(logFile)) {
      await context.files.forget(laterPath)
      await context.fs.rename(laterPath, cutFile(laterPath, 0))
    }
    context.logger.error(
      { ...what, goodBatchAt: goodAfter, laterSegments: later.map(logFile), keptIn: kept },
      'a log is damaged in the middle: it now ends before the damage, and the rest is kept beside it',
    )
  }
  for (const segment of later) await removeFiles(context, segment)
  await context.files.use(path, async (fd) => {
    await context.fs.truncate(fd, damage.position)
    await context.fs.sync(fd)
  })
}

async function copyRest(context: LogContext, path: string, damage: Damage, target: string): Promise<void> {
  await context.files.use(path, (source) =>
    context.files.use(
      target,
      async (copy) => {
        const piece = Buffer.allocUnsafeSlow(1024 * 1024)
        for (let at = damage.position; at < damage.sizeBytes; at += piece.length) {
          const bytes = piece.subarray(0, await readFully(context.fs, source, piece, at))
          await writeFully(context.fs, copy, [bytes], at - damage.position)
        }
        await context.fs.sync(copy)
      },
      true,
    ),
  )
  await context.files.forget(target)
}

async function removeFiles(context: LogContext, segment: Segment): Promise<void> {
  for (const file of filesOf(segment)) {
    await context.files.forget(file)
    await context.fs.remove(file)
  }
}
