// Small files with one offset for each partition: Kafka's `log-start-offset-checkpoint` and
// `recovery-point-offset-checkpoint`. Text: format, number of lines, then `topic partition offset`.
import type { Logger } from '../../types.ts'
import type { Deadlines } from '../scheduling/deadlines.ts'
import { createSharedRuns } from '../scheduling/shared-runs.ts'
import type { LogFs } from './fs.ts'

export interface Checkpoint {
  get(topic: string, partition: number): bigint | undefined
  /** Changes the value in memory; `write` makes it durable. */
  set(topic: string, partition: number, offset: bigint): void
  delete(topic: string, partition: number): void
  /**
   * Resolves once the file no longer has the value that was deleted for this partition. A new partition of that name must not
   * get records before, because the old value would apply to them.
   */
  forgotten(topic: string, partition: number): Promise<void>
  /** Writes the file if anything changed; calls that come while a write is under way share the next one. */
  write(): Promise<void>
  /** Writes it within a second, so that changes of thousands of partitions share one write. A failure is logged. */
  writeSoon(): void
}

const format = '0'
/** How long a change may be in memory only. It bounds what a restart after a crash has to check. */
const writeDelayMs = 1000

export interface CheckpointOptions {
  readonly fs: LogFs
  readonly path: string
  readonly logger: Logger
  readonly deadlines: Deadlines
}

/**
 * A file that is damaged or empty is kept beside a new one, which is filled again from the logs.
 * @throws Error when a newer version wrote the file
 */
export async function openCheckpoint({ fs, path, logger, deadlines }: CheckpointOptions): Promise<Checkpoint> {
  const read = parse(await fs.readFile(path), path)
  const offsets = typeof read === 'string' ? new Map<string, bigint>() : read
  if (typeof read === 'string') {
    await fs.rename(path, `${path}.damaged`)
    logger.error(
      { path, problem: read, keptAs: `${path}.damaged` },
      'a checkpoint is damaged, so a new one is written. If it had the recovery points, logs are checked from their beginning; ' +
        'if it had the log start offsets, records that DeleteRecords had deleted may be readable again',
    )
  }
  let changed = false
  /** Deleted, and not written yet. */
  const stale = new Set<string>()

  async function writeNow(): Promise<void> {
    if (!changed) return
    changed = false
    const written = [...stale]
    const lines = [...offsets].map(([partition, offset]) => `${partition} ${offset}\n`)
    try {
      await fs.replaceFile(path, `${format}\n${lines.length}\n${lines.join('')}`)
      for (const key of written) stale.delete(key)
    } catch (error) {
      changed = true
      throw error
    }
  }

  const write = createSharedRuns(writeNow)
  const checkpoint: Checkpoint = {
    get: (topic, partition) => offsets.get(`${topic} ${partition}`),
    set(topic, partition, offset) {
      const key = `${topic} ${partition}`
      if (offsets.get(key) === offset) return
      offsets.set(key, offset)
      changed = true
    },
    delete(topic, partition) {
      const key = `${topic} ${partition}`
      if (!offsets.delete(key)) return
      changed = true
      stale.add(key)
    },
    forgotten: async (topic, partition) => {
      if (stale.has(`${topic} ${partition}`)) await write()
    },
    write,
    writeSoon() {
      deadlines.ensure(checkpoint, writeDelayMs, () => {
        write().catch((error) => {
          logger.warn(
            { err: error },
            'cannot write a checkpoint; a restart after a crash will check more than necessary',
          )
        })
      })
    },
  }
  return checkpoint
}

/** @returns the offsets; or, as a string, what is wrong with the file @throws Error when a newer version wrote it */
function parse(content: Buffer | undefined, path: string): Map<string, bigint> | string {
  const offsets = new Map<string, bigint>()
  if (content === undefined) return offsets
  const [version, count, ...lines] = content.toString('utf8').trimEnd().split('\n')
  if (version === undefined || !/^\d+$/.test(version)) return 'the first line is not a format number'
  if (version !== format) throw new Error(`${path} has format ${version}; this version reads format ${format}`)
  for (const line of lines) {
    const match = /^(\S+ \d+) (\d+)$/.exec(line)
    if (match === null) return `line "${line}" is not "topic partition offset"`
    offsets.set(match[1]!, BigInt(match[2]!))
  }
  if (offsets.size !== Number(count)) return `the file should have ${count} entries and has ${offsets.size}`
  return offsets
}
