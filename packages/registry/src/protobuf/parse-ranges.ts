// `reserved` and `extensions` statements.
import type { Extensions, NumberRange, Reserved } from './model.ts'
import { bracketedOptions } from './parse-options.ts'
import type { TokenReader } from './reader.ts'

/** The greatest number of a field. https://protobuf.dev/programming-guides/proto3/#assigning */
export const maxFieldNumber = 0x1fffffff
export const maxInt32 = 0x7fffffff

export function extensionsStatement(reader: TokenReader): Extensions {
  const { at } = reader.expect('extensions')
  const ranges = fieldRanges(reader)
  const options = bracketedOptions(reader)
  reader.expect(';')
  return { kind: 'extensions', ranges, options, at }
}

export function messageReserved(reader: TokenReader, namesAreIdentifiers: boolean): Reserved {
  return reserved(reader, namesAreIdentifiers, fieldRanges)
}

export function enumReserved(reader: TokenReader, namesAreIdentifiers: boolean): Reserved {
  return reserved(reader, namesAreIdentifiers, enumRanges)
}

function reserved(
  reader: TokenReader,
  namesAreIdentifiers: boolean,
  ranges: (reader: TokenReader) => NumberRange[],
): Reserved {
  const { at } = reader.expect('reserved')
  const { kind } = reader.token
  if (kind === 'string' && namesAreIdentifiers) {
    reader.fail('Reserved names must be identifiers in editions, not string literals.')
  }
  if (kind === 'name' && !namesAreIdentifiers) {
    reader.fail('Reserved names must be string literals. (Only editions supports identifiers.)')
  }
  if (kind !== 'string' && kind !== 'name') {
    const found = ranges(reader)
    reader.expect(';')
    return { kind: 'reserved', ranges: found, names: [], at }
  }
  const names: Reserved['names'][number][] = []
  do {
    const place = reader.at
    const name = kind === 'name' ? reader.name() : reader.string('Expected field name string literal.').toString()
    names.push({ name, at: place })
  } while (reader.take(','))
  reader.expect(';')
  return { kind: 'reserved', ranges: [], names, at }
}

function fieldRanges(reader: TokenReader): NumberRange[] {
  const ranges: NumberRange[] = []
  do {
    const { at } = reader
    const from = reader.integer(
      BigInt(maxInt32),
      ranges.length === 0 ? 'Expected field name or number range.' : 'Expected field number range.',
    )
    let to = from
    if (reader.take('to')) {
      to = reader.take('max') ? Number.POSITIVE_INFINITY : reader.integer(BigInt(maxInt32), 'Expected integer.')
    }
    ranges.push({ from, to, at })
  } while (reader.take(','))
  return ranges
}

function enumRanges(reader: TokenReader): NumberRange[] {
  const ranges: NumberRange[] = []
  do {
    const { at } = reader
    const from = signed(reader)
    let to = from
    if (reader.take('to')) to = reader.take('max') ? maxInt32 : signed(reader)
    ranges.push({ from, to, at })
  } while (reader.take(','))
  return ranges
}

function signed(reader: TokenReader): number {
  const negative = reader.take('-')
  const magnitude = reader.integer(negative ? 0x80000000n : 0x7fffffffn, 'Expected enum value or number range.')
  return negative && magnitude !== 0 ? -magnitude : magnitude
}
