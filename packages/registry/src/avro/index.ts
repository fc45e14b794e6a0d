// The exports of this folder: parses Avro schemas and prints their canonical text.
export { normalizeAvro } from './normalize.ts'
export { AvroSchemaError, type NamedTypes, parseAvro } from './parse.ts'
export { printAvro } from './print.ts'
export {
  type AvroSchema,
  aliasNames,
  type EnumSchema,
  type FixedSchema,
  isNamed,
  type NamedSchema,
  type RecordField,
  type RecordSchema,
} from './schema.ts'
