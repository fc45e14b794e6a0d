// The package's public exports.
export { deadLetterHeaders, deadLetterTopic } from './dead-letter-names.ts'
export {
  EmitError,
  EmitManyError,
  EventSchemaError,
  EventsClosedError,
  EventsConfigError,
  EventsConnectionError,
  EventsError,
  EventValidationError,
  PermanentError,
  RetryLater,
  TopicDeniedError,
  UndecodableEventError,
  UnknownEventError,
  type ValidationProblem,
} from './errors.ts'
export { connectEvents } from './stream.ts'
export type * from './types.ts'
export {
  type Codec,
  createCodec,
  type DecodedValue,
  type Encoder,
  type RecordEncoder,
  type RecordValue,
} from './wire/index.ts'
