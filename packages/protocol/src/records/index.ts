// Record batches.
export {
  type BatchAt,
  type BatchHeader,
  batchHeaderBytes,
  batchLengthOverhead,
  computeBatchCrc,
  iterateBatches,
  patchBaseOffset,
  patchLeaderEpoch,
  patchTimestamp,
  readBatchHeader,
  type TimestampType,
  verifyBatchCrc,
} from './batch.ts'
export type { CompressionType } from './compression-type.ts'
