// Protobuf as a schema format of the registry.
import {
  checkProtobufReader,
  describeProtobufProblem,
  type ProtobufIncompatibility,
} from '../compatibility/protobuf/index.ts'
import {
  checkFile,
  describeFile,
  importsFrom,
  isBase64,
  type LinkedFile,
  linkFile,
  normalizeProto,
  ownPath,
  ProtobufError,
  type ProtoFile,
  parseProto,
  printProto,
  readDescriptor,
  withoutExtensions,
} from '../protobuf/index.ts'
import type { SchemaReference } from '../types.ts'
import { sortReferences } from './references.ts'
import { InvalidSchemaError, type NamedReference, type ParsedSchema, type SchemaFormat } from './types.ts'

interface ProtobufParsedSchema extends ParsedSchema {
  readonly linked: LinkedFile
}

export const protobufFormat: SchemaFormat = {
  schemaType: 'PROTOBUF',
  parse(definition, references, lenient, named = references.map((one) => ({ ...one, references: [] }))) {
    const linked = link(definition.schema, textsOf(named), lenient)
    return parsedSchema(linked, linked.file, definition.references ?? [])
  },
}

/**
 * The texts by the paths that import them. A path is one file, as protoc has it: where several references have its name, the
 * one that is nearest to the schema, and of those as near the first.
 */
function textsOf(named: readonly NamedReference[]): ReadonlyMap<string, string> {
  const texts = new Map<string, string>()
  // Schemas that are named several times have one list, which is read once.
  const lists = new Set([named])
  for (const list of lists) {
    for (const { reference, schema, references } of list) {
      if (!texts.has(reference.name)) texts.set(reference.name, schema)
      lists.add(references)
    }
  }
  return texts
}

/** @param text a .proto file, or the base64 of a FileDescriptorProto */
function link(text: string, references: ReadonlyMap<string, string>, lenient: boolean): LinkedFile {
  try {
    const find = importsFrom(references)
    // A descriptor is written out first, so that everything of it is checked as a text is.
    const source = isBase64(text) ? printProto(readDescriptor(Buffer.from(text, 'base64'), find)) : text
    const linked = linkFile(ownPath, parseProto(source), find)
    if (!lenient) checkFile(linked)
    return linked
  } catch (error) {
    if (error instanceof ProtobufError) throw new InvalidSchemaError(error.message, { cause: error })
    throw error
  }
}

function parsedSchema(
  linked: LinkedFile,
  file: ProtoFile,
  references: readonly SchemaReference[],
): ProtobufParsedSchema {
  const canonical = printProto(file)
  return {
    schemaType: 'PROTOBUF',
    linked,
    references,
    canonical,
    resolved: canonical,
    normalize: () => parsedSchema(linked, normalizeProto(linked), sortReferences(references)),
    formatted(form) {
      if (form === 'serialized') return describeFile(linked, ownPath).toString('base64')
      return form === 'ignore_extensions' ? printProto(withoutExtensions(file)) : undefined
    },
    fields: fieldsOf(file),
    describe: (problem, reader, writer) => describeProtobufProblem(problem as ProtobufIncompatibility, reader, writer),
    problemsReading: (writer) => checkProtobufReader(linked, (writer as ProtobufParsedSchema).linked),
  }
}

/** Those of the first message, which is what a record holds unless its index says otherwise. */
function fieldsOf(file: ProtoFile): readonly string[] {
  const first = file.declarations.find((declared) => declared.kind === 'message')
  return (first?.members ?? []).flatMap((member) => {
    if (member.kind === 'field') return [member.name]
    return member.kind === 'oneof' ? member.fields.map(({ name }) => name) : []
  })
}
