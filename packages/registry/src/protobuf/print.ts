// Writes a .proto file in the form that Confluent's registry stores: without comments; imports, options and declarations each
// together; in a message reserved, options, fields, oneofs, extensions, messages, enums.
//
// The order is that of Square's Wire (ProtoFileElement.toSchema and its parts, Apache-2.0) with messages before enums, as the
// description of https://github.com/confluentinc/schema-registry/pull/1863 says. Empty lines are only between the sections, as in the
// stored schemas that https://github.com/confluentinc/schema-registry/issues/2335 and Confluent's documentation of the Protobuf
// serializer quote.
import {
  type Enum,
  type Extend,
  type Extensions,
  type Field,
  hasGroupExtensions,
  hasGroups,
  isEdition,
  type LiteralField,
  type Message,
  membersOf,
  type NumberRange,
  type Oneof,
  type Option,
  type OptionValue,
  type ProtoFile,
  type Reserved,
  type Rpc,
  type Service,
} from './model.ts'
import { maxFieldNumber, maxInt32 } from './parse-ranges.ts'

export function printProto(file: ProtoFile): string {
  const editions = isEdition(file.syntax)
  const plainImports = file.imports.filter(({ kind }) => kind !== 'public')
  const publicImports = file.imports.filter(({ kind }) => kind === 'public')
  const head = [
    ...(file.hasSyntax ? [editions ? `edition = "${file.syntax}";` : `syntax = "${file.syntax}";`] : []),
    ...(file.package === '' ? [] : [`package ${file.package};`]),
  ]
  const blocks = [
    head,
    [...plainImports, ...publicImports].map(
      ({ kind, path }) => `import ${kind === undefined ? '' : `${kind} `}${quote(path)};`,
    ),
    file.options.flatMap(optionLines),
    ...typeBlocks(file, editions),
    declarationsOf(file, 'service').flatMap(serviceLines),
  ].filter((block) => block.length > 0)
  return `${blocks.map((block) => block.join('\n')).join('\n\n')}\n`
}

type Declaration = ProtoFile['declarations'][number]

function declarationsOf<Kind extends Declaration['kind']>(file: ProtoFile, kind: Kind) {
  return file.declarations.filter((one): one is Extract<Declaration, { kind: Kind }> => one.kind === kind)
}

/** Messages and enums, and extensions; in the order of the text where an extension brings a message. */
function typeBlocks(file: ProtoFile, editions: boolean): string[][] {
  if (hasGroupExtensions(file)) {
    const types = file.declarations.filter((one) => one.kind !== 'service')
    return [types.flatMap((one) => memberLines(one, editions))]
  }
  return [
    [
      ...declarationsOf(file, 'message').flatMap((message) => messageLines(message, editions)),
      ...declarationsOf(file, 'enum').flatMap((one) => enumLines(one, editions)),
    ],
    declarationsOf(file, 'extend').flatMap((extend) => extendLines(extend, editions)),
  ]
}

function messageLines(message: Message, editions: boolean, opening?: string): string[] {
  const visibility = message.visibility === undefined ? '' : `${message.visibility} `
  // A group brings a message, whose place among the others written records may name: such a message keeps its order.
  if (hasGroups(message)) {
    const lines = [
      ...message.options.flatMap(optionLines),
      ...message.members.flatMap((one) => memberLines(one, editions)),
    ]
    return block(opening ?? `${visibility}message ${message.name}`, lines)
  }
  const sections: string[][] = [
    membersOf(message, 'reserved').map((one) => reservedLine(one, editions, maxFieldNumber)),
    message.options.flatMap(optionLines),
    membersOf(message, 'field').flatMap((field) => fieldLines(field, editions)),
    membersOf(message, 'oneof').flatMap((oneof) => oneofLines(oneof, editions)),
    membersOf(message, 'extensions').flatMap(extensionsLines),
    [
      ...membersOf(message, 'message').flatMap((one) => messageLines(one, editions)),
      ...membersOf(message, 'enum').flatMap((one) => enumLines(one, editions)),
    ],
    membersOf(message, 'extend').flatMap((one) => extendLines(one, editions)),
  ].filter((section) => section.length > 0)
  const body = sections.flatMap((section, index) => (index === 0 ? section : ['', ...section]))
  return block(opening ?? `${visibility}message ${message.name}`, body)
}

function memberLines(member: Message['members'][number], editions: boolean): string[] {
  switch (member.kind) {
    case 'field':
      return fieldLines(member, editions)
    case 'oneof':
      return oneofLines(member, editions)
    case 'message':
      return messageLines(member, editions)
    case 'enum':
      return enumLines(member, editions)
    case 'extend':
      return extendLines(member, editions)
    case 'extensions':
      return extensionsLines(member)
    case 'reserved':
      return [reservedLine(member, editions, maxFieldNumber)]
  }
}

function block(opening: string, body: readonly string[]): string[] {
  return body.length === 0 ? [`${opening} {}`] : [`${opening} {`, ...indent(body), '}']
}

function indent(lines: readonly string[]): string[] {
  return lines.map((line) => (line === '' ? '' : `  ${line}`))
}

function fieldLines(field: Field, editions: boolean): string[] {
  const label = field.label === undefined ? '' : `${field.label} `
  if (field.group) {
    const options = bracketed(field.options)
    const opening = `${label}group ${field.group.name} = ${field.number}${options}`
    return messageLines(field.group, editions, opening)
  }
  const type = field.mapKey ? `map<${field.mapKey.name}, ${field.type.name}>` : field.type.name
  return `${label}${type} ${field.name} = ${field.number}${bracketed(field.options)};`.split('\n')
}

/** ` [a = 1]`; several options one a line. */
function bracketed(options: readonly Option[]): string {
  if (options.length === 0) return ''
  if (options.length === 1) return ` [${optionText(options[0]!)}]`
  const lines = options.flatMap((option, index) =>
    `${optionText(option)}${index < options.length - 1 ? ',' : ''}`.split('\n'),
  )
  return ` [\n${indent(lines).join('\n')}\n]`
}

function oneofLines(oneof: Oneof, editions: boolean): string[] {
  return block(`oneof ${oneof.name}`, [
    ...oneof.options.flatMap(optionLines),
    ...oneof.fields.flatMap((field) => fieldLines(field, editions)),
  ])
}

function extendLines(extend: Extend, editions: boolean): string[] {
  return block(
    `extend ${extend.extendee.name}`,
    extend.fields.flatMap((field) => fieldLines(field, editions)),
  )
}

function extensionsLines({ ranges, options }: Extensions): string[] {
  return `extensions ${rangesText(ranges, maxFieldNumber)}${bracketed(options)};`.split('\n')
}

function reservedLine({ ranges, names }: Reserved, editions: boolean, max: number): string {
  if (names.length === 0) return `reserved ${rangesText(ranges, max)};`
  return `reserved ${names.map(({ name }) => (editions ? name : quote(name))).join(', ')};`
}

function rangesText(ranges: readonly NumberRange[], max: number): string {
  return ranges.map(({ from, to }) => (from === to ? String(from) : `${from} to ${to >= max ? 'max' : to}`)).join(', ')
}

function enumLines(one: Enum, editions: boolean): string[] {
  const visibility = one.visibility === undefined ? '' : `${one.visibility} `
  const values = one.values.flatMap(({ name, number, options }) =>
    `${name} = ${number}${bracketed(options)};`.split('\n'),
  )
  return block(`${visibility}enum ${one.name}`, [
    ...one.reserved.map((reserved) => reservedLine(reserved, editions, maxInt32)),
    ...one.options.flatMap(optionLines),
    ...values,
  ])
}

function serviceLines(service: Service): string[] {
  return block(`service ${service.name}`, [
    ...service.options.flatMap(optionLines),
    ...service.methods.flatMap(rpcLines),
  ])
}

function rpcLines(rpc: Rpc): string[] {
  const input = `${rpc.inputStream ? 'stream ' : ''}${rpc.input.name}`
  const output = `${rpc.outputStream ? 'stream ' : ''}${rpc.output.name}`
  const text = `rpc ${rpc.name} (${input}) returns (${output})`
  if (rpc.options.length === 0) return [`${text};`]
  return block(text, rpc.options.flatMap(optionLines))
}

function optionLines(option: Option): string[] {
  return `option ${optionText(option)};`.split('\n')
}

export function optionText({ name, value }: Option): string {
  const path = name.map(({ text, extension }) => (extension ? `(${text})` : text)).join('.')
  return `${path} = ${valueText(value)}`
}

export function valueText(value: OptionValue): string {
  switch (value.kind) {
    case 'string':
      return quoteBytes(value.bytes)
    case 'number':
    case 'name':
      return value.text
    case 'message':
      if (value.fields.length === 0) return '{}'
      return `{\n${separated(value.fields.map(literalText))}\n}`
    case 'list':
      if (value.items.length === 0) return '[]'
      return `[\n${separated(value.items.map(valueText))}\n]`
  }
}

function literalText({ name, form, value }: LiteralField): string {
  return `${form === 'field' ? name : `[${name}]`}: ${valueText(value)}`
}

function separated(items: readonly string[]): string {
  return indent(items.join(',\n').split('\n')).join('\n')
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

function quote(text: string): string {
  return quoteBytes(Buffer.from(text, 'utf8'))
}

const named: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '"': '\\"', '\\': '\\\\' }

/** A string literal: characters as they are, bytes that are not UTF-8 as octal escapes. */
export function quoteBytes(bytes: Buffer): string {
  let text: string
  try {
    text = utf8.decode(bytes)
  } catch {
    text = bytes.toString('latin1')
    return `"${[...text].map((one) => (one > '~' ? octal(one) : escaped(one))).join('')}"`
  }
  // TextDecoder drops a byte order mark at the start.
  const mark = bytes.length >= 3 && bytes.subarray(0, 3).equals(Buffer.from([0xef, 0xbb, 0xbf])) ? '\ufeff' : ''
  return `"${[...`${mark}${text}`].map(escaped).join('')}"`
}

function escaped(character: string): string {
  return named[character] ?? (character < ' ' || character === '\u007f' ? octal(character) : character)
}

function octal(character: string): string {
  return `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`
}
