// Names that would be the same in JSON. https://protobuf.dev/programming-guides/json/
import { jsonNameOf } from './descriptor.ts'
import type { LinkedFile } from './link.ts'
import { type Enum, fieldsOf, jsonName, type Message, mapEntryName, ProtobufError } from './model.ts'

export function checkJsonNames(linked: LinkedFile, message: Message): void {
  checkMapEntries(message)
  // Conflicts of the names that are not set are warnings where JSON is a best effort (proto2).
  const isStrict = linked.features.get(message)!.json_format === 'ALLOW'
  for (const custom of [false, true]) {
    const seen = new Map<string, { readonly name: string; readonly custom: boolean }>()
    for (const field of fieldsOf(message)) {
      const usual = jsonName(field.name)
      const name = custom ? jsonNameOf(field) : usual
      const isCustom = custom && name !== usual
      const before = seen.get(name)
      // Where both have their default name it was reported in the first round.
      if (before && (isCustom || before.custom || !custom) && (isStrict || (isCustom && before.custom))) {
        const kind = (set: boolean): string => (set ? 'custom' : 'default')
        throw new ProtobufError(
          `The ${kind(isCustom)} JSON name of field "${field.name}" ("${name}") conflicts with the ${kind(before.custom)} JSON name of field "${before.name}".`,
          field.at,
        )
      }
      if (!before) seen.set(name, { name: field.name, custom: isCustom })
    }
  }
}

/** The entry message of a map has a name that may be taken. */
function checkMapEntries(message: Message): void {
  const taken = new Set(
    message.members.flatMap((member) =>
      member.kind === 'message' || member.kind === 'enum' || member.kind === 'oneof' ? [member.name] : [],
    ),
  )
  const fields = fieldsOf(message)
  for (const { name } of fields) taken.add(name)
  for (const { name, mapKey } of fields) {
    if (!mapKey) continue
    const entry = mapEntryName(name)
    if (taken.has(entry)) {
      throw new ProtobufError(
        `Expanded map entry type ${entry} conflicts with an existing type, field or oneof of "${message.fullName}".`,
        message.at,
      )
    }
    taken.add(entry)
  }
}

/** Values whose names are equal in letters, without the name of the enum before them. */
export function checkEnumNames(linked: LinkedFile, one: Enum): void {
  if (linked.features.get(one)!.json_format !== 'ALLOW') return
  const seen = new Map<string, { readonly name: string; readonly number: number }>()
  for (const value of one.values) {
    const stripped = pascalCase(withoutPrefix(value.name, one.name))
    const before = seen.get(stripped)
    if (before && before.name !== value.name && before.number !== value.number) {
      throw new ProtobufError(
        `Enum name ${value.name} has the same name as ${before.name} if you ignore case and strip out the enum name prefix (if any). (If you are using allow_alias, please assign the same numeric value to both enums.)`,
        value.at,
      )
    }
    if (!before) seen.set(stripped, value)
  }
}

/** Removes the enum's name, letters only, from the front; not if nothing would be left. */
function withoutPrefix(name: string, enumName: string): string {
  const prefix = enumName.replaceAll('_', '').toLowerCase()
  let index = 0
  let matched = 0
  while (index < name.length && matched < prefix.length) {
    if (name[index] === '_') index++
    else if (name[index]!.toLowerCase() === prefix[matched]) {
      index++
      matched++
    } else return name
  }
  if (matched < prefix.length) return name
  const rest = name.slice(index).replace(/^_+/, '')
  return rest === '' ? name : rest
}

function pascalCase(name: string): string {
  return name
    .split('_')
    .map((part) => part.slice(0, 1).toUpperCase() + part.slice(1).toLowerCase())
    .join('')
}
