// Turns a declaration at one version into a function that reads it: all questions about versions are answered here, once.
import { ProtocolError, within } from '../protocol-error.ts'
import type { Field, Fields, FieldType, Message, PrimitiveType } from './declaration.ts'
import { defaultOf, hasSharedDefault } from './defaults.ts'
import type { Reader } from './reader.ts'
import { includes } from './versions.ts'

export type Read = (reader: Reader) => unknown

interface Compiled {
  readonly read: Read
  /** Fewest bytes that a value takes; bounds how many elements a list can have in the bytes that remain. */
  readonly minBytes: number
}

type StructValue = Record<string, unknown>

export function compileReader(message: Message, version: number): (reader: Reader) => unknown {
  const { read } = compileStruct(message.fields, version, includes(message.flexible, version))
  return (reader) => {
    try {
      return read(reader)
    } catch (error) {
      throw within(error, `${message.name} v${version}:`)
    }
  }
}

function compileStruct(fields: Fields, version: number, flexible: boolean): Compiled {
  const template: StructValue = {}
  const fresh: { name: string; value: () => unknown }[] = []
  const present: { name: string; read: Read }[] = []
  const tagged = new Map<number, { name: string; read: Read }>()
  let minBytes = flexible ? 1 : 0

  for (const [name, field] of Object.entries(fields)) {
    const inVersion = includes(field.versions, version)
    template[name] = defaultOf(field)()
    if ((!inVersion || field.tag !== undefined) && !hasSharedDefault(field))
      fresh.push({ name, value: defaultOf(field) })
    if (!inVersion) continue
    const compiled = compileField(field, version, flexible)
    if (field.tag !== undefined) {
      tagged.set(field.tag, { name, read: compiled.read })
    } else {
      present.push({ name, read: compiled.read })
      minBytes += compiled.minBytes
    }
  }

  const names = present.map(({ name }) => name)
  const reads = present.map(({ read }) => read)
  const read = (reader: Reader): StructValue => {
    const value = { ...template }
    let index = 0
    try {
      for (; index < reads.length; index++) value[names[index]!] = reads[index]!(reader)
    } catch (error) {
      throw within(error, names[index]!)
    }
    for (const { name, value: make } of fresh) value[name] = make()
    if (flexible) readTagged(reader, tagged, value)
    return value
  }
  return { read, minBytes }
}

/** Tagged fields (KIP-482): their count, then tag, size and value of each. Unknown tags are skipped. */
function readTagged(
  reader: Reader,
  known: ReadonlyMap<number, { readonly name: string; readonly read: Read }>,
  into: StructValue,
): void {
  const count = reader.unsignedVarint()
  for (let n = 0; n < count; n++) {
    const tag = reader.unsignedVarint()
    const size = reader.unsignedVarint()
    const start = reader.take(size)
    const field = known.get(tag)
    if (field === undefined) continue
    const { end, position } = reader
    reader.position = start
    reader.end = position
    try {
      into[field.name] = field.read(reader)
      if (reader.position !== position) {
        throw new ProtocolError('MALFORMED', `tagged field of ${size} bytes holds ${reader.position - start}`)
      }
    } catch (error) {
      throw within(error, field.name)
    }
    reader.end = end
  }
}

function compileField(field: Field, version: number, flexible: boolean): Compiled {
  const compact = flexible && field.flexible !== 'none'
  const nullable = includes(field.nullable, version)
  return compileType(field.type, version, flexible, compact, nullable)
}

function compileType(
  type: FieldType,
  version: number,
  flexible: boolean,
  compact: boolean,
  nullable: boolean,
): Compiled {
  if (typeof type === 'string') return compilePrimitive(type, compact, nullable)
  if (type.kind === 'array') {
    const element =
      typeof type.element === 'string'
        ? compilePrimitive(type.element, compact, false)
        : compileStruct(type.element.fields, version, flexible)
    return compileArray(element, compact, nullable)
  }
  const { read, minBytes } = compileStruct(type.fields, version, flexible)
  if (!nullable) return { read, minBytes }
  return { read: (reader) => (reader.int8() < 0 ? null : read(reader)), minBytes: 1 }
}

function compileArray(element: Compiled, compact: boolean, nullable: boolean): Compiled {
  const minBytes = Math.max(1, element.minBytes)
  const readElement = element.read
  const read = (reader: Reader): unknown => {
    const count = compact ? reader.unsignedVarint() - 1 : reader.int32()
    if (count < 0) return nullOr(count, nullable, 'list')
    // Before anything is allocated: a list of n elements cannot be in fewer bytes than n times the smallest one.
    if (count * minBytes > reader.remaining) {
      throw new ProtocolError('TRUNCATED', `list of ${count} elements in ${reader.remaining} bytes`)
    }
    const list: unknown[] = []
    let index = 0
    try {
      for (; index < count; index++) list.push(readElement(reader))
    } catch (error) {
      throw within(error, `[${index}]`)
    }
    return list
  }
  return { read, minBytes: compact ? 1 : 4 }
}

function nullOr(length: number, nullable: boolean, what: string): null {
  if (length !== -1) throw new ProtocolError('MALFORMED', `${what} with negative length ${length}`)
  if (!nullable) throw new ProtocolError('MALFORMED', `${what} must not be null`)
  return null
}

function compilePrimitive(type: PrimitiveType, compact: boolean, nullable: boolean): Compiled {
  switch (type) {
    case 'bool':
      return { read: (reader) => reader.bool(), minBytes: 1 }
    case 'int8':
      return { read: (reader) => reader.int8(), minBytes: 1 }
    case 'int16':
      return { read: (reader) => reader.int16(), minBytes: 2 }
    case 'uint16':
      return { read: (reader) => reader.uint16(), minBytes: 2 }
    case 'int32':
      return { read: (reader) => reader.int32(), minBytes: 4 }
    case 'uint32':
      return { read: (reader) => reader.uint32(), minBytes: 4 }
    case 'int64':
      return { read: (reader) => reader.int64(), minBytes: 8 }
    case 'float64':
      return { read: (reader) => reader.float64(), minBytes: 8 }
    case 'uuid':
      return { read: (reader) => reader.uuid(), minBytes: 16 }
    case 'string': {
      const read = (reader: Reader): string | null => {
        const size = compact ? reader.unsignedVarint() - 1 : reader.int16()
        return size < 0 ? nullOr(size, nullable, 'string') : reader.text(size)
      }
      return { read, minBytes: compact ? 1 : 2 }
    }
    case 'bytes':
    case 'records': {
      const read = (reader: Reader): Buffer | null => {
        const size = compact ? reader.unsignedVarint() - 1 : reader.int32()
        return size < 0 ? nullOr(size, nullable, type) : reader.view(size)
      }
      return { read, minBytes: compact ? 1 : 4 }
    }
    default:
      return type satisfies never
  }
}
