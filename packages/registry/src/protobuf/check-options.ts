// The rules of options: they exist, have values of their type, and are allowed where they are.

import { isPseudo, messagesOf, pseudoOption } from './descriptor.ts'
import { ownFeatures } from './features.ts'
import { descriptorFileOf, joinName, type LinkedFile } from './link.ts'
import {
  type Enum,
  type Field,
  isEdition,
  jsonName,
  type Message,
  type Option,
  type Position,
  ProtobufError,
  type Service,
} from './model.ts'
import { interpretOptions, isRepeated } from './options.ts'
import { scalarValue, ValueError } from './values.ts'

function fail(problem: string, at: Position): never {
  throw new ProtobufError(problem, at)
}

/** Looks at the options of every element of the file. */
export function checkOptions(linked: LinkedFile): void {
  const { file } = linked
  const types = messagesOf(descriptorFileOf(linked))
  const check = (options: readonly Option[], type: string, scope: string): void => {
    if (options.length === 0) return
    const features = options.find(({ name }) => name[0]!.text === 'features' && !name[0]!.extension)
    if (features && !isEdition(file.syntax)) fail('Features are only valid under editions.', features.at)
    interpretOptions(options, types.get(type)!, scope, linked)
  }

  check(file.options, 'FileOptions', file.package)
  for (const declared of file.declarations) {
    if (declared.kind === 'message') message(declared)
    else if (declared.kind === 'enum') enumeration(declared)
    else if (declared.kind === 'extend') fields(declared.fields, file.package)
    else service(declared)
  }

  function message(one: Message): void {
    check(one.options, 'MessageOptions', one.fullName)
    const entry = one.options.find(
      ({ name }) => name.length === 1 && name[0]!.text === 'map_entry' && !name[0]!.extension,
    )
    if (entry) fail('map_entry should not be set explicitly. Use map<KeyType, ValueType> instead.', entry.at)
    for (const member of one.members) {
      if (member.kind === 'field') fields([member], one.fullName)
      else if (member.kind === 'oneof') {
        check(member.options, 'OneofOptions', joinName(one.fullName, member.name))
        fields(member.fields, one.fullName)
      } else if (member.kind === 'message') message(member)
      else if (member.kind === 'enum') enumeration(member)
      else if (member.kind === 'extend') fields(member.fields, one.fullName)
      else if (member.kind === 'extensions') check(member.options, 'ExtensionRangeOptions', one.fullName)
    }
  }

  function fields(list: readonly Field[], scope: string): void {
    for (const field of list) {
      const plain = field.options.filter((option) => !isPseudo(option))
      check(plain, 'FieldOptions', joinName(scope, field.name))
      if (field.group) message(field.group)
    }
  }

  function enumeration(one: Enum): void {
    check(one.options, 'EnumOptions', one.fullName)
    for (const value of one.values) check(value.options, 'EnumValueOptions', joinName(one.fullName, value.name))
  }

  function service(one: Service): void {
    const scope = joinName(file.package, one.name)
    check(one.options, 'ServiceOptions', scope)
    for (const method of one.methods) check(method.options, 'MethodOptions', joinName(scope, method.name))
  }
}

const packable = (field: Field): boolean =>
  field.type.target ? field.type.target.kind === 'enum' : field.type.name !== 'string' && field.type.name !== 'bytes'

/** The options of a field that depend on its type, and `default` and `json_name`. */
export function checkFieldOptions(linked: LinkedFile, field: Field): void {
  for (const wanted of ['default', 'json_name'] as const) {
    const all = field.options.filter((option) => isPseudo(option) && option.name[0]!.text === wanted)
    if (all.length > 1) fail(`Already set option "${wanted}".`, all[1]!.at)
  }
  checkDefault(linked, field)
  const json = pseudoOption(field, 'json_name')
  if (json) {
    if (json.value.kind !== 'string') fail('Expected string for JSON name.', json.value.at)
    const name = json.value.bytes.toString('utf8')
    if (field.extension && name !== jsonName(field.name)) {
      fail('option json_name is not allowed on extension fields.', json.at)
    }
    if (name.startsWith('[') && name.endsWith(']')) {
      fail('option json_name cannot have a name that starts with "[" and ends with "]".', json.at)
    }
    if (name.includes('\0')) fail('json_name cannot have embedded null characters.', json.at)
  }
  const named = (wanted: string): Option | undefined =>
    field.options.find(({ name }) => name.length === 1 && !name[0]!.extension && name[0]!.text === wanted)
  const isTrue = (option: Option | undefined): option is Option =>
    option?.value.kind === 'name' && option.value.text === 'true'
  const packed = named('packed')
  if (isTrue(packed) && !(field.label === 'repeated' && packable(field))) {
    fail('[packed = true] can only be specified for repeated primitive fields.', packed.at)
  }
  if (packed && isEdition(linked.file.syntax)) {
    fail('Field option packed is not allowed under editions. Use the repeated_field_encoding feature.', packed.at)
  }
  const lazy = [named('lazy'), named('unverified_lazy')].find(isTrue)
  if (lazy && (field.type.target?.kind !== 'message' || field.mapKey)) {
    fail('[lazy = true] can only be specified for submessage fields.', lazy.at)
  }
  const jstype = named('jstype')
  const isLong = !field.mapKey && /64$/.test(field.type.name)
  if (jstype?.value.kind === 'name' && jstype.value.text !== 'JS_NORMAL' && !isLong) {
    fail('jstype is only allowed on int64, uint64, sint64, fixed64 or sfixed64 fields.', jstype.at)
  }
}

/** The features that a field of this kind can have. https://protobuf.dev/editions/features/ */
export function checkFieldFeatures(field: Field, isInOneof: boolean): void {
  const own = ownFeatures(field.options)
  const presence = own.get('field_presence')
  const target = field.type.target?.kind
  if (presence) {
    const kind = isInOneof ? 'Oneof' : isRepeated(field) ? 'Repeated' : undefined
    if (kind !== undefined) fail(`${kind} fields can't specify field presence.`, presence.at)
    if (field.extension && presence.text === 'LEGACY_REQUIRED') fail("Extensions can't be required.", presence.at)
    if (field.extension) fail("Extensions can't specify field presence.", presence.at)
    if (target === 'message' && presence.text === 'IMPLICIT') {
      fail("Message fields can't specify implicit presence.", presence.at)
    }
  }
  const encoding = own.get('repeated_field_encoding')
  if (encoding && !isRepeated(field)) fail('Only repeated fields can specify repeated field encoding.', encoding.at)
  if (encoding?.text === 'PACKED' && (field.mapKey || !packable(field))) {
    fail('Only repeated primitive fields can specify PACKED repeated field encoding.', encoding.at)
  }
  const utf8 = own.get('utf8_validation')
  const isString = field.type.name === 'string' || field.mapKey?.name === 'string'
  if (utf8 && !isString) fail('Only string fields can specify utf8 validation.', utf8.at)
  const message = own.get('message_encoding')
  if (message && (target !== 'message' || field.mapKey)) {
    fail('Only message fields can specify message encoding.', message.at)
  }
}

function checkDefault(linked: LinkedFile, field: Field): void {
  const option = pseudoOption(field, 'default')
  if (!option) return
  if (linked.file.syntax === 'proto3') fail('Explicit default values are not allowed in proto3.', option.at)
  if (isRepeated(field)) fail("Repeated fields can't have default values.", option.at)
  if (field.type.target?.kind === 'message') fail("Messages can't have default values.", option.at)
  if (isEdition(linked.file.syntax) && linked.features.get(field)!.field_presence === 'IMPLICIT') {
    fail("Implicit presence fields can't specify defaults.", option.at)
  }
  try {
    scalarValue(field, option.value, false)
  } catch (error) {
    if (error instanceof ValueError) fail(`${error.message} default of "${field.name}".`, option.value.at)
    throw error
  }
}
