// Parses a .proto file: proto2, proto3, editions 2023 and 2024, by the grammar that protoc accepts.
// https://protobuf.dev/reference/protobuf/proto3-spec/, …/edition-2024-spec/
import {
  type Enum,
  type EnumValue,
  type Extend,
  type Field,
  type Import,
  isEdition,
  type Label,
  type Message,
  maxNameLength,
  type Oneof,
  type Option,
  type Position,
  type ProtoFile,
  type Rpc,
  type Service,
  type Syntax,
  type TypeUse,
  type Visibility,
} from './model.ts'
import { bracketedOptions, optionStatement } from './parse-options.ts'
import { enumReserved, extensionsStatement, messageReserved } from './parse-ranges.ts'
import { TokenReader } from './reader.ts'

const labels: readonly string[] = ['optional', 'required', 'repeated']
const deepestMessage = 31
/** Every beginning of a package's name is a symbol, so that the work grows with the square of its parts. */
const maxPackageParts = 100

/**
 * @param text a .proto file
 * @throws {ProtobufError} with line and column
 */
export function parseProto(text: string): ProtoFile {
  return new FileParser(text).parse()
}

class FileParser {
  readonly #reader: TokenReader
  #syntax: Syntax = 'proto2'

  constructor(text: string) {
    this.#reader = new TokenReader(text)
  }

  parse(): ProtoFile {
    const reader = this.#reader
    const hasSyntax = reader.is('syntax') || reader.is('edition')
    if (hasSyntax) this.#syntax = this.#syntaxStatement()
    const imports: Import[] = []
    const options: Option[] = []
    const declarations: ProtoFile['declarations'][number][] = []
    let name = ''
    let packageAt: Position | undefined
    while (reader.token.kind !== 'end') {
      const { at } = reader
      const visibility = this.#visibility()
      if (visibility === undefined && reader.take(';')) continue
      if (reader.is('message')) declarations.push(this.#message(0, visibility))
      else if (reader.is('enum')) declarations.push(this.#enum(visibility))
      else if (visibility !== undefined) reader.fail('Expected "message" or "enum".')
      else if (reader.is('service')) declarations.push(this.#service())
      else if (reader.is('extend')) declarations.push(this.#extend(0))
      else if (reader.take('import')) imports.push(this.#import(at))
      else if (reader.take('option')) options.push(optionStatement(reader))
      else if (reader.take('package')) {
        if (packageAt) reader.fail('Multiple package definitions.', at)
        packageAt = reader.at
        name = reader.dottedName(false)
        if (name.length > maxNameLength || name.split('.').length > maxPackageParts) {
          const most = `${maxPackageParts} parts and ${maxNameLength} characters`
          reader.fail(`The name of the package is too long: at most ${most}.`, packageAt)
        }
        reader.expect(';')
      } else reader.fail('Expected top-level statement (e.g. "message").')
    }
    return { syntax: this.#syntax, hasSyntax, package: name, packageAt, imports, options, declarations }
  }

  #syntaxStatement(): Syntax {
    const reader = this.#reader
    const isSyntax = reader.next().text === 'syntax'
    reader.expect('=')
    const { at } = reader
    const value = reader.string(isSyntax ? 'Expected syntax identifier.' : 'Expected edition identifier.').toString()
    reader.expect(';')
    if (isSyntax && (value === 'proto2' || value === 'proto3')) return value
    if (!isSyntax && (value === '2023' || value === '2024')) return value
    if (isSyntax) {
      return reader.fail(
        `Unrecognized syntax identifier "${value}". This registry knows "proto2" and "proto3", and editions with edition = "2023".`,
        at,
      )
    }
    return reader.fail(`Unknown edition "${value}". This registry knows "2023" and "2024".`, at)
  }

  #visibility(): Visibility | undefined {
    const reader = this.#reader
    if (this.#syntax !== '2024' || !(reader.is('export') || reader.is('local'))) return undefined
    if (!['message', 'enum'].includes(reader.ahead(1).text)) return undefined
    return reader.next().text as Visibility
  }

  #import(at: Position): Import {
    const reader = this.#reader
    const isKind = reader.is('public') || reader.is('weak') || (reader.is('option') && this.#syntax === '2024')
    const kind = isKind ? (reader.next().text as Import['kind']) : undefined
    const path = reader.string('Expected a string naming the file to import.').toString()
    reader.expect(';')
    return { path, kind, at }
  }

  #message(depth: number, visibility: Visibility | undefined): Message {
    const reader = this.#reader
    reader.expect('message')
    const { at } = reader
    const name = reader.name('Expected message name.')
    return this.#messageBlock(name, at, depth, visibility)
  }

  #messageBlock(name: string, at: Position, depth: number, visibility?: Visibility): Message {
    const reader = this.#reader
    if (depth > deepestMessage) reader.fail('Reached maximum recursion limit for nested messages.', at)
    const members: Message['members'][number][] = []
    const options: Option[] = []
    reader.expect('{')
    while (!reader.take('}')) {
      if (reader.token.kind === 'end') reader.fail("Reached end of input in message definition (missing '}').")
      if (reader.take(';')) continue
      const start = reader.at
      const inner = this.#visibility()
      // `message`, `enum` and the others may also be the name of a field's type in protoc's grammar, where a name follows.
      if (reader.is('message')) members.push(this.#message(depth + 1, inner))
      else if (reader.is('enum')) members.push(this.#enum(inner))
      else if (reader.is('extend')) members.push(this.#extend(depth + 1))
      else if (reader.is('extensions')) members.push(extensionsStatement(reader))
      else if (reader.is('reserved')) members.push(messageReserved(reader, isEdition(this.#syntax)))
      else if (reader.take('option')) options.push(optionStatement(reader))
      else if (reader.is('oneof')) members.push(this.#oneof(depth))
      else members.push(this.#field(depth, start))
    }
    return { kind: 'message', name, members, options, visibility, at, fullName: name }
  }

  /** A field of a message or of an extension. */
  #field(depth: number, start: Position, inExtend = false): Field {
    const reader = this.#reader
    const label = labels.includes(reader.token.text) ? (reader.next().text as Label) : undefined
    const isMap = reader.is('map') && reader.ahead(1).text === '<'
    if (this.#syntax === 'proto2' && label === undefined && !isMap) {
      reader.fail('Expected "required", "optional", or "repeated".', start)
    }
    if (isEdition(this.#syntax) && (label === 'optional' || label === 'required')) {
      const feature = label === 'optional' ? 'EXPLICIT' : 'LEGACY_REQUIRED'
      reader.fail(
        `Label "${label}" is not supported in editions. Use features.field_presence = ${feature} where the default is another.`,
        start,
      )
    }
    if (this.#syntax === 'proto3' && label === 'required') {
      reader.fail('Required fields are not allowed in proto3.', start)
    }
    if (isMap && label !== undefined) {
      reader.fail('Field labels (required/optional/repeated) are not allowed on map fields.')
    }
    if (isMap && inExtend) reader.fail('Map fields are not allowed to be extensions.')
    return this.#fieldAfterLabel(label, isMap, depth)
  }

  #fieldAfterLabel(label: Label | undefined, isMap: boolean, depth: number): Field {
    const reader = this.#reader
    if (reader.is('group') && this.#isGroup()) return this.#group(label, depth)
    let mapKey: TypeUse | undefined
    if (isMap) {
      reader.next()
      reader.expect('<')
      mapKey = this.#type()
      reader.expect(',')
    }
    const type = this.#type()
    if (isMap) reader.expect('>')
    const { at } = reader
    const name = reader.name('Expected field name.')
    reader.expect('=')
    const numberAt = reader.at
    const number = reader.integer(0x7fffffffn, 'Expected field number.')
    const options = bracketedOptions(reader)
    reader.expect(';')
    return { kind: 'field', name, number, label, type, mapKey, group: undefined, options, at, numberAt }
  }

  /** A group, not a field of a type that is named `group`. */
  #isGroup(): boolean {
    return this.#reader.ahead(1).kind === 'name'
  }

  #group(label: Label | undefined, depth: number): Field {
    const reader = this.#reader
    if (this.#syntax === 'proto3') reader.fail('Groups are not supported in proto3 syntax.')
    if (isEdition(this.#syntax)) {
      reader.fail('Group syntax is no longer supported in editions. Use features.message_encoding = DELIMITED.')
    }
    const typeAt = reader.next().at
    const { at } = reader
    const name = reader.name('Expected group name.')
    if (!/^[A-Z]/.test(name)) reader.fail('Group names must start with a capital letter.', at)
    reader.expect('=')
    const numberAt = reader.at
    const number = reader.integer(0x7fffffffn, 'Expected field number.')
    const options = bracketedOptions(reader)
    const group = this.#messageBlock(name, at, depth + 1)
    const type = { name, at: typeAt }
    const field = {
      kind: 'field',
      name: name.toLowerCase(),
      number,
      label,
      type,
      group,
      options,
      at,
      numberAt,
    } as const
    return { ...field, mapKey: undefined }
  }

  #type(): TypeUse {
    const { at } = this.#reader
    return { name: this.#reader.dottedName(true, 'Expected type name.'), at }
  }

  #oneof(depth: number): Oneof {
    const reader = this.#reader
    reader.expect('oneof')
    const { at } = reader
    const name = reader.name('Expected oneof name.')
    const fields: Field[] = []
    const options: Option[] = []
    reader.expect('{')
    do {
      if (reader.token.kind === 'end') reader.fail("Reached end of input in oneof definition (missing '}').")
      if (reader.take('option')) {
        options.push(optionStatement(reader))
        continue
      }
      if (labels.includes(reader.token.text)) {
        reader.fail('Fields in oneofs must not have labels (required / optional / repeated).')
      }
      if (reader.is('map') && reader.ahead(1).text === '<') reader.fail('Map fields are not allowed in oneofs.')
      fields.push(this.#fieldAfterLabel(undefined, false, depth))
    } while (!reader.take('}'))
    return { kind: 'oneof', name, fields, options, at }
  }

  #extend(depth: number): Extend {
    const reader = this.#reader
    reader.expect('extend')
    const { at } = reader
    const extendee = this.#type()
    const fields: Field[] = []
    reader.expect('{')
    do {
      if (reader.token.kind === 'end') reader.fail("Reached end of input in extend definition (missing '}').")
      fields.push(this.#field(depth, reader.at, true))
    } while (!reader.take('}'))
    return { kind: 'extend', extendee, fields, at }
  }

  #enum(visibility: Visibility | undefined): Enum {
    const reader = this.#reader
    reader.expect('enum')
    const { at } = reader
    const name = reader.name('Expected enum name.')
    const values: EnumValue[] = []
    const reserved: Enum['reserved'][number][] = []
    const options: Option[] = []
    reader.expect('{')
    while (!reader.take('}')) {
      if (reader.token.kind === 'end') reader.fail("Reached end of input in enum definition (missing '}').")
      if (reader.take(';')) continue
      if (reader.is('reserved') && reader.ahead(1).text !== '=') {
        reserved.push(enumReserved(reader, isEdition(this.#syntax)))
      } else if (reader.is('option') && reader.ahead(1).text !== '=') {
        reader.next()
        options.push(optionStatement(reader))
      } else values.push(this.#enumValue())
    }
    return { kind: 'enum', name, values, reserved, options, visibility, at, fullName: name }
  }

  #enumValue(): EnumValue {
    const reader = this.#reader
    const { at } = reader
    const name = reader.name('Expected enum constant name.')
    reader.expect('=')
    const numberAt = reader.at
    const negative = reader.take('-')
    const magnitude = reader.integer(negative ? 0x80000000n : 0x7fffffffn)
    const options = bracketedOptions(reader)
    reader.expect(';')
    return { name, number: negative && magnitude !== 0 ? -magnitude : magnitude, options, at, numberAt }
  }

  #service(): Service {
    const reader = this.#reader
    reader.expect('service')
    const { at } = reader
    const name = reader.name('Expected service name.')
    const methods: Rpc[] = []
    const options: Option[] = []
    reader.expect('{')
    while (!reader.take('}')) {
      if (reader.token.kind === 'end') reader.fail("Reached end of input in service definition (missing '}').")
      if (reader.take(';')) continue
      if (reader.take('option')) options.push(optionStatement(reader))
      else methods.push(this.#method())
    }
    return { kind: 'service', name, methods, options, at }
  }

  #method(): Rpc {
    const reader = this.#reader
    reader.expect('rpc')
    const { at } = reader
    const name = reader.name('Expected method name.')
    const [input, inputStream] = this.#streamType()
    reader.expect('returns')
    const [output, outputStream] = this.#streamType()
    const options: Option[] = []
    const hasBlock = reader.take('{')
    if (!hasBlock) reader.expect(';')
    while (hasBlock && !reader.take('}')) {
      if (reader.token.kind === 'end') reader.fail("Reached end of input in method options (missing '}').")
      if (reader.take(';')) continue
      reader.expect('option')
      options.push(optionStatement(reader))
    }
    return { name, input, inputStream, output, outputStream, options, at }
  }

  #streamType(): [TypeUse, boolean] {
    const reader = this.#reader
    reader.expect('(')
    const stream = reader.take('stream')
    const type = this.#type()
    reader.expect(')')
    return [type, stream]
  }
}
