// The one check that needs the records of a produced batch: on a compacted topic each must have a key.
import { decodeRecords, ProtocolError } from '@selfmonitor/protocol'
import { LogError, type RecordProblem } from './errors.ts'

/** @throws LogError INVALID_RECORD naming the records without a key (KIP-467), CORRUPT_MESSAGE when they cannot be read */
export function checkKeys(batch: Buffer): void {
  const recordErrors: RecordProblem[] = []
  let batchIndex = 0
  try {
    for (const { key } of decodeRecords(batch)) {
      if (key === null) recordErrors.push({ batchIndex, message: 'a compacted topic takes no record without a key' })
      batchIndex++
    }
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    throw new LogError('CORRUPT_MESSAGE', `the records of the batch cannot be read: ${error.reason}`, { cause: error })
  }
  if (recordErrors.length > 0) {
    throw new LogError('INVALID_RECORD', 'one or more records have been rejected: they have no key', { recordErrors })
  }
}
