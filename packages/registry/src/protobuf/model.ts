// A .proto file as it is written: every statement, in its order, with its place in the text.

/** In characters, of a full name: each declaration keeps its own, so that long ones around many would fill the memory. */
export const maxNameLength = 1000

/** A place in a text, counted from 1, tabs as protoc counts them. */
export interface Position {
  readonly line: number
  readonly column: number
}

/** A text is not a valid .proto file. */
export class ProtobufError extends Error {
  readonly code = 'PROTOBUF_SYNTAX'
  /** What is wrong, without the place. */
  readonly problem: string
  readonly at: Position | undefined

  /** @param file name of an imported file; undefined for the text itself */
  constructor(problem: string, at?: Position, file?: string) {
    const place = [file, at?.line, at?.column].filter((part) => part !== undefined).join(':')
    super(place === '' ? problem : `${place}: ${problem}`)
    this.problem = problem
    this.at = at
  }
}

export type Label = 'optional' | 'required' | 'repeated'

export const scalarTypes = [
  'double',
  'float',
  'int64',
  'uint64',
  'int32',
  'fixed64',
  'fixed32',
  'bool',
  'string',
  'bytes',
  'uint32',
  'sfixed32',
  'sfixed64',
  'sint32',
  'sint64',
] as const
export type ScalarType = (typeof scalarTypes)[number]

export function isScalar(name: string): name is ScalarType {
  return (scalarTypes as readonly string[]).includes(name)
}

/** The value of an option, and of a field in a message literal. */
export type OptionValue =
  | { readonly kind: 'string'; readonly bytes: Buffer; readonly at: Position }
  /** As it is written: `-0x1F`, `1e3`. */
  | { readonly kind: 'number'; readonly text: string; readonly at: Position }
  /** A name: `true`, `SPEED`, `inf`, `-inf`. */
  | { readonly kind: 'name'; readonly text: string; readonly at: Position }
  | { readonly kind: 'message'; readonly fields: readonly LiteralField[]; readonly at: Position }
  /** Only within a message literal. */
  | { readonly kind: 'list'; readonly items: readonly OptionValue[]; readonly at: Position }

export interface LiteralField {
  /** The name; of an extension in brackets the full name; of an Any the URL. */
  readonly name: string
  readonly form: 'field' | 'extension' | 'any'
  readonly value: OptionValue
  readonly at: Position
}

export interface OptionNamePart {
  readonly text: string
  /** Written in parentheses. */
  readonly extension: boolean
}

export interface Option {
  readonly name: readonly OptionNamePart[]
  readonly value: OptionValue
  readonly at: Position
}

/** The name of a type where it is used, and the type once it is found. */
export interface TypeUse {
  /** A scalar, or a name as written: `.acme.Order`, `Order`. */
  readonly name: string
  readonly at: Position
  /** Set by the linker; undefined for a scalar. */
  target?: Message | Enum
}

export interface Field {
  readonly kind: 'field'
  readonly name: string
  readonly number: number
  readonly label: Label | undefined
  /** Of a map the type of its values. */
  readonly type: TypeUse
  /** The type of the keys, where the field is a map. */
  readonly mapKey: TypeUse | undefined
  /** The message of a group. */
  readonly group: Message | undefined
  readonly options: readonly Option[]
  readonly at: Position
  readonly numberAt: Position
  /** Of an extension, set by the linker: the message that it extends, its scope and its full name. */
  extension?: { readonly extendee: Message; readonly fullName: string }
}

export interface Oneof {
  readonly kind: 'oneof'
  readonly name: string
  readonly fields: readonly Field[]
  readonly options: readonly Option[]
  readonly at: Position
}

/** Both ends are included. */
export interface NumberRange {
  readonly from: number
  readonly to: number
  readonly at: Position
}

export interface Reserved {
  readonly kind: 'reserved'
  readonly ranges: readonly NumberRange[]
  readonly names: readonly { readonly name: string; readonly at: Position }[]
  readonly at: Position
}

export interface Extensions {
  readonly kind: 'extensions'
  readonly ranges: readonly NumberRange[]
  readonly options: readonly Option[]
  readonly at: Position
}

export interface Extend {
  readonly kind: 'extend'
  readonly extendee: TypeUse
  readonly fields: readonly Field[]
  readonly at: Position
}

/** `export` and `local` of edition 2024. */
export type Visibility = 'export' | 'local'

export interface Message {
  readonly kind: 'message'
  readonly name: string
  readonly members: readonly Member[]
  readonly options: readonly Option[]
  readonly visibility: Visibility | undefined
  readonly at: Position
  /** Set by the linker, without a leading dot. */
  fullName: string
}

export type Member = Field | Oneof | Message | Enum | Extend | Extensions | Reserved

export interface EnumValue {
  readonly name: string
  readonly number: number
  readonly options: readonly Option[]
  readonly at: Position
  readonly numberAt: Position
}

export interface Enum {
  readonly kind: 'enum'
  readonly name: string
  readonly values: readonly EnumValue[]
  readonly reserved: readonly Reserved[]
  readonly options: readonly Option[]
  readonly visibility: Visibility | undefined
  readonly at: Position
  fullName: string
}

export interface Rpc {
  readonly name: string
  readonly input: TypeUse
  readonly inputStream: boolean
  readonly output: TypeUse
  readonly outputStream: boolean
  readonly options: readonly Option[]
  readonly at: Position
}

export interface Service {
  readonly kind: 'service'
  readonly name: string
  readonly methods: readonly Rpc[]
  readonly options: readonly Option[]
  readonly at: Position
}

export type ImportKind = 'public' | 'weak' | 'option'

export interface Import {
  readonly path: string
  readonly kind: ImportKind | undefined
  readonly at: Position
}

export type Syntax = 'proto2' | 'proto3' | '2023' | '2024'

export interface ProtoFile {
  /** `proto2` also where the file does not say; an edition by its year. */
  readonly syntax: Syntax
  readonly hasSyntax: boolean
  readonly package: string
  readonly packageAt: Position | undefined
  readonly imports: readonly Import[]
  readonly options: readonly Option[]
  readonly declarations: readonly (Message | Enum | Extend | Service)[]
}

export function isEdition(syntax: Syntax): boolean {
  return syntax === '2023' || syntax === '2024'
}

/** The fields of a message, those in its oneofs too, in the order of the text. */
export function fieldsOf(message: Message): readonly Field[] {
  return message.members.flatMap((member) =>
    member.kind === 'field' ? [member] : member.kind === 'oneof' ? member.fields : [],
  )
}

/** The members of one kind, in the order of the text. */
export function membersOf<Kind extends Member['kind']>(
  message: Message,
  kind: Kind,
): readonly Extract<Member, { kind: Kind }>[] {
  return message.members.filter((member): member is Extract<Member, { kind: Kind }> => member.kind === kind)
}

/** Whether a field brings a message, whose place among the others written records may name. */
export function haveGroup(fields: readonly Field[]): boolean {
  return fields.some(({ group }) => group !== undefined)
}

/** Whether a field, a oneof or an extension of the message is a group. */
export function hasGroups(message: Message): boolean {
  return message.members.some(
    (member) =>
      (member.kind === 'field' && haveGroup([member])) ||
      ((member.kind === 'oneof' || member.kind === 'extend') && haveGroup(member.fields)),
  )
}

/** Whether extensions of the file, outside of its messages, are groups. */
export function hasGroupExtensions(file: ProtoFile): boolean {
  return file.declarations.some((one) => one.kind === 'extend' && haveGroup(one.fields))
}

/** The messages inside a message, those of groups and of extensions that are groups too, in protoc's order. */
export function nestedMessages(message: Message): readonly Message[] {
  return message.members.flatMap((member) => {
    if (member.kind === 'message') return [member]
    if (member.kind === 'field') return member.group ?? []
    if (member.kind === 'oneof' || member.kind === 'extend') return member.fields.flatMap((field) => field.group ?? [])
    return []
  })
}

/** The messages of a file, those of extensions that are groups too. */
export function fileMessages(file: ProtoFile): readonly Message[] {
  return file.declarations.flatMap((declared) => {
    if (declared.kind === 'message') return [declared]
    return declared.kind === 'extend' ? declared.fields.flatMap((field) => field.group ?? []) : []
  })
}

/** The name that a field has in JSON where nothing else is set. */
export function jsonName(name: string): string {
  return name.replace(/_+(.?)/g, (_, letter: string) => letter.toUpperCase())
}

/** The name of the entry message of a map field. */
export function mapEntryName(field: string): string {
  return `${field.replace(/(?:^|_)+(.?)/g, (_, letter: string) => letter.toUpperCase())}Entry`
}
