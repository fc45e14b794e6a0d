// From a google.protobuf.FileDescriptorProto, which clients register in base64, to a .proto file.
import { decodeMessage, enumName, type MessageValue, type Value, WireError } from './codec.ts'
import { isMessageSet, messagesOf } from './descriptor.ts'
import { closureOf, descriptorPath, knownFile, type LinkedFile, linkFile, ownPath } from './link.ts'
import {
  type Enum,
  type Extend,
  type Field,
  type Import,
  isEdition,
  isScalar,
  type LiteralField,
  type Member,
  type Message,
  type NumberRange,
  type Oneof,
  type Option,
  type OptionValue,
  type Position,
  ProtobufError,
  type ProtoFile,
  type Reserved,
  type Service,
  type Syntax,
  type scalarTypes,
  type TypeUse,
} from './model.ts'
import { maxFieldNumber } from './parse-ranges.ts'

const at: Position = { line: 1, column: 1 }

/** Scalars by google.protobuf.FieldDescriptorProto.Type. */
const typeNames: Readonly<Record<number, (typeof scalarTypes)[number]>> = {
  1: 'double',
  2: 'float',
  3: 'int64',
  4: 'uint64',
  5: 'int32',
  6: 'fixed64',
  7: 'fixed32',
  8: 'bool',
  9: 'string',
  12: 'bytes',
  13: 'uint32',
  15: 'sfixed32',
  16: 'sfixed64',
  17: 'sint32',
  18: 'sint64',
}
const groupType = 10
const labels = { 1: 'optional', 2: 'required', 3: 'repeated' } as const
const visibilities = { 1: 'local', 2: 'export' } as const

/**
 * @param bytes a FileDescriptorProto
 * @param find the files that it imports
 * @returns the file; names of types are written in full, with a leading dot
 * @throws {ProtobufError}
 */
export function readDescriptor(bytes: Buffer, find: (path: string) => LinkedFile | undefined): ProtoFile {
  try {
    // The extensions that its options use are declared in it, or in what it imports: found in a first reading.
    const plain = new DescriptorReader().file(decode(bytes))
    const linked = linkFile(ownPath, plain, find)
    const extensions = extensionsOf(linked)
    if (extensions.size === 0) return plain
    const value = decode(bytes, (extendee, number) => extensions.get(`${extendee.fullName} ${number}`))
    return new DescriptorReader().file(value)
  } catch (error) {
    if (error instanceof WireError)
      throw new ProtobufError(`The schema is not a FileDescriptorProto: ${error.message}.`)
    if (error instanceof ProtobufError) throw new ProtobufError(error.problem)
    throw error
  }
}

function decode(bytes: Buffer, extensions?: (extendee: Message, number: number) => Field | undefined): MessageValue {
  const type = messagesOf(knownFile(descriptorPath)!).get('FileDescriptorProto')!
  return decodeMessage(type, bytes, extensions)
}

function extensionsOf(linked: LinkedFile): ReadonlyMap<string, Field> {
  const found = new Map<string, Field>()
  for (const file of closureOf(linked)) {
    for (const { extension } of file.symbols.values()) {
      const extendee = extension?.extension?.extendee
      if (extension && extendee) found.set(`${extendee.fullName} ${extension.number}`, extension)
    }
  }
  return found
}

/** A message of the descriptor with its fields by name. */
class Part {
  readonly #fields: ReadonlyMap<string, Value | Value[]>
  readonly value: MessageValue

  constructor(value: MessageValue) {
    this.value = value
    this.#fields = new Map([...value].map(([field, one]) => [field.name, one]))
  }

  text(name: string): string {
    const value = this.#fields.get(name)
    return typeof value === 'string' ? value : ''
  }

  has(name: string): boolean {
    return this.#fields.has(name)
  }

  number(name: string): number {
    const value = this.#fields.get(name)
    return typeof value === 'number' ? value : 0
  }

  flag(name: string): boolean {
    return this.#fields.get(name) === true
  }

  list(name: string): readonly Value[] {
    const value = this.#fields.get(name)
    return Array.isArray(value) ? value : []
  }

  part(name: string): Part | undefined {
    const value = this.#fields.get(name)
    return value instanceof Map ? new Part(value) : undefined
  }

  parts(name: string): readonly Part[] {
    return this.list(name).flatMap((one) => (one instanceof Map ? new Part(one) : []))
  }
}

class DescriptorReader {
  #syntax: Syntax = 'proto2'

  file(value: MessageValue): ProtoFile {
    const file = new Part(value)
    this.#syntax = syntaxOf(file)
    const [publics, weaks] = [file.list('public_dependency'), file.list('weak_dependency')]
    const imports: Import[] = file.list('dependency').map((path, index) => {
      const kind = publics.includes(index) ? 'public' : weaks.includes(index) ? 'weak' : undefined
      return { path: String(path), kind, at }
    })
    for (const path of file.list('option_dependency')) imports.push({ path: String(path), kind: 'option', at })
    const groups = groupNames(file.parts('extension'))
    const nested = file.parts('message_type')
    return {
      syntax: this.#syntax,
      hasSyntax: file.has('syntax'),
      package: file.text('package'),
      packageAt: at,
      imports,
      options: this.#options(file),
      declarations: inOrder(
        [
          ...nested.filter((one) => !groups.has(one.text('name'))).map((one) => this.#message(one)),
          ...file.parts('enum_type').map((one) => this.#enum(one)),
          ...this.#extends(file.parts('extension'), nested),
          ...file.parts('service').map((one) => this.#service(one)),
        ],
        nested.map((one) => one.text('name')),
      ),
    }
  }

  #options(part: Part): Option[] {
    const options = part.part('options')
    return options ? optionsOf(options.value) : []
  }

  #message(part: Part): Message {
    const nested = part.parts('nested_type')
    const entries = new Map(
      nested.filter((one) => one.part('options')?.flag('map_entry')).map((one) => [one.text('name'), one]),
    )
    const groups = groupNames([...part.parts('field'), ...part.parts('extension')])
    const name = part.text('name')
    const options = this.#options(part)
    const base = { kind: 'message', name, members: [], options, visibility: undefined, at, fullName: name } as const
    const max = isMessageSet(base) ? 0x7fffffff : maxFieldNumber + 1
    return {
      ...base,
      visibility: visibilities[part.number('visibility') as 1 | 2],
      members: inOrder(
        [
          ...this.#fieldsAndOneofs(part, nested, entries),
          ...part.parts('extension_range').map((range) => ({
            kind: 'extensions' as const,
            ranges: [inclusive(range, max)],
            options: this.#options(range),
            at,
          })),
          ...reservedOf(part, (range) => inclusive(range, maxFieldNumber + 1)),
          ...nested
            .filter((one) => !entries.has(one.text('name')) && !groups.has(one.text('name')))
            .map((one) => this.#message(one)),
          ...part.parts('enum_type').map((one) => this.#enum(one)),
          ...this.#extends(part.parts('extension'), nested),
        ],
        nested.map((one) => one.text('name')),
      ),
    }
  }

  #fieldsAndOneofs(part: Part, nested: readonly Part[], entries: ReadonlyMap<string, Part>): (Field | Oneof)[] {
    const members: (Field | Oneof)[] = []
    const oneofs = part.parts('oneof_decl')
    const open = new Map<number, { oneof: Oneof; fields: Field[] }>()
    for (const one of part.parts('field')) {
      const field = this.#field(one, nested, entries)
      const index = one.has('oneof_index') && !one.flag('proto3_optional') ? one.number('oneof_index') : undefined
      if (index === undefined) {
        members.push(field)
        continue
      }
      let group = open.get(index)
      if (!group) {
        const declared = oneofs[index]
        if (!declared) throw new ProtobufError(`Field "${field.name}" is in a oneof that is not declared.`)
        const fields: Field[] = []
        const oneof: Oneof = {
          kind: 'oneof',
          name: declared.text('name'),
          fields,
          options: this.#options(declared),
          at,
        }
        group = { oneof, fields }
        open.set(index, group)
        members.push(oneof)
      }
      group.fields.push({ ...field, label: undefined })
    }
    return members
  }

  #field(part: Part, nested: readonly Part[], entries: ReadonlyMap<string, Part>): Field {
    const name = part.text('name')
    const typeName = part.text('type_name')
    const ownName = typeName.slice(typeName.lastIndexOf('.') + 1)
    const entry = part.number('label') === 3 ? entries.get(ownName) : undefined
    const options = [...this.#pseudoOptions(part), ...this.#options(part)]
    const number = part.number('number')
    const base = {
      kind: 'field',
      name,
      number,
      options,
      at,
      numberAt: at,
      mapKey: undefined,
      group: undefined,
    } as const
    if (entry) {
      const [key, value] = [1, 2].map((wanted) => entry.parts('field').find((one) => one.number('number') === wanted))
      if (!key || !value) throw new ProtobufError(`The map entry ${ownName} has no key and value.`)
      return { ...base, label: undefined, type: typeOf(value), mapKey: typeOf(key) }
    }
    const label = this.#label(part)
    const group = part.number('type') === groupType ? nested.find((one) => one.text('name') === ownName) : undefined
    if (group) return { ...base, label, type: { name: ownName, at }, group: this.#message(group) }
    return { ...base, label, type: typeOf(part) }
  }

  /** Fields have the label `optional` in descriptors also where none is written. */
  #label(part: Part): Field['label'] {
    const label = labels[part.number('label') as 1 | 2 | 3]
    if (label === 'repeated') return label
    if (isEdition(this.#syntax)) return undefined
    if (this.#syntax === 'proto3') return part.flag('proto3_optional') ? 'optional' : undefined
    return label ?? 'optional'
  }

  #pseudoOptions(part: Part): Option[] {
    const options: Option[] = []
    const add = (text: string, value: OptionValue): void => {
      options.push({ name: [{ text, extension: false }], value, at })
    }
    if (part.has('default_value')) add('default', defaultOf(part))
    const name = part.text('name')
    const usual = name.replace(/_+(.?)/g, (_, letter: string) => letter.toUpperCase())
    if (part.has('json_name') && part.text('json_name') !== usual && !part.has('extendee')) {
      add('json_name', { kind: 'string', bytes: Buffer.from(part.text('json_name')), at })
    }
    return options
  }

  #extends(extensions: readonly Part[], nested: readonly Part[]): Extend[] {
    const found: (Extend & { fields: Field[] })[] = []
    for (const one of extensions) {
      const extendee = one.text('extendee')
      const field = this.#field(one, nested, new Map())
      const last = found.at(-1)
      if (last?.extendee.name === extendee) last.fields.push(field)
      else found.push({ kind: 'extend', extendee: { name: extendee, at }, fields: [field], at })
    }
    return found
  }

  #enum(part: Part): Enum {
    const name = part.text('name')
    return {
      kind: 'enum',
      name,
      values: part.parts('value').map((one) => ({
        name: one.text('name'),
        number: one.number('number'),
        options: this.#options(one),
        at,
        numberAt: at,
      })),
      reserved: reservedOf(part, (range) => ({ from: range.number('start'), to: range.number('end'), at })),
      options: this.#options(part),
      visibility: visibilities[part.number('visibility') as 1 | 2],
      at,
      fullName: name,
    }
  }

  #service(part: Part): Service {
    return {
      kind: 'service',
      name: part.text('name'),
      methods: part.parts('method').map((one) => ({
        name: one.text('name'),
        input: { name: one.text('input_type'), at },
        inputStream: one.flag('client_streaming'),
        output: { name: one.text('output_type'), at },
        outputStream: one.flag('server_streaming'),
        options: this.#options(one),
        at,
      })),
      options: this.#options(part),
      at,
    }
  }
}

/**
 * Where there are groups, what brings messages comes in the order of those: written records name a message by its place.
 * @param order the names of the messages
 */
function inOrder<Part extends Member | Service>(parts: readonly Part[], order: readonly string[]): Part[] {
  const brought = (part: Part): readonly string[] => {
    if (part.kind === 'message') return [part.name]
    if (part.kind === 'field') return part.group ? [part.group.name] : []
    const fields = part.kind === 'oneof' || part.kind === 'extend' ? part.fields : []
    return fields.flatMap(({ group }) => group?.name ?? [])
  }
  const places = new Map(order.map((name, index) => [name, index]))
  const placed = parts.map((part) => ({ part, names: brought(part) }))
  if (placed.every(({ part, names }) => part.kind === 'message' || names.length === 0)) return [...parts]
  const first = placed.filter(({ names }) => names.length > 0)
  const placeOf = (names: readonly string[]): number => Math.min(...names.map((name) => places.get(name) ?? 0))
  return [
    ...first.toSorted((a, b) => placeOf(a.names) - placeOf(b.names)).map(({ part }) => part),
    ...placed.filter(({ names }) => names.length === 0).map(({ part }) => part),
  ]
}

function syntaxOf(file: Part): Syntax {
  const text = file.text('syntax')
  if (text === '' || text === 'proto2') return 'proto2'
  if (text === 'proto3') return 'proto3'
  const edition = { 1000: '2023', 1001: '2024' } as const
  const year = edition[file.number('edition') as keyof typeof edition]
  if (text !== 'editions' || year === undefined) throw new ProtobufError(`Unknown syntax "${text}" of a descriptor.`)
  return year
}

function groupNames(fields: readonly Part[]): ReadonlySet<string> {
  return new Set(
    fields
      .filter((one) => one.number('type') === groupType)
      .map((one) => one.text('type_name').slice(one.text('type_name').lastIndexOf('.') + 1)),
  )
}

function typeOf(part: Part): TypeUse {
  return { name: typeNames[part.number('type')] ?? part.text('type_name'), at }
}

function inclusive(range: Part, max: number): NumberRange {
  const end = range.number('end')
  return { from: range.number('start'), to: end >= max ? Number.POSITIVE_INFINITY : end - 1, at }
}

function reservedOf(part: Part, rangeOf: (range: Part) => NumberRange): Reserved[] {
  const ranges = part.parts('reserved_range').map(rangeOf)
  const names = part.list('reserved_name').map((name) => ({ name: String(name), at }))
  return [
    ...(ranges.length === 0 ? [] : [{ kind: 'reserved' as const, ranges, names: [], at }]),
    ...(names.length === 0 ? [] : [{ kind: 'reserved' as const, ranges: [], names, at }]),
  ]
}

function defaultOf(part: Part): OptionValue {
  const text = part.text('default_value')
  const type = typeNames[part.number('type')]
  if (type === 'string') return { kind: 'string', bytes: Buffer.from(text), at }
  if (type === 'bytes') return { kind: 'string', bytes: fromCEscape(text), at }
  if (type === undefined || type === 'bool' || /^-?(?:inf|nan)$/.test(text)) return { kind: 'name', text, at }
  return { kind: 'number', text, at }
}

function fromCEscape(text: string): Buffer {
  const named: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' }
  const latin1 = text.replace(/\\([0-7]{3}|.)/gs, (_, one: string) =>
    one.length === 3 ? String.fromCharCode(Number.parseInt(one, 8)) : (named[one] ?? one),
  )
  return Buffer.from(latin1, 'latin1')
}

function optionsOf(message: MessageValue): Option[] {
  const options: Option[] = []
  for (const [field, value] of message) {
    if (field.name === 'map_entry' || field.name === 'uninterpreted_option') continue
    const name = field.extension
      ? [{ text: `.${field.extension.fullName}`, extension: true }]
      : [{ text: field.name, extension: false }]
    for (const one of Array.isArray(value) ? value : [value]) options.push({ name, value: literal(field, one), at })
  }
  return options
}

function literal(field: Field, value: Value): OptionValue {
  if (value instanceof Map) return { kind: 'message', fields: literalFields(value), at }
  if (Buffer.isBuffer(value)) return { kind: 'string', bytes: value, at }
  if (typeof value === 'string') return { kind: 'string', bytes: Buffer.from(value), at }
  if (typeof value === 'boolean') return { kind: 'name', text: String(value), at }
  const { target } = field.type
  if (target?.kind === 'enum') {
    const name = enumName(target, value as number)
    return name === undefined ? { kind: 'number', text: String(value), at } : { kind: 'name', text: name, at }
  }
  if (typeof value === 'number' && !Number.isFinite(value)) {
    return { kind: 'name', text: Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf', at }
  }
  return { kind: 'number', text: String(value).replace('e+', 'e'), at }
}

function literalFields(message: MessageValue): LiteralField[] {
  return [...message].flatMap(([field, value]) => {
    const name = field.extension ? field.extension.fullName : (field.group?.name ?? field.name)
    const form = field.extension ? 'extension' : 'field'
    return (Array.isArray(value) ? value : [value]).map(
      (one) => ({ name, form, value: literal(field, one), at }) as const,
    )
  })
}

/** Whether a text is base64 rather than a .proto file, which has a semicolon or a brace. */
export function isBase64(text: string): boolean {
  return !isScalar(text) && /^[A-Za-z0-9+/\s]+={0,2}$/.test(text.trimEnd())
}
