// The features that apply to each element: the edition's, then what the file and the elements around it set.
// https://protobuf.dev/editions/features/
import type { Enum, Extend, Field, Message, Option, Position, ProtoFile, Service, Syntax } from './model.ts'

export interface Features {
  readonly field_presence: 'EXPLICIT' | 'IMPLICIT' | 'LEGACY_REQUIRED'
  readonly enum_type: 'OPEN' | 'CLOSED'
  readonly repeated_field_encoding: 'PACKED' | 'EXPANDED'
  readonly utf8_validation: 'VERIFY' | 'NONE'
  readonly message_encoding: 'LENGTH_PREFIXED' | 'DELIMITED'
  readonly json_format: 'ALLOW' | 'LEGACY_BEST_EFFORT'
}

const edition: Features = {
  field_presence: 'EXPLICIT',
  enum_type: 'OPEN',
  repeated_field_encoding: 'PACKED',
  utf8_validation: 'VERIFY',
  message_encoding: 'LENGTH_PREFIXED',
  json_format: 'ALLOW',
}

const defaults: Readonly<Record<Syntax, Features>> = {
  proto2: {
    field_presence: 'EXPLICIT',
    enum_type: 'CLOSED',
    repeated_field_encoding: 'EXPANDED',
    utf8_validation: 'NONE',
    message_encoding: 'LENGTH_PREFIXED',
    json_format: 'LEGACY_BEST_EFFORT',
  },
  proto3: { ...edition, field_presence: 'IMPLICIT' },
  2023: edition,
  2024: edition,
}

export type Element = ProtoFile | Message | Enum | Field | Extend | Service

/** @returns the features of each message, enum and field of the file */
export function resolveFeatures(file: ProtoFile): ReadonlyMap<Element, Features> {
  const found = new Map<Element, Features>()
  const ofFile = override(defaults[file.syntax], file.options)
  found.set(file, ofFile)
  for (const declared of file.declarations) {
    if (declared.kind === 'message') visitMessage(declared, ofFile)
    else if (declared.kind === 'enum') found.set(declared, override(ofFile, declared.options))
    else if (declared.kind === 'extend') visitFields(declared.fields, ofFile)
  }
  return found

  function visitMessage(message: Message, around: Features): void {
    const features = override(around, message.options)
    found.set(message, features)
    for (const member of message.members) {
      if (member.kind === 'message') visitMessage(member, features)
      else if (member.kind === 'enum') found.set(member, override(features, member.options))
      else if (member.kind === 'field') visitFields([member], features)
      else if (member.kind === 'oneof') visitFields(member.fields, override(features, member.options))
      else if (member.kind === 'extend') visitFields(member.fields, features)
    }
  }

  function visitFields(fields: readonly Field[], around: Features): void {
    for (const field of fields) {
      found.set(field, override(around, field.options))
      if (field.group) visitMessage(field.group, around)
    }
  }
}

function override(around: Features, options: readonly Option[]): Features {
  const own = ownFeatures(options)
  return own.size === 0
    ? around
    : { ...around, ...Object.fromEntries([...own].map(([name, { text }]) => [name, text])) }
}

/** The features that an element itself sets: `features.x = Y`, or `features = { x: Y }`. */
export function ownFeatures(
  options: readonly Option[],
): ReadonlyMap<string, { readonly text: string; readonly at: Position }> {
  const found = new Map<string, { readonly text: string; readonly at: Position }>()
  for (const { name, value, at } of options) {
    if (name[0]!.text !== 'features' || name[0]!.extension) continue
    if (name.length === 1 && value.kind === 'message') {
      for (const field of value.fields) {
        if (field.value.kind === 'name') found.set(field.name, { text: field.value.text, at })
      }
    } else if (name.length === 2 && !name[1]!.extension && value.kind === 'name') {
      found.set(name[1]!.text, { text: value.text, at })
    }
  }
  return found
}
