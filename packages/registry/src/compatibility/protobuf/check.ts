// Whether records written with one Protobuf schema can be read with another, in the vocabulary of Confluent's registry.
//
// Rules: https://docs.confluent.io/platform/current/schema-registry/fundamentals/serdes-develop/serdes-protobuf.html,
// https://protobuf.dev/programming-guides/proto3/#updating, https://yokota.blog/2021/08/26/understanding-protobuf-compatibility/ (oneofs),
// https://github.com/confluentinc/schema-registry/pull/1648 (removed messages), …/pull/2061 (moved messages). Names of fields, enums and
// their values, services, options and reserved numbers do not matter to a record.
import {
  closureOf,
  type Features,
  type Field,
  fieldsOf,
  fileMessages,
  type LinkedFile,
  type Message,
  membersOf,
  nestedMessages,
  type Oneof,
} from '../../protobuf/index.ts'
import type { Incompatibility } from '../../types.ts'

export interface ProtobufIncompatibility extends Incompatibility {
  readonly type:
    | 'PACKAGE_CHANGED'
    | 'MESSAGE_REMOVED'
    | 'FIELD_KIND_CHANGED'
    | 'FIELD_SCALAR_KIND_CHANGED'
    | 'FIELD_NAMED_TYPE_CHANGED'
    | 'FIELD_NUMERIC_LABEL_CHANGED'
    | 'REQUIRED_FIELD_ADDED'
    | 'REQUIRED_FIELD_REMOVED'
    | 'ONEOF_FIELD_REMOVED'
    | 'MULTIPLE_FIELDS_MOVED_TO_ONEOF'
}

/** Scalars of one kind have the same bytes for the values that both can hold. */
const scalarKinds: Readonly<Record<string, string>> = {
  int32: 'varint',
  int64: 'varint',
  uint32: 'varint',
  uint64: 'varint',
  bool: 'varint',
  sint32: 'zigzag',
  sint64: 'zigzag',
  fixed32: 'fixed32',
  sfixed32: 'fixed32',
  fixed64: 'fixed64',
  sfixed64: 'fixed64',
  float: 'float',
  double: 'double',
  string: 'bytes',
  bytes: 'bytes',
}

/** Every reason why `reader` may misread records of `writer`; paths are `#/Message/Nested/number`. */
export function checkProtobufReader(reader: LinkedFile, writer: LinkedFile): readonly ProtobufIncompatibility[] {
  const comparison = new Comparison(reader, writer)
  if (reader.file.package !== writer.file.package) {
    comparison.report('PACKAGE_CHANGED', '#/', `${writer.file.package} is now ${reader.file.package}`)
  }
  comparison.messages(fileMessages(reader.file), fileMessages(writer.file), '#')
  return comparison.problems
}

class Comparison {
  readonly problems: ProtobufIncompatibility[] = []
  readonly #reader: LinkedFile
  readonly #writer: LinkedFile
  /** Pairs of messages that are compared, or will be, at their own place. */
  readonly #seen = new Map<Message, Set<Message>>()

  constructor(reader: LinkedFile, writer: LinkedFile) {
    this.#reader = reader
    this.#writer = writer
  }

  report(type: ProtobufIncompatibility['type'], path: string, message: string): void {
    this.problems.push({ type, path, message })
  }

  messages(to: readonly Message[], from: readonly Message[], path: string): void {
    const byName = new Map(to.map((message) => [message.name, message]))
    for (const message of from) {
      const at = `${path}/${message.name}`
      const same = byName.get(message.name)
      if (same) this.message(same, message, at)
      else this.report('MESSAGE_REMOVED', at, message.fullName)
    }
  }

  message(to: Message, from: Message, path: string): void {
    const seen = this.#seen.get(to) ?? new Set()
    this.#seen.set(to, seen)
    if (to === from || seen.has(from)) return
    seen.add(from)
    this.messages(nestedMessages(to), nestedMessages(from), path)
    const written = new Map(fieldsOf(from).map((field) => [field.number, field]))
    const read = new Map(fieldsOf(to).map((field) => [field.number, field]))
    for (const field of written.values()) {
      const at = `${path}/${field.number}`
      const same = read.get(field.number)
      if (same) this.#field(same, field, at)
      else if (isRequired(this.#writer, field)) this.report('REQUIRED_FIELD_REMOVED', at, field.name)
    }
    for (const field of read.values()) {
      const before = written.get(field.number)
      const isNew = before === undefined || !isRequired(this.#writer, before)
      if (isNew && isRequired(this.#reader, field))
        this.report('REQUIRED_FIELD_ADDED', `${path}/${field.number}`, field.name)
    }
    this.#oneofs(to, from, path)
  }

  #field(to: Field, from: Field, path: string): void {
    if (Boolean(to.mapKey) !== Boolean(from.mapKey)) {
      this.report('FIELD_KIND_CHANGED', path, to.name)
      return
    }
    if (to.mapKey && from.mapKey && scalarKinds[to.mapKey.name] !== scalarKinds[from.mapKey.name]) {
      this.report('FIELD_SCALAR_KIND_CHANGED', `${path}/1`, `${from.mapKey.name} is now ${to.mapKey.name}`)
    }
    this.#type(to, from, to.mapKey ? `${path}/2` : path)
  }

  #type(to: Field, from: Field, path: string): void {
    const change = `${from.type.name} is now ${to.type.name}`
    const [toKind, fromKind] = [kindOf(this.#reader, to), kindOf(this.#writer, from)]
    const isMessage = toKind === 'message' || toKind === 'group'
    if (toKind !== fromKind) {
      const areScalars = !isMessage && fromKind !== 'message' && fromKind !== 'group'
      this.report(areScalars ? 'FIELD_SCALAR_KIND_CHANGED' : 'FIELD_KIND_CHANGED', path, change)
      return
    }
    if (isMessage) this.#messageType(to.type.target as Message, from.type.target as Message, path, change)
    else if ((to.label === 'repeated') !== (from.label === 'repeated') && toKind !== 'bytes') {
      this.report('FIELD_NUMERIC_LABEL_CHANGED', path, to.name)
    }
  }

  #messageType(to: Message, from: Message, path: string, change: string): void {
    if (to.fullName !== from.fullName) {
      // The names in a package that has changed are compared without it.
      const [ours, theirs] = [localName(this.#reader, to), localName(this.#writer, from)]
      if (ours === undefined || ours !== theirs) {
        this.report('FIELD_NAMED_TYPE_CHANGED', path, change)
        return
      }
    }
    // Messages of these files are compared where they are declared, those of imported files where they are used.
    const isOwn = localName(this.#reader, to) !== undefined && localName(this.#writer, from) !== undefined
    if (!isOwn) this.message(to, from, path)
  }

  #oneofs(to: Message, from: Message, path: string): void {
    const writtenIn = new Map<number, Oneof | undefined>(fieldsOf(from).map((field) => [field.number, undefined]))
    for (const oneof of membersOf(from, 'oneof')) for (const { number } of oneof.fields) writtenIn.set(number, oneof)
    for (const oneof of membersOf(to, 'oneof')) {
      const at = `${path}/${oneof.name}`
      const before = membersOf(from, 'oneof').find(({ name }) => name === oneof.name)
      for (const field of before?.fields ?? []) {
        if (!oneof.fields.some(({ number }) => number === field.number)) {
          this.report('ONEOF_FIELD_REMOVED', `${at}/${field.number}`, field.name)
        }
      }
      // A writer may have set two of them at once, and the reader would keep the last.
      const known = oneof.fields.filter(({ number }) => writtenIn.has(number))
      const homes = new Set(known.map(({ number }) => writtenIn.get(number) ?? number))
      if (homes.size > 1) {
        this.report('MULTIPLE_FIELDS_MOVED_TO_ONEOF', at, known.map(({ name }) => name).join(', '))
      }
    }
  }
}

function kindOf(linked: LinkedFile, field: Field): string {
  const { type, group } = field
  if (!type.target) return scalarKinds[type.name]!
  if (type.target.kind === 'enum') return 'varint'
  const isDelimited = featuresOf(linked, field)?.message_encoding === 'DELIMITED' && !field.mapKey
  return group || isDelimited ? 'group' : 'message'
}

function isRequired(linked: LinkedFile, field: Field): boolean {
  return field.label === 'required' || featuresOf(linked, field)?.field_presence === 'LEGACY_REQUIRED'
}

/** The field may be one of a file that `linked` depends on. */
function featuresOf(linked: LinkedFile, field: Field): Features | undefined {
  const own = linked.features.get(field)
  if (own) return own
  return [...closureOf(linked)].find((file) => file.features.has(field))?.features.get(field)
}

/** The name without the package; undefined for a message of another file. */
function localName(linked: LinkedFile, message: Message): string | undefined {
  if (linked.symbols.get(message.fullName)?.type !== message) return undefined
  const name = linked.file.package
  return name === '' ? message.fullName : message.fullName.slice(name.length + 1)
}
