import type { BackedUpTopic } from '@selfmonitor/backup'
import { backupReportTopic } from '@selfmonitor/monitor/backup-report'
import type { BackupPolicy } from '@selfmonitor/platform'
import { describe, expect, it } from 'vitest'
import { type CoverageInput, coverageOf } from './coverage.ts'
import type { Policies } from './policies.ts'

const minute = 60_000
const hour = 60 * minute
const now = Date.parse('2027-01-10T12:00:00Z')
const hourly: BackupPolicy = { frequency: { kind: 'every', everyMs: hour } }

const topic = (name: string, id = `id-of-${name}`) => ({ name, id })
const backedUp = (name: string, asOfMs?: number | null, id?: string): BackedUpTopic => ({
  ...topic(name, id),
  // Another partition was read by the newest backup.
  partitions: [undefined, asOfMs].map((at, partition) => ({
    ...{ partition, start: 0n, end: 1n, records: 1n, gaps: [], leaderEpoch: 0 },
    ...(at === undefined ? {} : { asOfMs: at }),
  })),
})
const policies = (declared: Record<string, BackupPolicy | undefined>, otherwise?: BackupPolicy): Policies => ({
  declared: new Map(Object.entries(declared)),
  otherwise,
  source: 'platform.yaml, environment production',
})
const manifest = (topics: readonly BackedUpTopic[], cutAtMs = now - minute) => ({ number: 7, topics, cutAtMs })

function states(input: Partial<CoverageInput>): string[] {
  return coverageOf({ topics: [], manifest: null, problems: [], policies: policies({}), nowMs: now, ...input }).map(
    (row) => `${row.topic}: ${row.state}${row.why === '' ? '' : `, ${row.why}`}`,
  )
}

describe('coverage', () => {
  it('says why a topic is in no backup', () => {
    expect(states({ topics: [topic('a')] })).toEqual(['a: uncovered, there is no backup of this cluster'])
    expect(
      states({
        topics: [topic('new'), topic('again', 'second'), topic('tiered'), topic('kept')],
        manifest: manifest([backedUp('again', now, 'first'), backedUp('kept', now)]),
        problems: [{ part: 'topic tiered', message: 'topics with remote.storage.enable=true cannot be backed up yet' }],
      }),
    ).toEqual([
      'again: uncovered, it was created again: backup 7 has the topic that had this name before',
      'new: uncovered, backup 7 does not have it',
      'tiered: uncovered, topics with remote.storage.enable=true cannot be backed up yet',
      'kept: covered',
    ])
  })

  it('lists what needs attention first, and of that what is critical', () => {
    const of = (criticality: BackupPolicy['criticality']): BackupPolicy => ({ criticality, rpoMs: hour })
    expect(
      states({
        topics: ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => topic(name)),
        manifest: manifest([backedUp('c', now - 2 * hour), backedUp('d', now), backedUp('e', now - 2 * hour)]),
        policies: policies({
          a: of('low'),
          b: of('critical'),
          c: of('low'),
          e: of('high'),
          f: { none: 'scratch' },
          g: of('high'),
        }),
      }).map((line) => line.split(',')[0]),
    ).toEqual(['b: uncovered', 'a: uncovered', 'e: overdue', 'c: overdue', 'd: covered', 'g: absent', 'f: left-out'])
  })

  it('takes the time at which the topic was read, not that of a backup that left it as it was', () => {
    const input = { topics: [topic('a')], policies: policies({ a: { rpoMs: hour } }) }
    const of = (asOfMs: number | null | undefined) => states({ ...input, manifest: manifest([backedUp('a', asOfMs)]) })
    expect(of(now - 2 * hour)).toEqual(['a: overdue, its last backup is older than the rpo of 1h'])
    expect(of(now - hour)).toEqual(['a: covered'])
    expect(of(undefined)).toEqual(['a: covered'])
    expect(of(null)).toEqual(['a: uncovered, no backup could read partition 1 to its end'])
  })

  it('without an rpo is overdue when the run after the next is due', () => {
    const of = (asOfMs: number, policy = hourly) =>
      coverageOf({
        topics: [topic('a')],
        manifest: manifest([backedUp('a', asOfMs)]),
        problems: [],
        policies: policies({ a: policy }),
        nowMs: now,
      })[0]!
    expect(of(now - 2 * hour)).toMatchObject({ state: 'covered', dueMs: now - hour, deadlineMs: now })
    expect(of(now - 2 * hour - 1)).toMatchObject({
      state: 'overdue',
      why: 'the backup that was due at 2027-01-10 10:59:59.999Z is missing',
    })
    const nightly: BackupPolicy = { frequency: { kind: 'cron', expression: '0 2 * * *', zone: 'UTC' } }
    expect(of(Date.parse('2027-01-09T02:00:01Z'), nightly).state).toBe('covered')
    expect(of(Date.parse('2027-01-08T02:00:01Z'), nightly).state).toBe('overdue')
    expect(of(0, { frequency: { kind: 'continuously' } })).toMatchObject({ state: 'covered', deadlineMs: null })
    // The earlier of the two.
    expect(of(now - 90 * minute, { ...hourly, rpoMs: hour }).state).toBe('overdue')
    expect(of(now - 3 * hour, { ...hourly, rpoMs: 24 * hour }).state).toBe('overdue')
  })

  it('holds topics that no file declares to the default, but SelfMonitor’s own', () => {
    expect(
      states({
        topics: [topic('a'), topic(backupReportTopic), topic('_selfmonitor-probe')],
        manifest: manifest([backedUp('a', now - 2 * hour)]),
        policies: policies({}, { rpoMs: hour }),
      }),
    ).toEqual([
      'a: overdue, its last backup is older than the rpo of 1h',
      '_selfmonitor-backups: left-out, has the outcomes of backups, of this cluster only',
      '_selfmonitor-probe: left-out, has the messages of the end-to-end probe',
    ])
  })
})
