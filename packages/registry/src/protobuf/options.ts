// The options of an element as a message: names looked up, values converted.
// https://protobuf.dev/programming-guides/proto3/#customoptions
import { encodeMessage, type MessageValue, mapEntryFields, type Value } from './codec.ts'
import { type LinkedFile, lookUp } from './link.ts'
import {
  type Field,
  fieldsOf,
  type LiteralField,
  type Message,
  type Option,
  type OptionNamePart,
  type OptionValue,
  type Position,
  ProtobufError,
} from './model.ts'
import { scalarValue, ValueError } from './values.ts'

/** Whether a list of numbers in an option is packed on the wire. */
export function isPackedOption(field: Field): boolean {
  return field.options.some(
    ({ name, value }) => name[0]!.text === 'packed' && value.kind === 'name' && value.text === 'true',
  )
}

/**
 * @param options those of one element, without `default` and `json_name`, which are not options
 * @param type the message of such options: `google.protobuf.FieldOptions`
 * @param scope full name of the element, where names of extensions are looked up
 * @throws {ProtobufError} an option that does not exist, a value of another type
 */
export function interpretOptions(
  options: readonly Option[],
  type: Message,
  scope: string,
  file: LinkedFile,
): MessageValue {
  const result: MessageValue = new Map()
  for (const option of options) new Interpreter(option, scope, file).setIn(result, type)
  return result
}

class Interpreter {
  readonly #option: Option
  readonly #scope: string
  readonly #file: LinkedFile

  constructor(option: Option, scope: string, file: LinkedFile) {
    this.#option = option
    this.#scope = scope
    this.#file = file
  }

  setIn(result: MessageValue, type: Message): void {
    const { name, value } = this.#option
    let [around, message]: [MessageValue, Message] = [result, type]
    for (const [index, part] of name.entries()) {
      const text = pathText(name.slice(0, index + 1))
      const field = this.#find(part, message, text)
      if (index === name.length - 1) {
        this.#set(around, field, value, pathText(name))
        return
      }
      if (field.type.target?.kind !== 'message') this.#fail(`Option "${text}" is an atomic type, not a message.`)
      if (isRepeated(field)) {
        this.#fail(
          `Option field "${text}" is a repeated message. Repeated message options must be initialized using an aggregate value.`,
        )
      }
      const inner = (around.get(field) as MessageValue | undefined) ?? new Map()
      around.set(field, inner)
      around = inner
      message = field.type.target as Message
    }
  }

  #fail(problem: string, at: Position = this.#option.at): never {
    throw new ProtobufError(problem, at)
  }

  #find(part: OptionNamePart, message: Message, path: string): Field {
    if (!part.extension) {
      if (part.text === 'uninterpreted_option') {
        this.#fail('Option must not use reserved name "uninterpreted_option".')
      }
      return fieldsOf(message).find(({ name }) => name === part.text) ?? this.#fail(`Option "${path}" unknown.`)
    }
    const symbol = lookUp(this.#file, part.text, this.#scope, ({ kind }) => kind === 'extension')
    if (!symbol?.extension) {
      this.#fail(
        `Option "${path}" unknown. Ensure that your proto definition file imports the proto which defines the option.`,
      )
    }
    if (symbol.extension.extension!.extendee.fullName !== message.fullName) {
      this.#fail(`Option "${path}" unknown: it is an option of ${symbol.extension.extension!.extendee.fullName}.`)
    }
    return symbol.extension
  }

  #set(around: MessageValue, field: Field, value: OptionValue, path: string): void {
    if (!isRepeated(field) && around.has(field)) this.#fail(`Option "${path}" was already set.`)
    const isMessage = field.type.target?.kind === 'message'
    if (isMessage && value.kind !== 'message') {
      this.#fail(
        `Option "${path}" is a message. To set the entire message, use syntax like "${path} = { <proto text format> }". To set fields within it, use syntax like "${path}.foo = value".`,
      )
    }
    if (!isMessage && value.kind === 'message') {
      this.#fail(`Option "${path}" is an atomic type, not a message.`)
    }
    put(around, field, this.#value(field, value, path, false))
  }

  #value(field: Field, value: OptionValue, path: string, literal: boolean): Value {
    const { target } = field.type
    if (field.mapKey) return this.#mapEntry(field, value, path)
    if (target?.kind === 'message') {
      if (value.kind !== 'message')
        this.#fail(`Error while parsing option value for "${path}": Expected "{".`, value.at)
      return this.#literal(target, value.fields, path)
    }
    try {
      return scalarValue(field, value, literal)
    } catch (error) {
      if (error instanceof ValueError) this.#fail(`${error.message} option "${path}".`, value.at)
      throw error
    }
  }

  #literal(type: Message, fields: readonly LiteralField[], path: string): MessageValue {
    const result: MessageValue = new Map()
    for (const one of fields) {
      const wrong = (problem: string): never =>
        this.#fail(`Error while parsing option value for "${path}": ${problem}`, one.at)
      if (one.form === 'any') {
        this.#any(result, type, one, path)
        continue
      }
      const field =
        this.#literalField(type, one) ??
        wrong(
          one.form === 'extension'
            ? `Extension "${one.name}" is not defined or is not an extension of "${type.fullName}".`
            : `Message type "${type.fullName}" has no field named "${one.name}".`,
        )
      const values = one.value.kind === 'list' ? one.value.items : [one.value]
      if (one.value.kind === 'list' && !isRepeated(field)) wrong(`Non-repeated field "${one.name}" cannot be a list.`)
      if (!isRepeated(field) && result.has(field))
        wrong(`Non-repeated field "${one.name}" is specified multiple times.`)
      for (const value of values) put(result, field, this.#value(field, value, path, true))
    }
    return result
  }

  #literalField(type: Message, { name, form }: LiteralField): Field | undefined {
    if (form === 'extension') {
      const symbol = lookUp(this.#file, name, this.#scope, ({ kind }) => kind === 'extension')
      return symbol?.extension?.extension?.extendee.fullName === type.fullName ? symbol.extension : undefined
    }
    return fieldsOf(type).find((field) => (field.group ? field.group.name === name : field.name === name))
  }

  /** `[type.googleapis.com/acme.Order] { … }` */
  #any(result: MessageValue, type: Message, { name, value, at }: LiteralField, path: string): void {
    const fullName = name.slice(name.lastIndexOf('/') + 1)
    const target = lookUp(this.#file, `.${fullName}`, '', () => true)?.type
    const [url, bytes] = ['type_url', 'value'].map((wanted) => fieldsOf(type).find((field) => field.name === wanted))
    if (
      type.fullName !== 'google.protobuf.Any' ||
      target?.kind !== 'message' ||
      value.kind !== 'message' ||
      !url ||
      !bytes
    ) {
      this.#fail(`Error while parsing option value for "${path}": Could not find type "${name}".`, at)
    }
    result.set(url, name)
    result.set(bytes, encodeMessage(this.#literal(target, value.fields, path), isPackedOption))
  }

  /** An entry of a map is written as a message with the fields `key` and `value`. */
  #mapEntry(field: Field, value: OptionValue, path: string): Value {
    if (value.kind !== 'message') this.#fail(`Error while parsing option value for "${path}": Expected "{".`, value.at)
    const entry: MessageValue = new Map()
    const parts = mapEntryFields(field)
    for (const one of value.fields) {
      const part = one.name === 'key' ? parts.key : one.name === 'value' ? parts.value : undefined
      if (!part) {
        this.#fail(
          `Error while parsing option value for "${path}": a map entry has no field named "${one.name}".`,
          one.at,
        )
      }
      entry.set(part, this.#value(part, one.value, path, true))
    }
    return entry
  }
}

export function isRepeated(field: Field): boolean {
  return field.label === 'repeated' || field.mapKey !== undefined
}

function put(message: MessageValue, field: Field, value: Value): void {
  if (!isRepeated(field)) {
    message.set(field, value)
    return
  }
  const before = message.get(field)
  if (Array.isArray(before)) before.push(value)
  else message.set(field, [value])
}

export function pathText(name: readonly OptionNamePart[]): string {
  return name.map(({ text, extension }) => (extension ? `(${text})` : text)).join('.')
}
