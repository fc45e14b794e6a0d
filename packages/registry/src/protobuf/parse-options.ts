// Options and their values, message literals too.
import type { LiteralField, Option, OptionNamePart, OptionValue } from './model.ts'
import type { TokenReader } from './reader.ts'

/** `option name = value;`, after the word. */
export function optionStatement(reader: TokenReader): Option {
  const option = assignment(reader)
  reader.expect(';')
  return option
}

/** `[name = value, …]`, if there are any. */
export function bracketedOptions(reader: TokenReader): Option[] {
  if (!reader.take('[')) return []
  const options: Option[] = []
  do options.push(assignment(reader))
  while (reader.take(','))
  reader.expect(']')
  return options
}

function assignment(reader: TokenReader): Option {
  const { at } = reader
  const name: OptionNamePart[] = [namePart(reader)]
  while (reader.take('.')) name.push(namePart(reader))
  reader.expect('=')
  return { name, value: optionValue(reader), at }
}

function namePart(reader: TokenReader): OptionNamePart {
  if (!reader.take('(')) return { text: reader.name(), extension: false }
  const text = reader.dottedName(true)
  reader.expect(')')
  return { text, extension: true }
}

function optionValue(reader: TokenReader): OptionValue {
  const { at } = reader
  if (reader.is('{')) return messageLiteral(reader, '}', 0)
  const scalar = scalarValue(reader)
  return scalar ?? reader.fail('Expected option value.', at)
}

function scalarValue(reader: TokenReader): OptionValue | undefined {
  const { at } = reader
  if (reader.token.kind === 'string') return { kind: 'string', bytes: reader.string(), at }
  const sign = reader.take('-') ? '-' : ''
  const { kind } = reader.token
  if (kind === 'name') {
    const { text } = reader.next()
    if (sign !== '' && !/^(?:inf|infinity|nan)$/i.test(text)) reader.fail("Invalid '-' symbol before identifier.", at)
    return { kind: 'name', text: `${sign}${text}`, at }
  }
  if (kind === 'integer' || kind === 'float') return { kind: 'number', text: `${sign}${reader.next().text}`, at }
  return undefined
}

const deepestLiteral = 100

function messageLiteral(reader: TokenReader, close: '}' | '>', depth: number): OptionValue {
  const { at } = reader
  if (depth > deepestLiteral) reader.fail('Message is too deep.')
  reader.next()
  const fields: LiteralField[] = []
  while (!reader.take(close)) {
    if (reader.token.kind === 'end') reader.fail('Unexpected end of stream while parsing aggregate value.')
    fields.push(literalField(reader, depth))
    if (!reader.take(',')) reader.take(';')
  }
  return { kind: 'message', fields, at }
}

function literalField(reader: TokenReader, depth: number): LiteralField {
  const { at } = reader
  const { name, form } = literalName(reader)
  const hasColon = reader.take(':')
  const isMessage = reader.is('{') || reader.is('<')
  if (!hasColon && !isMessage && !reader.is('[')) reader.fail(`Expected ":", found "${reader.token.text}".`)
  const value = literalValue(reader, depth)
  if (!hasColon && value.kind === 'list' && value.items.some((item) => item.kind !== 'message')) {
    reader.fail('Expected ":", found "[".', at)
  }
  return { name, form, value, at }
}

function literalName(reader: TokenReader): Pick<LiteralField, 'name' | 'form'> {
  if (!reader.take('[')) return { name: reader.name(), form: 'field' }
  let name = reader.dottedName(false)
  let form: LiteralField['form'] = 'extension'
  while (reader.take('/')) {
    form = 'any'
    name += `/${reader.dottedName(false)}`
  }
  reader.expect(']')
  return { name, form }
}

function literalValue(reader: TokenReader, depth: number): OptionValue {
  const { at } = reader
  if (reader.is('{')) return messageLiteral(reader, '}', depth + 1)
  if (reader.is('<')) return messageLiteral(reader, '>', depth + 1)
  if (!reader.take('['))
    return scalarValue(reader) ?? reader.fail(`Expected a value, found "${reader.token.text}".`, at)
  const items: OptionValue[] = []
  if (!reader.is(']')) {
    do {
      if (reader.is('[')) reader.fail('A list cannot be in a list.')
      items.push(literalValue(reader, depth + 1))
    } while (reader.take(','))
  }
  reader.expect(']')
  return { kind: 'list', items, at }
}
