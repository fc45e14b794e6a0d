// The exports of this folder: the schema formats of the registry, by type.
import type { SchemaType } from '../types.ts'
import { avroFormat } from './avro.ts'
import { jsonFormat } from './json.ts'
import { protobufFormat } from './protobuf.ts'
import type { SchemaFormat } from './types.ts'

export {
  InvalidSchemaError,
  type NamedReference,
  type ParsedSchema,
  type ResolvedReference,
  type SchemaFormat,
  type TaggedEntity,
} from './types.ts'

const formats = new Map<SchemaType, SchemaFormat>([
  ['JSON', jsonFormat],
  ['PROTOBUF', protobufFormat],
  ['AVRO', avroFormat],
])

export const supportedSchemaTypes: readonly SchemaType[] = [...formats.keys()]

export function formatOf(schemaType: string): SchemaFormat | undefined {
  return formats.get(schemaType as SchemaType)
}
