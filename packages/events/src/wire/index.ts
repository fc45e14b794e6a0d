// The exports of `wire/` for the rest of the package: the encoding of events and records, and the validation of payloads.
export { type Catalogue, createCatalogue, type PayloadSchemas } from './catalogue.ts'
export {
  type Codec,
  createCodec,
  type DecodedValue,
  type Encoder,
  type RecordEncoder,
  type RecordValue,
} from './codec.ts'
export type { PayloadIds, PayloadVersions } from './payload-versions.ts'
export { createUuidGenerator } from './uuid.ts'
