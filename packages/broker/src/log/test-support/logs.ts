// What the tests of the logs need: batches, a clock that the test moves, a logger that keeps its lines, a manager on a temporary
// folder.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BatchOptions, decodeRecords, encodeBatch, iterateBatches, type RecordInput } from '@selfmonitor/protocol'
import { onTestFinished } from 'vitest'
import type { Logger, ManualClock } from '../../types.ts'
import { type LogFs, nodeFs } from '../disk/fs.ts'
import type { LogManager } from '../manager/manager.ts'
import type { LogManagerOptions } from '../manager/manager-options.ts'
import { openLogManager } from '../manager/open-manager.ts'
import type { PartitionLog } from '../partition/partition-log.ts'
import type { LogConfig, PartitionRef } from '../types.ts'

export const defaultConfig: LogConfig = {
  segmentBytes: 1024 * 1024 * 1024,
  segmentMs: 7 * 86_400_000,
  segmentIndexBytes: 10 * 1024 * 1024,
  indexIntervalBytes: 4096,
  retentionMs: Number.POSITIVE_INFINITY,
  retentionBytes: Number.POSITIVE_INFINITY,
  fileDeleteDelayMs: 60_000,
  maxMessageBytes: 1024 * 1024 + 12,
  timestampType: 'CreateTime',
  timestampBeforeMaxMs: Number.MAX_VALUE,
  timestampAfterMaxMs: 3_600_000,
  flushMessages: Number.MAX_VALUE,
  flushMs: Number.MAX_VALUE,
  compact: false,
  delete: true,
}

export const startMs = 1_700_000_000_000

export function createTestClock(): ManualClock {
  let now = startMs
  const timers = new Set<{ atMs: number; callback: () => void }>()
  return {
    now: () => now,
    setTimer(delayMs, callback) {
      const timer = { atMs: now + delayMs, callback }
      timers.add(timer)
      return () => void timers.delete(timer)
    },
    advance(ms) {
      const target = now + ms
      for (;;) {
        const next = [...timers].filter((t) => t.atMs <= target).sort((a, b) => a.atMs - b.atMs)[0]
        if (next === undefined) break
        timers.delete(next)
        now = Math.max(now, next.atMs)
        next.callback()
      }
      now = target
    },
  }
}

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly message: string
  readonly context: Record<string, unknown>
}

export function createTestLogger(): Logger & { readonly lines: LogLine[] } {
  const lines: LogLine[] = []
  const at = (level: LogLine['level']) => (context: object, message: string) =>
    void lines.push({ level, message, context: context as Record<string, unknown> })
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

export async function temporaryDir(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'selfmonitor-log-'))
  onTestFinished(() => rm(dir, { recursive: true, force: true }))
  return dir
}

export interface TestBroker {
  readonly dir: string
  readonly clock: ManualClock
  readonly logger: ReturnType<typeof createTestLogger>
  config: LogConfig
  manager: LogManager
  log(ref?: Partial<PartitionRef>): Promise<PartitionLog>
  /** Closes properly and opens again. */
  restart(): Promise<void>
  /**
   * Opens again as after `kill -9`: what was written is there, nothing else was done.
   * @param meanwhile what happens to the files before the next start
   */
  crash(meanwhile?: () => void | Promise<void>): Promise<void>
}

/**
 * A file system whose user can be killed: calls under way end, as they do in the kernel, but their user never gets their
 * results, and nothing that it does afterwards has any effect.
 */
function createMortalFs(fs: LogFs): { readonly fs: LogFs; kill(): Promise<void> } {
  const underWay = new Set<Promise<unknown>>()
  let dead = false
  const never = new Promise<never>(() => {})
  const wrap =
    (call: (...args: never[]) => Promise<unknown>) =>
    async (...args: never[]): Promise<unknown> => {
      if (dead) return never
      const done = call(...args)
      const settled = done.then(
        () => {},
        () => {},
      )
      underWay.add(settled)
      await settled
      underWay.delete(settled)
      return dead ? never : done
    }
  return {
    fs: Object.fromEntries(Object.entries(fs).map(([name, call]) => [name, wrap(call)])) as unknown as LogFs,
    async kill() {
      dead = true
      await Promise.all(underWay)
    },
  }
}

export const topicId = 'AAAAAAAAAAAAAAAAAAAAAQ'

/** A log manager on a temporary folder, closed at the end of the test. */
export async function startLogs(
  config: Partial<LogConfig> = {},
  options: Partial<LogManagerOptions> = {},
): Promise<TestBroker> {
  const dir = options.dir ?? (await temporaryDir())
  const clock = createTestClock()
  const logger = createTestLogger()
  let life = createMortalFs(options.fs ?? nodeFs)
  const open = () =>
    openLogManager({
      dir,
      clock,
      logger,
      configOf: () => broker.config,
      ownerOf: () => 'current',
      ...options,
      fs: life.fs,
    })
  const broker: TestBroker = {
    dir,
    clock,
    logger,
    config: { ...defaultConfig, ...config },
    manager: undefined as unknown as LogManager,
    log: (ref = {}) => broker.manager.get({ topic: 'events', topicId, partition: 0, ...ref }),
    async restart() {
      await broker.manager.close()
      life = createMortalFs(options.fs ?? nodeFs)
      broker.manager = await open()
    },
    async crash(meanwhile) {
      await life.kill()
      await meanwhile?.()
      life = createMortalFs(options.fs ?? nodeFs)
      broker.manager = await open()
    },
  }
  broker.manager = await open()
  onTestFinished(async () => {
    await broker.manager.close()
  })
  return broker
}

export function batch(
  values: readonly string[],
  options: BatchOptions & { timestamps?: readonly bigint[] } = {},
): Buffer {
  const records: RecordInput[] = values.map((value, index) => ({
    key: Buffer.from(`key-${value}`),
    value: Buffer.from(value),
    timestamp: options.timestamps?.[index] ?? BigInt(startMs),
  }))
  // encodeBatch takes its memory from a pool; a frame from a socket does not look like that.
  return Buffer.from(new Uint8Array(encodeBatch(records, options)).buffer)
}

/** Offset and value of every record from `offset` to the end. */
export async function readAll(log: PartitionLog, offset = log.logStartOffset): Promise<[bigint, string][]> {
  const found: [bigint, string][] = []
  let next = offset
  while (next < log.highWatermark) {
    const { records } = await log.read(next, { maxBytes: 1024 * 1024, minOneBatch: true })
    if (records.length === 0) throw new Error(`nothing to read at ${next}, the end is ${log.highWatermark}`)
    for (const record of recordsOf(records)) {
      if (record[0] >= next) {
        found.push(record)
        next = record[0] + 1n
      }
    }
  }
  return found
}

export function recordsOf(buffers: readonly Buffer[]): [bigint, string][] {
  const bytes = Buffer.concat(buffers)
  return [...iterateBatches(bytes)].flatMap(({ position }) =>
    [...decodeRecords(bytes, position)].map(({ offset, value }): [bigint, string] => [offset, value?.toString() ?? '']),
  )
}

/**
 * The content of a `.producers` file, which earlier development versions wrote: producer 5, epoch 2, its batches of two records at offsets
 * and sequences 12 and 14, last seen at 1234 ms.
 */
export const legacySnapshot =
  '00018606bce6000000010000000000000005000200000000000004d2020000000c0000000d000000000000000c000000000000000d' +
  '0000018bcfe568000000000e0000000f000000000000000e000000000000000f0000018bcfe56800'
