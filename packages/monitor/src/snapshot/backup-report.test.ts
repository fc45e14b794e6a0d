import { expect, it } from 'vitest'
import { type BackupReport, decodeBackupReport, encodeBackupReport } from './backup-report.ts'

const report: BackupReport = {
  ...{ target: 's3://backups/kafka', number: 7, topics: 2, records: 1_000, addedRecords: 10, addedBytes: 500 },
  ...{ cutAtMs: 1, finishedAtMs: 2, oldestTopicMs: null, problems: 0, uncoveredTopics: 1, dueMs: 3, deadlineMs: null },
}

it('a report is read as it was written', () => {
  const { key, value } = encodeBackupReport(report)
  expect(String(key)).toBe('s3://backups/kafka')
  expect(decodeBackupReport(value)).toEqual(report)
})

it.each([
  ['of a later version', JSON.stringify({ version: 2, ...report })],
  ['without a number', JSON.stringify({ version: 1, ...report, topics: undefined })],
  ['with a text for a number', JSON.stringify({ version: 1, ...report, dueMs: '3' })],
  ['that is null', 'null'],
  ['of other bytes', '\u0000'],
])('a report %s is left out', (_, text) => expect(decodeBackupReport(Buffer.from(text))).toBeNull())
