// What holds for every schema, tried on random ones.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkAvroReader } from '../compatibility/index.ts'
import { schemaText } from '../test-support/arbitrary-schema.ts'
import { type AvroSchema, AvroSchemaError, normalizeAvro, parseAvro, printAvro } from './index.ts'

/** The schema of a text; undefined for the texts that break a rule. */
function parse(text: string): AvroSchema | undefined {
  try {
    return parseAvro(text)
  } catch (error) {
    expect(error).toBeInstanceOf(AvroSchemaError)
    return undefined
  }
}

const runs = { numRuns: 2000 }

describe('every Avro schema', () => {
  it('is parsed, or refused with a reason', () => {
    let valid = 0
    fc.assert(
      fc.property(schemaText, (text) => void (parse(text) && valid++)),
      runs,
    )
    expect(valid).toBeGreaterThan(500)
  })

  it('has a canonical text that is its own canonical text', () => {
    fc.assert(
      fc.property(schemaText, (text) => {
        const schema = parse(text)
        if (schema) expect(printAvro(parseAvro(printAvro(schema)))).toBe(printAvro(schema))
      }),
      runs,
    )
  })

  it('has a normal form that is its own normal form, and reads and is read by the original', () => {
    fc.assert(
      fc.property(schemaText, (text) => {
        const schema = parse(text)
        if (!schema) return
        const normal = printAvro(normalizeAvro(schema))
        const again = parseAvro(normal)
        expect(printAvro(normalizeAvro(again))).toBe(normal)
        if (text.includes('aliases')) return
        expect([checkAvroReader(schema, again), checkAvroReader(again, schema)]).toEqual([[], []])
      }),
      runs,
    )
  })

  it('can read what was written with it', () => {
    fc.assert(
      fc.property(schemaText, (text) => {
        const schema = parse(text)
        // An alias may name another field of the same record, which makes it ambiguous.
        if (schema && !text.includes('aliases')) expect(checkAvroReader(schema, parseAvro(text))).toEqual([])
      }),
      runs,
    )
  })
})

describe('any text at all', () => {
  it('is refused with a reason, never with a crash', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.json()), (text) => void parse(text)),
      runs,
    )
  })
})
