// The exports of this folder: which Protobuf schemas can read which records.
export { checkProtobufReader, type ProtobufIncompatibility } from './check.ts'
export { describeProtobufProblem } from './messages.ts'
