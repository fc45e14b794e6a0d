// What happens when a recovery meets bytes that are not a whole batch. The end of an interrupted write (a torn tail) is cut
// off: nobody was told that it was written. Damage in front of good batches is another matter: those batches may have been
// acknowledged, so what is cut is kept beside the log for whoever wants to look.

import type { LogEnv } from './env.ts'
import { writeFully } from './fs.ts'
import { findBatchAfter, readFully } from './scan.ts'
import { filesOf, logFile, type Segment } from './segment.ts'
import { dropSegmentsAfter } from './segment-list.ts'
import { type LogState, partitionName } from './state.ts'
import { loading } from './write-queue.ts'

export interface BadPlace {
  readonly position: number
  readonly nextOffset: bigint
  readonly problem: string
  /** Size of the file. */
  readonly sizeBytes: number
}

/** Ends the log at a bad place in segment number `at`; later segments go too. */
export async function cutLog(env: LogEnv, state: LogState, at: number, bad: BadPlace): Promise<void> {
  const segment = state.segments[at]!
  const path = logFile(segment)
  const later = dropSegmentsAfter(state, loading, at)
  const laterBytes = later.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  const goodAfter = await env.files.use(path, (fd) =>
    findBatchAfter(env.fs, fd, bad.position, bad.sizeBytes, bad.nextOffset),
  )
  const what = {
    partition: partitionName(state.ref),
    file: path,
    offset: bad.nextOffset.toString(),
    position: bad.position,
    cutBytes: bad.sizeBytes - bad.position + laterBytes,
    problem: bad.problem,
  }
  if (goodAfter === undefined && laterBytes === 0) {
    env.logger.warn(what, 'cut the torn tail of a log: the last write before the broker stopped was not complete')
  } else {
    const kept = `${path}.cut-${bad.position}`
    await copyRest(env, path, bad, kept)
    for (const { path: laterPath } of later) {
      await env.files.forget(`${laterPath}.log`)
      await env.fs.rename(`${laterPath}.log`, `${laterPath}.log.cut-0`)
    }
    env.logger.error(
      { ...what, goodBatchAt: goodAfter, laterSegments: later.map(logFile), keptIn: kept },
      'a log is damaged in the middle: it ends before the damage now, and what came after it is kept beside it',
    )
  }
  for (const segment of later) await dropFiles(env, segment)
  await env.files.use(path, async (fd) => {
    await env.fs.truncate(fd, bad.position)
    await env.fs.sync(fd)
  })
}

async function copyRest(env: LogEnv, path: string, bad: BadPlace, target: string): Promise<void> {
  await env.files.use(path, (source) =>
    env.files.use(
      target,
      async (copy) => {
        const piece = Buffer.allocUnsafeSlow(1024 * 1024)
        for (let at = bad.position; at < bad.sizeBytes; at += piece.length) {
          const bytes = piece.subarray(0, await readFully(env.fs, source, piece, at))
          await writeFully(env.fs, copy, [bytes], at - bad.position)
        }
        await env.fs.sync(copy)
      },
      true,
    ),
  )
  await env.files.forget(target)
}

async function dropFiles(env: LogEnv, segment: Segment): Promise<void> {
  for (const file of filesOf(segment)) {
    await env.files.forget(file)
    await env.fs.remove(file)
  }
}
