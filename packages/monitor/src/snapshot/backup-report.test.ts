import { expect, it } from 'vitest'
import { type BackupReport, decodeOutcome, encodeOutcome, type Outcome } from './backup-report.ts'

const target = 's3://backups/kafka'
const report: BackupReport = {
  ...{ target, number: 7, topics: 2, records: 1_000, addedRecords: 10, addedBytes: 500 },
  ...{ cutAtMs: 1, finishedAtMs: 2, oldestTopicMs: null, problems: 0, uncoveredTopics: 1, dueMs: 3, deadlineMs: null },
}
const outcomes: readonly Outcome[] = [
  { kind: 'backup', value: report },
  { kind: 'failure', value: { target, atMs: 4, code: 'UNAVAILABLE', message: 'the store does not answer' } },
  { kind: 'drill', value: { target, atMs: 5, rtoMs: 6, rpoMs: 7, dueMs: 8 } },
  { kind: 'drillFailure', value: { target, atMs: 9 } },
]

it('each outcome is read as it was written, and no kind replaces another', () => {
  const records = outcomes.map(encodeOutcome)
  expect(records.map(({ value }) => decodeOutcome(value))).toEqual(outcomes)
  expect(records.map(({ key }) => String(key))).toEqual([
    target,
    `failure ${target}`,
    `drill ${target}`,
    `drill-failure ${target}`,
  ])
})

it.each([
  ['of a later version', JSON.stringify({ version: 2, ...report })],
  ['of an unknown kind', JSON.stringify({ version: 1, kind: 'rehearsal', ...report })],
  ['of a kind that is a property of every object', JSON.stringify({ version: 1, kind: 'constructor', ...report })],
  ['without a number', JSON.stringify({ version: 1, ...report, topics: undefined })],
  ['with a text for a number', JSON.stringify({ version: 1, ...report, dueMs: '3' })],
  ['without a code', JSON.stringify({ version: 1, kind: 'failure', target, atMs: 4, message: 'a' })],
  ['that is null', 'null'],
  ['of other bytes', '\u0000'],
])('a record %s is left out', (_, text) => expect(decodeOutcome(Buffer.from(text))).toBeNull())
