// The door of the wire format: what an event looks like in a record, and what its payload may hold.
export { type Catalogue, createCatalogue, type PayloadSchemas } from './catalogue.ts'
export {
  type Codec,
  createCodec,
  type DecodedValue,
  type Encoder,
  type RecordEncoder,
  type RecordValue,
} from './codec.ts'
export { createUuidGenerator } from './uuid.ts'
