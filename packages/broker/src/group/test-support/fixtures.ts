// A coordinator on a log in memory and a clock that the test moves; its log can be made to fail, and be read back.
import { zeroUuid } from '@selfmonitor/protocol'
import type { ManualClock } from '../../types.ts'
import { type GroupCoordinator, openGroupCoordinator } from '../coordinator.ts'
import { type DecodedRecord, decodeGroupRecord } from '../records.ts'
import type { CommitInput, GroupConfig, GroupLog, GroupRecord, JoinInput, ReplayedBatch } from '../types.ts'
import { subscription, testConfig } from './transcript.ts'

export function manualClock(startMs = 1_700_000_000_000): ManualClock {
  let nowMs = startMs
  const timers = new Set<{ readonly dueMs: number; readonly callback: () => void }>()
  return {
    now: () => nowMs,
    setTimer(delayMs, callback) {
      const timer = { dueMs: nowMs + delayMs, callback }
      timers.add(timer)
      return () => timers.delete(timer)
    },
    advance(ms) {
      const endMs = nowMs + ms
      for (;;) {
        const due = [...timers].filter((timer) => timer.dueMs <= endMs).sort((a, b) => a.dueMs - b.dueMs)[0]
        if (!due) break
        timers.delete(due)
        nowMs = due.dueMs
        due.callback()
      }
      nowMs = endMs
    },
  }
}

export interface MemoryLog extends GroupLog {
  /** The records in the log, batch by batch. */
  readonly batches: { readonly partition: number; readonly records: readonly GroupRecord[] }[]
  readonly decoded: () => readonly DecodedRecord[]
  /** From now on appends fail with this code; undefined: they work again. */
  failWith(code: string | undefined): void
  /** Appends wait until they are released. */
  hold(): void
  release(): void
}

export function memoryLog(partitions = 50, batches: MemoryLog['batches'] = []): MemoryLog {
  let failure: string | undefined
  let gate: Promise<void> | undefined
  let open: (() => void) | undefined
  return {
    partitions,
    batches,
    decoded: () => batches.flatMap(({ records }) => records.map(({ key, value }) => decodeGroupRecord(key, value))),
    failWith(code) {
      failure = code
    },
    hold() {
      gate = new Promise((resolve) => {
        open = resolve
      })
    },
    release() {
      gate = undefined
      open?.()
    },
    async append(partition, records) {
      await gate
      if (failure !== undefined) throw Object.assign(new Error('the disk is full'), { code: failure })
      batches.push({ partition, records })
    },
    async replace(partition, records) {
      const others = batches.filter((batch) => batch.partition !== partition)
      batches.splice(0, batches.length, ...others, { partition, records })
    },
    async replay(onBatch) {
      for (const { partition, records } of batches) {
        const batch: ReplayedBatch = { producerId: -1n, isTransactional: false, records }
        onBatch(partition, batch)
      }
      return []
    },
  }
}

export interface Setup {
  readonly coordinator: GroupCoordinator
  readonly clock: ManualClock
  readonly log: MemoryLog
  readonly logged: string[]
  /** Those of level `error`. */
  readonly errors: string[]
  /** Topics that exist: name → partitions. Each one's id is its name, so to say. */
  readonly topics: Map<string, { id: string; partitions: number }>
}

export async function setup(
  config: Partial<GroupConfig> = {},
  reuse: { clock?: ManualClock; log?: MemoryLog } = {},
): Promise<Setup> {
  const clock = reuse.clock ?? manualClock()
  const log = reuse.log ?? memoryLog()
  const logged: string[] = []
  const errors: string[] = []
  const write = (_context: object, message: string) => void logged.push(message)
  const writeError = (context: object, message: string) => {
    write(context, message)
    errors.push(message)
  }
  const topics = new Map([
    ['orders', { id: topicId(1), partitions: 3 }],
    ['payments', { id: topicId(2), partitions: 1 }],
  ])
  let uuids = 0
  const coordinator = await openGroupCoordinator({
    config: { ...testConfig, initialRebalanceDelayMs: 0, ...config },
    clock,
    log,
    logger: { debug: write, info: write, warn: write, error: writeError },
    topic: (name) => topics.get(name),
    newUuid: () => String(++uuids),
  })
  return { coordinator, clock, log, logged, errors, topics }
}

export function topicId(n: number): string {
  return `${zeroUuid.slice(0, -2)}${String.fromCharCode(65 + n)}A`
}

export function joinOf(groupId: string, options: Partial<JoinInput> = {}): JoinInput {
  return {
    groupId,
    memberId: '',
    groupInstanceId: null,
    clientId: 'app',
    clientHost: '/127.0.0.1',
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 60_000,
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: subscription('orders') }],
    reason: null,
    requireKnownMemberId: false,
    supportsSkippingAssignment: true,
    ...options,
  }
}

/** A group of one member that is stable at generation 1. @returns its member id */
export async function stableGroup({ coordinator, clock }: Setup, groupId: string, join: Partial<JoinInput> = {}) {
  const joining = coordinator.join(joinOf(groupId, join))
  clock.advance(0)
  const { memberId, generationId } = await joining
  const assignments = [{ memberId, assignment: Buffer.from('all of it') }]
  const identity = { groupId, memberId, generationId, groupInstanceId: join.groupInstanceId ?? null }
  await coordinator.sync({ ...identity, protocolType: null, protocolName: null, assignments })
  return identity
}

export function commitOf(
  groupId: string,
  topic: string,
  partition: number,
  offset: bigint,
  options: Partial<CommitInput> = {},
): CommitInput {
  return {
    groupId,
    generationId: -1,
    memberId: '',
    groupInstanceId: null,
    knowsGroupIdNotFound: true,
    topics: [{ topic, partitions: [{ partition, offset, leaderEpoch: 0, metadata: '' }] }],
    ...options,
  }
}
