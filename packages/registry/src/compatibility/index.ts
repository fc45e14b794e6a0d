// The exports of this folder: the rules for which schemas can read which data. Pure, no I/O. Those of JSON Schema and
// Protobuf are in json/ and protobuf/, which only their formats load.
export { AmbiguousAliasError, type AvroIncompatibility, checkAvroReader } from './avro.ts'
export {
  type Comparable,
  type Conflict,
  compatibilityLevels,
  findConflict,
  isCompatibilityLevel,
  type Versioned,
} from './levels.ts'
export { describeAvroProblem, type Side } from './messages.ts'
