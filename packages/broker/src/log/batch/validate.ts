// Kafka's checks of the header of a produced batch, and of its checksum. Pure. `inspect.ts` then checks the records.
import { ProtocolError, readBatchHeader } from '@selfmonitor/protocol'
import { LogError } from '../errors.ts'
import type { LogConfig } from '../types.ts'
import { type BatchHeader, crcMatches } from './batch.ts'

/**
 * Checks one partition's records of a Produce request, which must be exactly one batch of magic 2 (KIP-98, Produce ≥ 3).
 * @throws LogError CORRUPT_MESSAGE, INVALID_RECORD, MESSAGE_TOO_LARGE, RECORD_LIST_TOO_LARGE, INVALID_TXN_STATE
 */
export function checkBatch(records: Buffer, config: LogConfig, origin: 'client' | 'internal'): BatchHeader {
  if (records.length === 0) {
    throw new LogError('INVALID_RECORD', 'a produce request must have one record batch for each partition')
  }
  const header = parseHeader(records)
  if (header.sizeBytes > records.length) {
    throw new LogError(
      'CORRUPT_MESSAGE',
      `the batch should have ${header.sizeBytes} bytes, but only ${records.length} arrived`,
    )
  }
  if (header.sizeBytes < records.length) {
    throw new LogError('INVALID_RECORD', 'a produce request may have only one record batch for each partition')
  }
  if (origin === 'client') checkClientBatch(header, config)
  if (header.sizeBytes > config.segmentBytes) {
    throw new LogError(
      'RECORD_LIST_TOO_LARGE',
      `the batch has ${header.sizeBytes} bytes, more than fit in a segment (segment.bytes=${config.segmentBytes})`,
    )
  }
  if (!crcMatches(records, header)) {
    throw new LogError('CORRUPT_MESSAGE', "the batch's checksum does not match its bytes")
  }
  checkCounts(header)
  return header
}

function parseHeader(records: Buffer): BatchHeader {
  try {
    return readBatchHeader(records)
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    // Kafka distinguishes "another format" (which will never work) from damage (which a retry may cure).
    const code = error.code === 'UNSUPPORTED_RECORD_FORMAT' ? 'INVALID_RECORD' : 'CORRUPT_MESSAGE'
    throw new LogError(code, error.reason, { cause: error })
  }
}

function checkClientBatch(header: BatchHeader, config: LogConfig): void {
  if (header.sizeBytes > config.maxMessageBytes) {
    throw new LogError(
      'MESSAGE_TOO_LARGE',
      `the batch has ${header.sizeBytes} bytes, more than max.message.bytes=${config.maxMessageBytes}`,
    )
  }
  if (header.baseOffset !== 0n) {
    throw new LogError('INVALID_RECORD', `the base offset of a produced batch must be 0, it is ${header.baseOffset}`)
  }
  if (header.isControl) throw new LogError('INVALID_RECORD', 'clients may not write control records')
  if (header.isTransactional) {
    throw new LogError('INVALID_TXN_STATE', 'no transaction is open: this broker has no transactions yet')
  }
  if (header.producerId >= 0n && header.baseSequence < 0) {
    throw new LogError('INVALID_RECORD', `sequence ${header.baseSequence} of producer ${header.producerId} is negative`)
  }
}

/** Checks that the counts of the header agree; `inspectRecords` checks that the records agree with them. */
function checkCounts(header: BatchHeader): void {
  if (header.recordsCount <= 0) {
    throw new LogError('INVALID_RECORD', `record count ${header.recordsCount} of the batch is not positive`)
  }
  if (header.lastOffsetDelta !== header.recordsCount - 1) {
    throw new LogError(
      'INVALID_RECORD',
      `last offset delta ${header.lastOffsetDelta} does not match ${header.recordsCount} records`,
    )
  }
}
