// The same file without the differences that mean nothing: names of types in full, imports, options, fields and reserved
// numbers in order. Messages keep their order, because written records name them by their place.
import { jsonNameOf } from './descriptor.ts'
import type { LinkedFile } from './link.ts'
import {
  type Enum,
  type Extend,
  type Field,
  hasGroupExtensions,
  hasGroups,
  haveGroup,
  jsonName,
  type Member,
  type Message,
  type NumberRange,
  type Option,
  type ProtoFile,
  type Reserved,
  type Service,
  type TypeUse,
} from './model.ts'
import { pathText } from './options.ts'

export function normalizeProto({ file }: LinkedFile): ProtoFile {
  const declarations = file.declarations.map((one) => {
    if (one.kind === 'message') return normalMessage(one)
    if (one.kind === 'enum') return normalEnum(one)
    return one.kind === 'extend' ? normalExtend(one) : normalService(one)
  })
  return {
    ...file,
    hasSyntax: true,
    imports: file.imports.toSorted((a, b) => compare(a.path, b.path)),
    options: sorted(file.options),
    declarations: hasGroupExtensions(file)
      ? declarations
      : sortedAmong(declarations, 'extend', ({ extendee }) => extendee.name),
  }
}

/** Those of one kind in the order of their keys, in the places that they have together; the others stay where they are. */
function sortedAmong<One extends { readonly kind: string }, Kind extends One['kind']>(
  all: readonly One[],
  kind: Kind,
  key: (one: Extract<One, { kind: Kind }>) => string,
): One[] {
  const isOfKind = (one: One): one is Extract<One, { kind: Kind }> => one.kind === kind
  const inOrder = all.filter(isOfKind).toSorted((a, b) => compare(key(a), key(b)))
  let next = 0
  return all.map((one) => (isOfKind(one) ? inOrder[next++]! : one))
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** By name; those of the same name, which are a list, keep their order. */
function sorted(options: readonly Option[]): readonly Option[] {
  return options.toSorted((a, b) => compare(pathText(a.name), pathText(b.name)))
}

function fullName(use: TypeUse): TypeUse {
  return use.target ? { ...use, name: `.${use.target.fullName}` } : use
}

function normalMessage(message: Message): Message {
  const members = message.members.map(normalMember)
  const reserved = joined(members.filter((member) => member.kind === 'reserved'))
  const others = members.filter((member) => member.kind !== 'reserved')
  const ordered = hasGroups(message)
    ? others
    : [
        ...byNumber(others.filter((member) => member.kind === 'field')),
        ...sortedAmong(
          others.filter((member) => member.kind !== 'field'),
          'oneof',
          ({ name }) => name,
        ),
      ]
  return { ...message, options: sorted(message.options), members: [...reserved, ...ordered] }
}

/** Unless groups are among them, whose messages keep their order. */
function byNumber(fields: readonly Field[]): readonly Field[] {
  if (haveGroup(fields)) return fields
  return fields.toSorted((a, b) => a.number - b.number)
}

function byStart(ranges: readonly NumberRange[]): NumberRange[] {
  return ranges.toSorted((a, b) => a.from - b.from)
}

/** All reserved numbers in one statement, and all names in another. */
function joined(statements: readonly Reserved[]): Reserved[] {
  const first = statements[0]
  if (!first) return []
  const ranges = byStart(statements.flatMap((one) => one.ranges))
  const names = statements.flatMap((one) => one.names).toSorted((a, b) => compare(a.name, b.name))
  return [
    ...(ranges.length === 0 ? [] : [{ ...first, ranges, names: [] }]),
    ...(names.length === 0 ? [] : [{ ...first, ranges: [], names }]),
  ]
}

function normalField(field: Field): Field {
  const isUsualName = jsonNameOf(field) === jsonName(field.name)
  const options = field.options.filter(({ name }) => !(isUsualName && pathText(name) === 'json_name'))
  return {
    ...field,
    type: field.group ? field.type : fullName(field.type),
    group: field.group && normalMessage(field.group),
    options: sorted(options),
  }
}

/** The first value is the default of the enum, and stays first. */
function normalEnum(one: Enum): Enum {
  const [first, ...rest] = one.values.map((value) => ({ ...value, options: sorted(value.options) }))
  const values = first ? [first, ...rest.toSorted((a, b) => a.number - b.number)] : []
  return { ...one, options: sorted(one.options), values, reserved: joined(one.reserved) }
}

function normalExtend(extend: Extend): Extend {
  return { ...extend, extendee: fullName(extend.extendee), fields: byNumber(extend.fields.map(normalField)) }
}

function normalService(service: Service): Service {
  const methods = service.methods.map((method) => ({
    ...method,
    input: fullName(method.input),
    output: fullName(method.output),
    options: sorted(method.options),
  }))
  return { ...service, options: sorted(service.options), methods }
}

/** The file without the extensions that it declares and the options that are extensions. */
export function withoutExtensions(file: ProtoFile): ProtoFile {
  return {
    ...file,
    options: plain(file.options),
    declarations: file.declarations
      .filter((one) => one.kind !== 'extend')
      .map((one) => {
        if (one.kind === 'message') return plainMessage(one)
        return one.kind === 'enum' ? plainEnum(one) : plainService(one)
      }),
  }
}

function plain(options: readonly Option[]): readonly Option[] {
  return options.filter(({ name }) => !name.some(({ extension }) => extension))
}

function plainMessage(message: Message): Message {
  const members = message.members.flatMap(plainMember)
  return { ...message, options: plain(message.options), members }
}

function plainField(field: Field): Field {
  return { ...field, group: field.group && plainMessage(field.group), options: plain(field.options) }
}

function plainEnum(one: Enum): Enum {
  const values = one.values.map((value) => ({ ...value, options: plain(value.options) }))
  return { ...one, options: plain(one.options), values }
}

function plainService(service: Service): Service {
  const methods = service.methods.map((method) => ({ ...method, options: plain(method.options) }))
  return { ...service, options: plain(service.options), methods }
}

function normalMember(member: Member): Member {
  switch (member.kind) {
    case 'field':
      return normalField(member)
    case 'oneof':
      return { ...member, options: sorted(member.options), fields: byNumber(member.fields.map(normalField)) }
    case 'message':
      return normalMessage(member)
    case 'enum':
      return normalEnum(member)
    case 'extend':
      return normalExtend(member)
    case 'extensions':
      return { ...member, options: sorted(member.options), ranges: byStart(member.ranges) }
    case 'reserved':
      return member
  }
}

function plainMember(member: Member): Member[] {
  switch (member.kind) {
    case 'field':
      return [plainField(member)]
    case 'oneof':
      return [{ ...member, options: plain(member.options), fields: member.fields.map(plainField) }]
    case 'message':
      return [plainMessage(member)]
    case 'enum':
      return [plainEnum(member)]
    case 'extend':
      return []
    case 'extensions':
      return [{ ...member, options: plain(member.options) }]
    case 'reserved':
      return [member]
  }
}
