// Apache Kafka's own message definitions, from its jars, in a form that can be compared with our declarations.
import { readFile } from 'node:fs/promises'
import type { Field, Fields, FieldType, Message } from '../src/codec/declaration.ts'
import { readZip } from './zip.ts'

interface JsonField {
  readonly name: string
  readonly type: string
  readonly versions: string
  readonly nullableVersions?: string
  readonly taggedVersions?: string
  readonly tag?: number
  readonly default?: string | number | boolean
  readonly ignorable?: boolean
  readonly flexibleVersions?: string
  readonly fields?: readonly JsonField[]
}

export interface JsonMessage {
  readonly apiKey?: number
  readonly name: string
  readonly validVersions: string
  readonly flexibleVersions: string
  readonly latestVersionUnstable?: boolean
  readonly fields: readonly JsonField[]
  readonly commonStructs?: readonly { readonly name: string; readonly fields: readonly JsonField[] }[]
}

/** All definitions in Kafka's jars, by message name. */
export async function readKafkaDefinitions(jars: readonly string[]): Promise<Map<string, JsonMessage>> {
  const definitions = new Map<string, JsonMessage>()
  for (const jar of jars) {
    for (const [name, content] of readZip(await readFile(jar), 'common/message/')) {
      if (!name.endsWith('.json')) continue
      const definition = JSON.parse(withoutComments(content.toString('utf8'))) as JsonMessage
      definitions.set(definition.name, definition)
    }
  }
  return definitions
}

/** Kafka's files are JSON with `//` comments, some of them at the end of a line. */
function withoutComments(text: string): string {
  return text.replaceAll(/("(?:[^"\\]|\\.)*")|\/\/.*$/gm, (_match, quoted: string | undefined) => quoted ?? '')
}

/** A field as both sides can say it; fields are listed in wire order. */
interface Shape {
  readonly name: string
  readonly type: string
  readonly versions: string
  readonly nullable: string
  readonly tag: number | null
  readonly default: string
  readonly ignorable: boolean
  readonly flexible: string
  readonly fields: readonly Shape[]
}

export interface MessageShape {
  readonly name: string
  readonly versions: string
  readonly flexible: string
  readonly fields: readonly Shape[]
}

export function shapeOfKafka(message: JsonMessage): MessageShape {
  const structs = new Map(message.commonStructs?.map(({ name, fields }) => [name, fields]))
  const shape = (field: JsonField): Shape => {
    const element = field.type.replace(/^\[\]/, '')
    const isList = element !== field.type
    const isStruct = /^[A-Z]/.test(element)
    if (field.taggedVersions !== undefined && field.taggedVersions !== field.versions) {
      throw new Error(`${message.name}.${field.name} is tagged in some of its versions only, which we cannot declare`)
    }
    return {
      name: field.name[0]!.toLowerCase() + field.name.slice(1),
      type: (isList ? '[]' : '') + (isStruct ? 'struct' : element),
      versions: field.versions,
      nullable: field.nullableVersions ?? 'none',
      tag: field.tag ?? null,
      default: jsonDefault(field, isList || isStruct),
      ignorable: field.ignorable ?? false,
      flexible: field.flexibleVersions ?? 'as the message',
      fields: isStruct ? (field.fields ?? structs.get(element)!).map(shape) : [],
    }
  }
  return {
    name: message.name,
    versions: message.validVersions,
    flexible: message.flexibleVersions,
    fields: message.fields.map(shape),
  }
}

function jsonDefault(field: JsonField, isComposite: boolean): string {
  if (field.default === undefined) return 'empty'
  const text = String(field.default)
  if (text === 'null' || isComposite) return text
  if (field.type === 'string') return text === '' ? 'empty' : JSON.stringify(text)
  if (field.type === 'bool') return text === 'true' ? 'true' : 'empty'
  return BigInt(text) === 0n ? 'empty' : String(BigInt(text))
}

export function shapeOfOurs(message: Message): MessageShape {
  return {
    name: message.name,
    versions: message.versions,
    flexible: message.flexible,
    fields: shapesOf(message.fields),
  }
}

function shapesOf(fields: Fields): Shape[] {
  return Object.entries(fields).map(([name, field]) => ({
    name,
    type: typeName(field.type),
    versions: field.versions,
    nullable: field.nullable ?? 'none',
    tag: field.tag ?? null,
    default: ourDefault(field),
    ignorable: field.ignorable ?? false,
    flexible: field.flexible ?? 'as the message',
    fields: structFields(field.type),
  }))
}

function typeName(type: FieldType): string {
  if (typeof type === 'string') return type
  return type.kind === 'array' ? `[]${typeName(type.element)}` : 'struct'
}

function structFields(type: FieldType): readonly Shape[] {
  if (typeof type === 'string') return []
  return type.kind === 'array' ? structFields(type.element) : shapesOf(type.fields)
}

function ourDefault(field: Field): string {
  if (field.default === undefined) return 'empty'
  return typeof field.default === 'string' ? JSON.stringify(field.default) : String(field.default)
}
