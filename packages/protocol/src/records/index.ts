// Record batches.
export { crc32c } from '../native.ts'
export {
  type BatchAt,
  type BatchHeader,
  batchHeaderBytes,
  batchLengthOverhead,
  computeBatchCrc,
  iterateBatches,
  type ProducerStamp,
  patchBaseOffset,
  patchLeaderEpoch,
  patchProducer,
  patchTimestamp,
  readBatchHeader,
  type TimestampType,
  verifyBatchCrc,
} from './batch.ts'
export {
  type BatchBuilder,
  type CompressedRecords,
  createBatchBuilder,
  type EncodedHeaders,
  encodeHeaders,
  noHeaders,
} from './builder.ts'
export { type ControlType, readControlKey } from './control.ts'
export { type DecodeOptions, decodePayload, decodeRecords } from './decode.ts'
export { type BatchOptions, encodeBatch, type RecordInput } from './encode.ts'
export type { KafkaRecord, RecordHeader } from './record.ts'
export {
  type RecordRules,
  type RecordsSurvey,
  type RecordsWalk,
  type RecordViolation,
  smallestRecordBytes,
  surveyRecords,
  walkRecords,
} from './survey.ts'
