// Avro as a schema format of the registry.
import {
  type AvroSchema,
  AvroSchemaError,
  isNamed,
  type NamedTypes,
  normalizeAvro,
  parseAvro,
  printAvro,
} from '../avro/index.ts'
import { type AvroEntity, avroEntities, rewriteTags } from '../avro/tags.ts'
import { type AvroIncompatibility, checkAvroReader, describeAvroProblem } from '../compatibility/index.ts'
import type { Incompatibility, SchemaReference } from '../types.ts'
import { sortReferences } from './references.ts'
import { changedTags } from './tags.ts'
import { InvalidSchemaError, type ParsedSchema, type SchemaFormat, type TaggedEntity } from './types.ts'

interface AvroParsedSchema extends ParsedSchema {
  readonly avro: AvroSchema
}

export const avroFormat: SchemaFormat = {
  schemaType: 'AVRO',
  parse(definition, references, lenient) {
    const types: NamedTypes = new Map()
    // Only the types that referenced schemas are, not those inside them, are left out of the canonical text.
    const known: string[] = []
    for (const { schema } of references) {
      const parsed = parse(schema, types, true)
      if (isNamed(parsed)) known.push(parsed.name.full)
    }
    const avro = parse(definition.schema, types, lenient)
    return parsedSchema(avro, definition.references ?? [], known, (schema) =>
      avroFormat.parse({ ...definition, schema }, references, lenient),
    )
  },
}

function taggedEntity({ path, isField, tags }: AvroEntity): TaggedEntity {
  return { path, type: isField ? 'sr_field' : 'sr_record', tags }
}

function parse(text: string, types: NamedTypes, lenient: boolean): AvroSchema {
  try {
    return parseAvro(text, { types, lenient })
  } catch (error) {
    if (error instanceof AvroSchemaError) throw new InvalidSchemaError(error.message, { cause: error })
    throw error
  }
}

function parsedSchema(
  avro: AvroSchema,
  references: readonly SchemaReference[],
  known: readonly string[],
  parseAgain: (text: string) => ParsedSchema,
): AvroParsedSchema {
  const canonical = printAvro(avro, known)
  return {
    schemaType: 'AVRO',
    avro,
    references,
    canonical,
    get resolved() {
      return printAvro(avro)
    },
    formatted: (form) => (form === 'resolved' ? printAvro(avro) : undefined),
    describe: (problem, reader, writer) => describeAvroProblem(problem as AvroIncompatibility, reader, writer),
    normalize: () => parsedSchema(normalizeAvro(avro), sortReferences(references), known, parseAgain),
    fields: avro.type === 'record' ? avro.fields.map(({ name }) => name) : [],
    get tags() {
      return avroEntities(canonical).map(taggedEntity)
    },
    withTags(add, remove) {
      const tagsOf = changedTags(avroEntities(canonical).map(taggedEntity), add, remove)
      return parseAgain(rewriteTags(canonical, (entity) => tagsOf(taggedEntity(entity))))
    },
    problemsReading: (writer): readonly Incompatibility[] => checkAvroReader(avro, (writer as AvroParsedSchema).avro),
  }
}
