// A linked file as a google.protobuf.FileDescriptorProto, equal to protoc's.
import { encodeMessage, type MessageValue, mapEntryFields, type Value } from './codec.ts'
import type { Features } from './features.ts'
import { descriptorFileOf, descriptorPath, joinName, knownFile, type LinkedFile } from './link.ts'
import {
  type Enum,
  type Field,
  fieldsOf,
  isEdition,
  jsonName,
  type Message,
  mapEntryName,
  type NumberRange,
  type Oneof,
  type Option,
  type Service,
  type scalarTypes,
} from './model.ts'
import { interpretOptions, isPackedOption } from './options.ts'
import { maxFieldNumber, maxInt32 } from './parse-ranges.ts'
import { scalarValue } from './values.ts'

/** Fields of a descriptor by their names; undefined and empty lists are left out. */
type Fields = Readonly<Record<string, Value | readonly Value[] | undefined>>

/** google.protobuf.FieldDescriptorProto.Type, of scalars by their place in `scalarTypes`. */
const typeNumbers: Readonly<Record<(typeof scalarTypes)[number] | 'group' | 'message' | 'enum', number>> = {
  double: 1,
  float: 2,
  int64: 3,
  uint64: 4,
  int32: 5,
  fixed64: 6,
  fixed32: 7,
  bool: 8,
  string: 9,
  group: 10,
  message: 11,
  bytes: 12,
  uint32: 13,
  enum: 14,
  sfixed32: 15,
  sfixed64: 16,
  sint32: 17,
  sint64: 18,
}
const labelNumbers = { optional: 1, required: 2, repeated: 3 } as const
const visibilityNumbers = { local: 1, export: 2 } as const
const editionNumbers: Readonly<Record<string, number>> = { 2023: 1000, 2024: 1001 }

/** @param name the name that the descriptor says the file has */
export function describeFile(file: LinkedFile, name: string): Buffer {
  return encodeMessage(new Describer(file).file(name), isPackedOption)
}

class Describer {
  readonly #file: LinkedFile
  readonly #optionTypes: ReadonlyMap<string, Message>
  readonly #types: ReadonlyMap<string, Message>

  constructor(file: LinkedFile) {
    this.#file = file
    this.#types = messagesOf(knownFile(descriptorPath)!)
    this.#optionTypes = messagesOf(descriptorFileOf(file))
  }

  file(name: string): MessageValue {
    const { file } = this.#file
    const dependencies = file.imports.filter(({ kind }) => kind !== 'option')
    const indexesOf = (wanted: string) => dependencies.flatMap(({ kind }, index) => (kind === wanted ? [index] : []))
    const scope = file.package
    const groups = file.declarations.flatMap((one) => (one.kind === 'extend' ? one.fields : []))
    return this.#make('FileDescriptorProto', {
      name,
      package: file.package === '' ? undefined : file.package,
      dependency: dependencies.map(({ path }) => path),
      public_dependency: indexesOf('public'),
      weak_dependency: indexesOf('weak'),
      option_dependency: file.imports.flatMap(({ kind, path }) => (kind === 'option' ? [path] : [])),
      message_type: file.declarations.flatMap((one) => {
        if (one.kind === 'message') return [this.#message(one)]
        return one.kind === 'extend' ? one.fields.flatMap(({ group }) => (group ? [this.#message(group)] : [])) : []
      }),
      enum_type: file.declarations.flatMap((one) => (one.kind === 'enum' ? [this.#enum(one)] : [])),
      service: file.declarations.flatMap((one) => (one.kind === 'service' ? [this.#service(one)] : [])),
      extension: groups.map((field) => this.#field(field, scope)),
      options: this.#options('FileOptions', file.options, scope),
      syntax: isEdition(file.syntax) ? 'editions' : file.syntax === 'proto3' ? 'proto3' : undefined,
      edition: editionNumbers[file.syntax],
    })
  }

  #make(type: string, fields: Fields): MessageValue {
    const message = this.#types.get(type)!
    const result: MessageValue = new Map()
    for (const [name, value] of Object.entries(fields)) {
      if (value === undefined || (Array.isArray(value) && value.length === 0)) continue
      const field = fieldsOf(message).find((one) => one.name === name)!
      result.set(field, value as Value)
    }
    return result
  }

  /** @returns undefined where none is set */
  #options(type: string, options: readonly Option[], scope: string): MessageValue | undefined {
    if (options.length === 0) return undefined
    const found = interpretOptions(options, this.#optionTypes.get(type)!, scope, this.#file)
    return found.size === 0 ? undefined : found
  }

  #message(message: Message): MessageValue {
    const scope = message.fullName
    const oneofs: Oneof[] = message.members.filter((member) => member.kind === 'oneof')
    const fields = fieldsOf(message)
    const optional = this.#file.file.syntax === 'proto3' ? fields.filter(({ label }) => label === 'optional') : []
    const names = syntheticOneofs(message, optional)
    const oneofIndex = (field: Field): number | undefined => {
      const index = oneofs.findIndex((oneof) => oneof.fields.includes(field))
      if (index >= 0) return index
      return optional.includes(field) ? oneofs.length + optional.indexOf(field) : undefined
    }
    return this.#make('DescriptorProto', {
      name: message.name,
      field: fields.map((field) => this.#field(field, scope, oneofIndex(field), optional.includes(field))),
      nested_type: message.members.flatMap((member) => this.#nested(member)),
      enum_type: message.members.flatMap((member) => (member.kind === 'enum' ? [this.#enum(member)] : [])),
      extension_range: message.members.flatMap((member) => {
        if (member.kind !== 'extensions') return []
        const options = this.#options('ExtensionRangeOptions', member.options, scope)
        const max = isMessageSet(message) ? maxInt32 : maxFieldNumber + 1
        return member.ranges.map((range) => this.#make('ExtensionRange', { ...exclusive(range, max), options }))
      }),
      extension: message.members.flatMap((member) =>
        member.kind === 'extend' ? member.fields.map((field) => this.#field(field, scope)) : [],
      ),
      options: this.#options('MessageOptions', message.options, scope),
      oneof_decl: [
        ...oneofs.map(({ name, options }) =>
          this.#make('OneofDescriptorProto', {
            name,
            options: this.#options('OneofOptions', options, joinName(scope, name)),
          }),
        ),
        ...names.map((name) => this.#make('OneofDescriptorProto', { name })),
      ],
      reserved_range: message.members.flatMap((member) =>
        member.kind === 'reserved'
          ? member.ranges.map((range) => this.#make('ReservedRange', exclusive(range, maxFieldNumber + 1)))
          : [],
      ),
      reserved_name: message.members.flatMap((member) =>
        member.kind === 'reserved' ? member.names.map(({ name }) => name) : [],
      ),
      visibility: message.visibility && visibilityNumbers[message.visibility],
    })
  }

  /** The messages that a member brings: itself, the message of a group, the entries of a map. */
  #nested(member: Message['members'][number]): MessageValue[] {
    if (member.kind === 'message') return [this.#message(member)]
    if (member.kind === 'field' && member.mapKey) return [this.#mapEntry(member)]
    const fields =
      member.kind === 'field' ? [member] : member.kind === 'oneof' || member.kind === 'extend' ? member.fields : []
    return fields.flatMap(({ group }) => (group ? [this.#message(group)] : []))
  }

  #mapEntry(field: Field): MessageValue {
    const { key, value } = mapEntryFields(field)
    const mapEntry = fieldsOf(this.#types.get('MessageOptions')!).find(({ name }) => name === 'map_entry')!
    const features = field.options.filter(({ name }) => name[0]!.text === 'features')
    const ofParts = this.#options('FieldOptions', features, '')
    return this.#make('DescriptorProto', {
      name: mapEntryName(field.name),
      field: [key, value].map((one) =>
        this.#make('FieldDescriptorProto', {
          name: one.name,
          number: one.number,
          label: labelNumbers.optional,
          ...this.#typeOf(one),
          json_name: one.name,
          options: ofParts,
        }),
      ),
      options: new Map([[mapEntry, true]]) as MessageValue,
    })
  }

  #typeOf({ type, group }: Field): Fields {
    if (!type.target) return { type: typeNumbers[type.name as (typeof scalarTypes)[number]] }
    const kind = group ? 'group' : type.target.kind
    return { type: typeNumbers[kind], type_name: `.${type.target.fullName}` }
  }

  #field(field: Field, scope: string, oneofIndex?: number, proto3Optional = false): MessageValue {
    const isExtension = field.extension !== undefined
    const plain = field.options.filter((option) => !isPseudo(option))
    const type = field.mapKey
      ? { type: typeNumbers.message, type_name: `.${scope}.${mapEntryName(field.name)}` }
      : this.#typeOf(field)
    return this.#make('FieldDescriptorProto', {
      name: field.name,
      extendee: isExtension ? `.${field.extension!.extendee.fullName}` : undefined,
      number: field.number,
      label: field.mapKey ? labelNumbers.repeated : labelNumbers[field.label ?? 'optional'],
      ...type,
      default_value: defaultText(field),
      options: this.#options('FieldOptions', plain, joinName(scope, field.name)),
      oneof_index: oneofIndex,
      json_name: jsonNameOf(field),
      proto3_optional: proto3Optional || (isExtension && this.#isProto3Optional(field)) ? true : undefined,
    })
  }

  #isProto3Optional({ label }: Field): boolean {
    return this.#file.file.syntax === 'proto3' && label === 'optional'
  }

  #enum(one: Enum): MessageValue {
    return this.#make('EnumDescriptorProto', {
      name: one.name,
      value: one.values.map(({ name, number, options }) =>
        this.#make('EnumValueDescriptorProto', {
          name,
          number,
          options: this.#options('EnumValueOptions', options, joinName(scopeOf(one.fullName), name)),
        }),
      ),
      options: this.#options('EnumOptions', one.options, one.fullName),
      reserved_range: one.reserved.flatMap(({ ranges }) =>
        ranges.map(({ from, to }) => this.#make('EnumReservedRange', { start: from, end: to })),
      ),
      reserved_name: one.reserved.flatMap(({ names }) => names.map(({ name }) => name)),
      visibility: one.visibility && visibilityNumbers[one.visibility],
    })
  }

  #service(service: Service): MessageValue {
    const scope = joinName(this.#file.file.package, service.name)
    return this.#make('ServiceDescriptorProto', {
      name: service.name,
      method: service.methods.map((method) =>
        this.#make('MethodDescriptorProto', {
          name: method.name,
          input_type: `.${method.input.target!.fullName}`,
          output_type: `.${method.output.target!.fullName}`,
          options: this.#options('MethodOptions', method.options, joinName(scope, method.name)),
          client_streaming: method.inputStream || undefined,
          server_streaming: method.outputStream || undefined,
        }),
      ),
      options: this.#options('ServiceOptions', service.options, scope),
    })
  }
}

function scopeOf(fullName: string): string {
  return fullName.slice(0, Math.max(0, fullName.lastIndexOf('.')))
}

function exclusive({ from, to }: NumberRange, max: number): Fields {
  return { start: from, end: Math.min(to + 1, max) }
}

/** The messages of a file by their own names. */
export function messagesOf(file: LinkedFile): ReadonlyMap<string, Message> {
  const found = [...file.symbols.values()].flatMap(({ type }) => (type?.kind === 'message' ? [type] : []))
  return new Map(found.map((message) => [message.name, message]))
}

/** `default` and `json_name` are written like options. */
export function isPseudo({ name }: Option): boolean {
  return name.length === 1 && !name[0]!.extension && ['default', 'json_name'].includes(name[0]!.text)
}

export function pseudoOption(field: Field, wanted: 'default' | 'json_name'): Option | undefined {
  return field.options.find((option) => isPseudo(option) && option.name[0]!.text === wanted)
}

export function jsonNameOf(field: Field): string {
  const value = pseudoOption(field, 'json_name')?.value
  return value?.kind === 'string' ? value.bytes.toString('utf8') : jsonName(field.name)
}

export function isMessageSet(message: Message): boolean {
  return message.options.some(
    ({ name, value }) => name[0]!.text === 'message_set_wire_format' && value.kind === 'name' && value.text === 'true',
  )
}

/** A default as google.protobuf.FieldDescriptorProto.default_value has it. */
function defaultText(field: Field): string | undefined {
  const option = pseudoOption(field, 'default')
  if (!option) return undefined
  if (option.value.kind === 'name' && field.type.target) return option.value.text
  const value = scalarValue(field, option.value, false)
  if (Buffer.isBuffer(value)) return cEscape(value)
  if (field.type.name === 'float' || field.type.name === 'double') return numberText(value as number, field.type.name)
  return String(value)
}

function cEscape(bytes: Buffer): string {
  const named: Readonly<Record<number, string>> = { 10: '\\n', 13: '\\r', 9: '\\t', 34: '\\"', 39: "\\'", 92: '\\\\' }
  return [...bytes]
    .map(
      (byte) =>
        named[byte] ??
        (byte < 32 || byte >= 127 ? `\\${byte.toString(8).padStart(3, '0')}` : String.fromCharCode(byte)),
    )
    .join('')
}

/** As C's `%g` with as many digits as the value needs. */
function numberText(value: number, type: 'float' | 'double'): string {
  if (Number.isNaN(value)) return 'nan'
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf'
  const rounded = type === 'float' ? Math.fround(value) : value
  if (!Number.isFinite(rounded)) return rounded > 0 ? 'inf' : '-inf'
  for (const digits of type === 'float' ? [6, 7, 8, 9] : [15, 16, 17]) {
    const text = rounded.toPrecision(digits)
    const back = type === 'float' ? Math.fround(Number(text)) : Number(text)
    if (back === rounded) return generalFormat(rounded, digits)
  }
  return String(rounded)
}

function generalFormat(value: number, digits: number): string {
  if (value === 0) return Object.is(value, -0) ? '-0' : '0'
  const [mantissa, exponent] = value.toExponential(digits - 1).split('e') as [string, string]
  const power = Number(exponent)
  if (power < -4 || power >= digits) {
    const sign = power < 0 ? '-' : '+'
    return `${trimZeros(mantissa)}e${sign}${String(Math.abs(power)).padStart(2, '0')}`
  }
  return trimZeros(value.toFixed(Math.max(0, digits - 1 - power)))
}

function trimZeros(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text
}

/** The oneofs that protoc makes for the optional fields of proto3. */
function syntheticOneofs(message: Message, optional: readonly Field[]): string[] {
  const taken = new Set(
    message.members.flatMap((member) => {
      if (member.kind === 'oneof') return [member.name, ...member.fields.map(({ name }) => name)]
      return member.kind === 'field' ? [member.name] : []
    }),
  )
  return optional.map(({ name }) => {
    let synthetic = name.startsWith('_') ? name : `_${name}`
    while (taken.has(synthetic)) synthetic = `X${synthetic}`
    taken.add(synthetic)
    return synthetic
  })
}

/** Whether the features or `[packed = …]` make a list packed. */
export function isPacked(field: Field, features: Features): boolean {
  const option = field.options.find(({ name }) => name.length === 1 && name[0]!.text === 'packed')
  if (option) return option.value.kind === 'name' && option.value.text === 'true'
  return features.repeated_field_encoding === 'PACKED'
}
