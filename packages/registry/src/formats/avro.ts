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
import { type AvroIncompatibility, checkAvroReader, describeAvroProblem } from '../compatibility/index.ts'
import type { Incompatibility, SchemaReference } from '../types.ts'
import { sortReferences } from './references.ts'
import { InvalidSchemaError, type ParsedSchema, type SchemaFormat } from './types.ts'

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
    return parsedSchema(parse(definition.schema, types, lenient), definition.references ?? [], known)
  },
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
): AvroParsedSchema {
  return {
    schemaType: 'AVRO',
    avro,
    references,
    canonical: printAvro(avro, known),
    get resolved() {
      return printAvro(avro)
    },
    formatted: (form) => (form === 'resolved' ? printAvro(avro) : undefined),
    describe: (problem, reader, writer) => describeAvroProblem(problem as AvroIncompatibility, reader, writer),
    normalize: () => parsedSchema(normalizeAvro(avro), sortReferences(references), known),
    problemsReading: (writer): readonly Incompatibility[] => checkAvroReader(avro, (writer as AvroParsedSchema).avro),
  }
}
