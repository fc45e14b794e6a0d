// Turns a declaration at one version into a function that writes it.
import { asInvalidValue, ProtocolError, within } from '../protocol-error.ts'
import type { Field, Fields, FieldType, Message, PrimitiveType } from './declaration.ts'
import { defaultOf, isDefault } from './defaults.ts'
import { includes } from './versions.ts'
import type { Writer } from './writer.ts'

export type Write = (writer: Writer, value: unknown) => void

type StructValue = Readonly<Record<string, unknown>>

interface NamedField {
  readonly name: string
  readonly field: Field
}

export function compileWriter(message: Message, version: number): Write {
  const write = compileStruct(message.fields, version, includes(message.flexible, version))
  return (writer, value) => {
    try {
      write(writer, value)
    } catch (error) {
      throw within(error, `${message.name} v${version}:`)
    }
  }
}

function compileStruct(fields: Fields, version: number, flexible: boolean): Write {
  const present: (NamedField & { readonly write: Write; readonly whenAbsent: () => unknown })[] = []
  const tagged: (NamedField & { readonly tag: number; readonly write: Write })[] = []
  const forbidden: NamedField[] = []

  for (const [name, field] of Object.entries(fields)) {
    if (!includes(field.versions, version)) {
      if (field.ignorable !== true) forbidden.push({ name, field })
      continue
    }
    const write = compileField(field, version, flexible)
    if (field.tag !== undefined) tagged.push({ name, field, tag: field.tag, write })
    else present.push({ name, field, write, whenAbsent: defaultOf(field) })
  }
  tagged.sort((a, b) => a.tag - b.tag)

  return (writer, value) => {
    if (typeof value !== 'object' || value === null) throw new ProtocolError('INVALID_VALUE', 'must be an object')
    const from = value as StructValue
    for (const { name, field } of forbidden) {
      if (!isDefault(field, from[name])) {
        throw within(new ProtocolError('UNSUPPORTED_VERSION', `version ${version} cannot carry it`), name)
      }
    }
    let index = 0
    try {
      for (; index < present.length; index++) {
        const { name, write, whenAbsent } = present[index]!
        const given = from[name]
        write(writer, given === undefined ? whenAbsent() : given)
      }
    } catch (error) {
      throw within(asInvalidValue(error), present[index]!.name)
    }
    if (flexible) writeTagged(writer, tagged, from)
  }
}

/** Tagged fields (KIP-482): only those that differ from their default, in the order of their tags. */
function writeTagged(
  writer: Writer,
  tagged: readonly (NamedField & { readonly tag: number; readonly write: Write })[],
  from: StructValue,
): void {
  const given = tagged.filter(({ name, field }) => !isDefault(field, from[name]))
  writer.unsignedVarint(given.length)
  for (const { name, tag, write } of given) {
    writer.unsignedVarint(tag)
    try {
      writer.sized(() => write(writer, from[name]))
    } catch (error) {
      throw within(asInvalidValue(error), name)
    }
  }
}

function compileField(field: Field, version: number, flexible: boolean): Write {
  const compact = flexible && field.flexible !== 'none'
  return compileType(field.type, version, flexible, compact, includes(field.nullable, version))
}

function compileType(type: FieldType, version: number, flexible: boolean, compact: boolean, nullable: boolean): Write {
  if (typeof type === 'string') return compilePrimitive(type, compact, nullable)
  if (type.kind === 'array') {
    const element =
      typeof type.element === 'string'
        ? compilePrimitive(type.element, compact, false)
        : compileStruct(type.element.fields, version, flexible)
    return compileArray(element, compact, nullable)
  }
  const write = compileStruct(type.fields, version, flexible)
  if (!nullable) return write
  return (writer, value) => {
    writer.int8(value === null ? -1 : 1)
    if (value !== null) write(writer, value)
  }
}

function compileArray(writeElement: Write, compact: boolean, nullable: boolean): Write {
  return (writer, value) => {
    if (value === null) {
      writeNull(writer, compact, nullable, 4)
      return
    }
    if (!Array.isArray(value)) throw new ProtocolError('INVALID_VALUE', 'must be a list')
    if (compact) writer.unsignedVarint(value.length + 1)
    else writer.int32(value.length)
    let index = 0
    try {
      for (; index < value.length; index++) writeElement(writer, value[index])
    } catch (error) {
      throw within(asInvalidValue(error), `[${index}]`)
    }
  }
}

function writeNull(writer: Writer, compact: boolean, nullable: boolean, lengthBytes: 2 | 4): void {
  if (!nullable) throw new ProtocolError('INVALID_VALUE', 'must not be null in this version')
  if (compact) writer.unsignedVarint(0)
  else if (lengthBytes === 2) writer.int16(-1)
  else writer.int32(-1)
}

function compilePrimitive(type: PrimitiveType, compact: boolean, nullable: boolean): Write {
  switch (type) {
    case 'bool':
      return (writer, value) => writer.bool(expectType(value, 'boolean') as boolean)
    case 'int8':
      return (writer, value) => writer.int8(expectInteger(value))
    case 'int16':
      return (writer, value) => writer.int16(expectInteger(value))
    case 'uint16':
      return (writer, value) => writer.uint16(expectInteger(value))
    case 'int32':
      return (writer, value) => writer.int32(expectInteger(value))
    case 'uint32':
      return (writer, value) => writer.uint32(expectInteger(value))
    case 'int64':
      return (writer, value) => writer.int64(expectType(value, 'bigint') as bigint)
    case 'float64':
      return (writer, value) => writer.float64(expectType(value, 'number') as number)
    case 'uuid':
      return (writer, value) => writer.uuid(expectType(value, 'string') as string)
    case 'string':
      return (writer, value) => {
        if (value === null) writeNull(writer, compact, nullable, 2)
        else writer.text(expectType(value, 'string') as string, compact)
      }
    case 'bytes':
    case 'records':
      return (writer, value) => {
        if (value === null) writeNull(writer, compact, nullable, 4)
        else writeBytes(writer, value, compact, type === 'records')
      }
    default:
      return type satisfies never
  }
}

function writeBytes(writer: Writer, value: unknown, compact: boolean, passThrough: boolean): void {
  const parts: readonly unknown[] = Array.isArray(value) ? value : [value]
  let size = 0
  for (const part of parts) {
    if (!Buffer.isBuffer(part)) throw new ProtocolError('INVALID_VALUE', 'must be a Buffer')
    size += part.length
  }
  if (compact) writer.unsignedVarint(size + 1)
  else writer.int32(size)
  for (const part of parts) {
    if (passThrough) writer.passThrough(part as Buffer)
    else writer.raw(part as Buffer)
  }
}

function expectType(value: unknown, type: 'boolean' | 'number' | 'bigint' | 'string'): unknown {
  if (typeof value !== type) throw new ProtocolError('INVALID_VALUE', `must be a ${type}, it is ${describe(value)}`)
  return value
}

function expectInteger(value: unknown): number {
  if (!Number.isInteger(value)) throw new ProtocolError('INVALID_VALUE', `must be an integer, it is ${describe(value)}`)
  return value as number
}

function describe(value: unknown): string {
  return value === null ? 'null' : typeof value
}
