// The door of the wire format: what an event looks like in a record, and what its payload may hold.
export {
  type Catalogue,
  createCatalogue,
  findSchemasFolder,
  nearest,
  type PayloadSchemas,
  readSchemasFolder,
} from './catalogue.ts'
export { type Codec, createCodec, type Encoder } from './codec.ts'
export { createUuidGenerator } from './uuid.ts'
