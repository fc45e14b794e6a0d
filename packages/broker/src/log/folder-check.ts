// A look at a partition's folder that leaves no log open: which segments there are and how old they are, and, after a
// crash, whether what was not synced yet is whole. It reads and changes nothing else; where something is not as it should
// be, the log is opened, which mends and reports it.
import { join } from 'node:path'
import { inspectClosedSegment } from './closed-segment.ts'
import type { LogEnv } from './env.ts'
import { withFile } from './fs.ts'
import type { SegmentAge } from './retention.ts'
import { scanBatches } from './scan.ts'
import { logFile, newSegment, type Segment } from './segment.ts'

export interface FolderCheck {
  /** Oldest first. */
  readonly ages: readonly SegmentAge[]
  readonly logStartOffset: bigint
  /** Whether the log has to be opened to be mended or reported. */
  readonly isDoubtful: boolean
}

/** Verifies the checksums of what lies after the recovery point. After a proper shutdown that is next to nothing. */
export async function checkFolder(env: LogEnv, topic: string, partition: number): Promise<FolderCheck> {
  const dir = join(env.dir, `${topic}-${partition}`)
  const recoveryPoint = env.recoveryPoints.get(topic, partition) ?? 0n
  const bases = (await env.fs.list(dir))
    .filter((name) => /^\d{20}\.log$/.test(name))
    .map((name) => BigInt(name.slice(0, 20)))
    .sort((a, b) => (a < b ? -1 : 1))
  const checkpointed = env.logStarts.get(topic, partition) ?? 0n
  const logStartOffset = bases[0] !== undefined && bases[0] > checkpointed ? bases[0] : checkpointed
  const ages: SegmentAge[] = []
  let isDoubtful = false
  for (const [at, base] of bases.entries()) {
    const segment = newSegment(dir, base, env.clock.now())
    const stat = await env.fs.stat(logFile(segment))
    segment.sizeBytes = stat?.sizeBytes ?? 0
    segment.createdMs = stat?.modifiedMs ?? segment.createdMs
    const next = bases[at + 1]
    const isSettled = next !== undefined && next <= recoveryPoint
    const end = isSettled ? await inspectClosedSegment(env, segment) : await scanSegment(env, segment, recoveryPoint)
    // Without a next segment it is the end of the log, which must not lie before what was once synced.
    if (end === undefined || (next === undefined ? end < recoveryPoint : end !== next)) isDoubtful = true
    const maxTimestampMs = (segment.maxTimestamp ?? -1n) >= 0n ? Number(segment.maxTimestamp) : segment.createdMs
    ages.push({ baseOffset: base, sizeBytes: segment.sizeBytes, maxTimestampMs })
  }
  return { ages, logStartOffset, isDoubtful }
}

/** @returns the offset after the last batch; undefined when something that is no whole batch follows it */
async function scanSegment(env: LogEnv, segment: Segment, crcFrom: bigint): Promise<bigint | undefined> {
  segment.maxTimestamp = -1n
  const { nextOffset, problem } = await withFile(env.fs, logFile(segment), (fd) =>
    scanBatches({
      fs: env.fs,
      fd,
      from: 0,
      to: segment.sizeBytes,
      minOffset: segment.baseOffset,
      crcFrom,
      onBatch: ({ maxTimestamp }) => {
        if (maxTimestamp > segment.maxTimestamp!) segment.maxTimestamp = maxTimestamp
        return true
      },
    }),
  )
  return problem === undefined ? nextOffset : undefined
}
