// The rules of a linked file beyond grammar and names, with protoc's words.

import { checkEnumNames, checkJsonNames } from './check-names.ts'
import { checkFieldFeatures, checkFieldOptions, checkOptions } from './check-options.ts'
import { isMessageSet } from './descriptor.ts'
import type { Features } from './features.ts'
import type { LinkedFile } from './link.ts'
import {
  type Enum,
  type Extend,
  type Field,
  fieldsOf,
  isEdition,
  type Message,
  membersOf,
  type NumberRange,
  type Position,
  ProtobufError,
} from './model.ts'
import { maxFieldNumber, maxInt32 } from './parse-ranges.ts'

/** @throws {ProtobufError} the first rule that the file breaks */
export function checkFile(linked: LinkedFile): void {
  const { file } = linked
  checkOptions(linked)
  for (const declared of file.declarations) {
    if (declared.kind === 'message') checkMessage(linked, declared)
    else if (declared.kind === 'enum') checkEnum(linked, declared)
    else if (declared.kind === 'extend') checkExtend(linked, declared)
  }
}

function fail(problem: string, at: Position): never {
  throw new ProtobufError(problem, at)
}

function checkMessage(linked: LinkedFile, message: Message): void {
  checkRanges(message)
  checkNumbers(message)
  checkJsonNames(linked, message)
  for (const member of message.members) {
    if (member.kind === 'message') checkMessage(linked, member)
    else if (member.kind === 'enum') checkEnum(linked, member)
    else if (member.kind === 'extend') checkExtend(linked, member)
    else if (member.kind === 'extensions' && linked.file.syntax === 'proto3') {
      fail('Extension ranges are not allowed in proto3.', member.ranges[0]!.at)
    }
  }
  const inOneofs = new Set(membersOf(message, 'oneof').flatMap(({ fields }) => fields))
  for (const field of fieldsOf(message)) {
    checkField(linked, field)
    checkFieldFeatures(field, inOneofs.has(field))
    if (field.group) checkMessage(linked, field.group)
  }
  if (linked.file.syntax === 'proto3' && isMessageSet(message)) {
    fail('MessageSet is not supported in proto3.', message.at)
  }
  if (isMessageSet(message)) {
    const first = fieldsOf(message)[0]
    if (first) fail('MessageSets cannot have fields, only extensions.', first.at)
    if (membersOf(message, 'extensions').length === 0) fail('MessageSets must have extensions.', message.at)
  }
}

function checkField(linked: LinkedFile, field: Field): void {
  checkNumber(field, field.extension !== undefined && isMessageSet(field.extension.extendee))
  if (field.mapKey && ['float', 'double', 'bytes'].includes(field.mapKey.name)) {
    fail('Key in map fields cannot be float/double, bytes or message types.', field.mapKey.at)
  }
  const { target } = field.type
  if (field.mapKey && target?.kind === 'enum' && target.values[0]?.number !== 0) {
    fail('Enum value in map must define 0 as the first value.', field.type.at)
  }
  if (
    target?.kind === 'enum' &&
    linked.features.get(field)?.field_presence === 'IMPLICIT' &&
    isClosed(linked, target)
  ) {
    const problem =
      linked.file.syntax === 'proto3'
        ? `Enum type "${target.fullName}" is not a proto3 enum, but is used in "${field.name}", a field of a proto3 message type.`
        : `Implicit presence enum fields must always be open: "${target.fullName}" is closed.`
    if (field.label !== 'optional') fail(problem, field.type.at)
  }
  checkFieldOptions(linked, field)
}

/** @returns whether an enum is closed; it may be one of an imported file */
function isClosed(linked: LinkedFile, target: Enum): boolean {
  for (const file of linked.visible) {
    const features: Features | undefined = file.features.get(target)
    if (features) return features.enum_type === 'CLOSED'
  }
  return false
}

function checkNumber(field: Field, inMessageSet: boolean): void {
  const { number, numberAt } = field
  if (number <= 0) fail('Field numbers must be positive integers.', numberAt)
  const max = inMessageSet ? maxInt32 - 1 : maxFieldNumber
  if (number > max) fail(`Field numbers cannot be greater than ${max}.`, numberAt)
  if (number >= 19000 && number <= 19999) {
    fail('Field numbers 19000 through 19999 are reserved for the protocol buffer library implementation.', numberAt)
  }
}

function contains({ from, to }: NumberRange, number: number): boolean {
  return from <= number && number <= to
}

/** @returns the range that has a number, found in a few steps however many there are; the ranges do not overlap */
function rangeFinder(ranges: readonly NumberRange[]): (number: number) => NumberRange | undefined {
  const sorted = ranges.toSorted((a, b) => a.from - b.from)
  return (number) => {
    let [low, high] = [0, sorted.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (sorted[middle]!.from <= number) low = middle + 1
      else high = middle
    }
    const found = sorted[low - 1]
    return found && contains(found, number) ? found : undefined
  }
}

function checkRanges(message: Message): void {
  const max = isMessageSet(message) ? maxInt32 - 1 : maxFieldNumber
  const extensions = membersOf(message, 'extensions').flatMap(({ ranges }) => ranges)
  const reserved = membersOf(message, 'reserved').flatMap(({ ranges }) => ranges)
  for (const [kind, ranges, limit] of [
    ['Extension', extensions, max],
    ['Reserved', reserved, maxFieldNumber],
  ] as const) {
    for (const { from, to, at } of ranges) {
      if (from <= 0) fail(`${kind} numbers must be positive integers.`, at)
      if (to < from) fail(`${kind} range end number must be greater than start number.`, at)
      if (from > limit || (Number.isFinite(to) && to > limit)) {
        fail(`${kind} numbers cannot be greater than ${limit}.`, at)
      }
    }
  }
  const all = [
    ...reserved.map((range) => ({ ...range, kind: 'reserved' })),
    ...extensions.map((range) => ({ ...range, kind: 'extension' })),
  ]
  checkOverlaps(all, (range, other) => {
    const [first, second] = [`${other.from} to ${other.to}`, `${range.from} to ${range.to}`]
    if (range.kind === other.kind) {
      const kind = range.kind === 'reserved' ? 'Reserved' : 'Extension'
      return `${kind} range ${second} overlaps with already-defined range ${first}.`
    }
    return `Extension range ${second} overlaps with reserved range ${first}.`
  })
  checkReservedNames(message, membersOf(message, 'reserved'), fieldsOf(message), 'Field')
}

type KindOfRange = NumberRange & { readonly kind?: string }

/** Sorted first, so that many ranges are compared in little time. */
function checkOverlaps(
  ranges: readonly KindOfRange[],
  problem: (range: KindOfRange, other: KindOfRange) => string,
): void {
  const sorted = ranges.toSorted((a, b) => a.from - b.from || a.to - b.to)
  let widest = sorted[0]
  for (const range of sorted.slice(1)) {
    if (range.from <= widest!.to) fail(problem(range, widest!), range.at)
    if (range.to > widest!.to) widest = range
  }
}

function checkReservedNames(
  around: Message | Enum,
  reserved: readonly { readonly names: readonly { readonly name: string; readonly at: Position }[] }[],
  used: readonly { readonly name: string; readonly at: Position }[],
  kind: 'Field' | 'Enum value',
): void {
  const names = new Set<string>()
  for (const { name, at } of reserved.flatMap((one) => one.names)) {
    if (names.has(name))
      fail(`${kind === 'Field' ? 'Field' : 'Enum value'} name "${name}" is reserved multiple times.`, at)
    if (!/^[A-Za-z_]\w*$/.test(name)) continue
    names.add(name)
  }
  const taken = used.find(({ name }) => names.has(name))
  if (!taken) return
  const subject = kind === 'Field' ? `Field name "${taken.name}"` : `Enum value "${taken.name}"`
  fail(`${subject} is reserved${kind === 'Field' ? '' : ` in "${around.fullName}"`}.`, taken.at)
}

function checkNumbers(message: Message): void {
  const byNumber = new Map<number, Field>()
  const extensionAt = rangeFinder(membersOf(message, 'extensions').flatMap(({ ranges }) => ranges))
  const reservedAt = rangeFinder(membersOf(message, 'reserved').flatMap(({ ranges }) => ranges))
  for (const field of fieldsOf(message)) {
    const before = byNumber.get(field.number)
    if (before) {
      fail(
        `Field number ${field.number} has already been used in "${message.fullName}" by field "${before.name}".`,
        field.numberAt,
      )
    }
    byNumber.set(field.number, field)
    const extension = extensionAt(field.number)
    if (extension) {
      fail(
        `Extension range ${extension.from} to ${extension.to} includes field "${field.name}" (${field.number}).`,
        extension.at,
      )
    }
    if (reservedAt(field.number)) {
      fail(`Field "${field.name}" uses reserved number ${field.number}.`, field.numberAt)
    }
  }
}

function checkExtend(linked: LinkedFile, extend: Extend): void {
  const extendee = extend.extendee.target as Message
  const ranges = membersOf(extendee, 'extensions').flatMap((one) => one.ranges)
  if (linked.file.syntax === 'proto3' && !/^google\.protobuf\.(?:\w+Options|FeatureSet)$/.test(extendee.fullName)) {
    fail('Extensions in proto3 are only allowed for defining options.', extend.extendee.at)
  }
  for (const field of extend.fields) {
    checkField(linked, field)
    checkFieldFeatures(field, false)
    if (field.group) checkMessage(linked, field.group)
    if (field.label === 'required') fail(`The extension ${field.extension!.fullName} cannot be required.`, field.at)
    if (!ranges.some((range) => contains(range, field.number))) {
      fail(`"${extendee.fullName}" does not declare ${field.number} as an extension number.`, field.numberAt)
    }
    const other = otherExtension(linked, extendee, field)
    if (other !== undefined) {
      fail(
        `Extension number ${field.number} has already been used in "${extendee.fullName}" by extension "${other}".`,
        field.numberAt,
      )
    }
    if (isMessageSet(extendee) && (field.label === 'repeated' || field.type.target?.kind !== 'message')) {
      fail('Extensions of MessageSets must be optional messages.', field.type.at)
    }
  }
}

function otherExtension(linked: LinkedFile, extendee: Message, field: Field): string | undefined {
  for (const file of linked.visible) {
    for (const { extension } of file.symbols.values()) {
      // Of two in one file the later one is wrong.
      if (extension === field) break
      if (!extension?.extension || extension.number !== field.number) continue
      if (extension.extension.extendee === extendee) return extension.extension.fullName
    }
  }
  return undefined
}

function checkEnum(linked: LinkedFile, one: Enum): void {
  const first = one.values[0]
  if (!first) fail('Enums must contain at least one value.', one.at)
  const features = linked.features.get(one)!
  if (features.enum_type === 'OPEN' && first.number !== 0) {
    const where = isEdition(linked.file.syntax) ? 'open enums' : 'proto3'
    fail(`The first enum value must be zero in ${where}.`, first.numberAt)
  }
  checkAliases(one)
  const ranges = one.reserved.flatMap((reserved) => reserved.ranges)
  for (const { from, to, at } of ranges) {
    if (to < from) fail('Reserved range end number must be greater than start number.', at)
  }
  checkOverlaps(
    ranges,
    (range, other) =>
      `Reserved range ${range.from} to ${range.to} overlaps with already-defined range ${other.from} to ${other.to}.`,
  )
  const reservedAt = rangeFinder(ranges)
  for (const { name, number, numberAt } of one.values) {
    if (reservedAt(number)) fail(`Enum value "${name}" uses reserved number ${number}.`, numberAt)
  }
  checkReservedNames(one, one.reserved, one.values, 'Enum value')
  checkEnumNames(linked, one)
}

function checkAliases(one: Enum): void {
  const allowed = one.options.find(({ name }) => name.length === 1 && name[0]!.text === 'allow_alias')
  const isAllowed = allowed?.value.kind === 'name' && allowed.value.text === 'true'
  const byNumber = new Map<number, string>()
  let aliases = 0
  for (const { name, number, numberAt } of one.values) {
    const before = byNumber.get(number)
    if (before === undefined) byNumber.set(number, name)
    else if (isAllowed) aliases++
    else {
      fail(
        `"${name}" uses the same enum value as "${before}". If this is intended, set 'option allow_alias = true;' to the enum definition.`,
        numberAt,
      )
    }
  }
  if (isAllowed && aliases === 0) {
    fail(
      `"${one.fullName}" declares support for enum aliases but no enum values share field numbers. Please remove the unnecessary 'option allow_alias = true;' declaration.`,
      one.at,
    )
  }
  if (allowed && !isAllowed)
    fail(
      `"${one.fullName}" declares 'option allow_alias = false;' which has no effect. Please remove the declaration.`,
      one.at,
    )
}
