// Small files that say one offset for each partition: Kafka's `log-start-offset-checkpoint` and
// `recovery-point-offset-checkpoint`. Text: format, number of lines, then `topic partition offset`.
import type { LogFs } from './fs.ts'
import { createSharedRuns } from './shared-runs.ts'

export interface Checkpoint {
  get(topic: string, partition: number): bigint | undefined
  /** Changes the value in memory; `write` makes it durable. */
  set(topic: string, partition: number, offset: bigint): void
  delete(topic: string, partition: number): void
  /** Writes the file if anything changed; calls that come while a write is under way share the next one. */
  write(): Promise<void>
}

const format = '0'

/** @throws Error when the file has a newer format or is not what this broker wrote */
export async function openCheckpoint(fs: LogFs, path: string): Promise<Checkpoint> {
  const offsets = parse(await fs.readFile(path), path)
  let changed = false

  async function writeNow(): Promise<void> {
    if (!changed) return
    changed = false
    const lines = [...offsets].map(([partition, offset]) => `${partition} ${offset}\n`)
    try {
      await fs.replaceFile(path, `${format}\n${lines.length}\n${lines.join('')}`)
    } catch (error) {
      changed = true
      throw error
    }
  }

  return {
    get: (topic, partition) => offsets.get(`${topic} ${partition}`),
    set(topic, partition, offset) {
      const key = `${topic} ${partition}`
      if (offsets.get(key) === offset) return
      offsets.set(key, offset)
      changed = true
    },
    delete(topic, partition) {
      if (offsets.delete(`${topic} ${partition}`)) changed = true
    },
    write: createSharedRuns(writeNow),
  }
}

function parse(content: Buffer | undefined, path: string): Map<string, bigint> {
  const offsets = new Map<string, bigint>()
  if (content === undefined) return offsets
  const [version, count, ...lines] = content.toString('utf8').trimEnd().split('\n')
  if (version !== format)
    throw new Error(`${path}: format ${version} is not known to this version, which reads ${format}`)
  for (const line of lines) {
    const match = /^(\S+ \d+) (\d+)$/.exec(line)
    if (match === null) throw new Error(`${path}: line "${line}" is not "topic partition offset"`)
    offsets.set(match[1]!, BigInt(match[2]!))
  }
  if (offsets.size !== Number(count)) {
    throw new Error(`${path}: ${count} entries are announced, ${offsets.size} are there`)
  }
  return offsets
}
