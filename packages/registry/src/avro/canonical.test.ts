import { describe, expect, it } from 'vitest'
import { avroFormat } from '../formats/avro.ts'
import { InvalidSchemaError } from '../formats/index.ts'
import { canonicalCases } from '../test-support/oracle.ts'

function canonical(schema: string, references: readonly string[] = []): string {
  const resolved = references.map((text, index) => ({
    reference: { name: `r${index}`, subject: `r${index}`, version: 1 },
    schema: text,
  }))
  return avroFormat.parse({ schema }, resolved, false).canonical
}

describe('the canonical text of an Avro schema is what Java Avro 1.12 prints', () => {
  for (const { name, schema, references, canonical: expected } of canonicalCases) {
    if (expected !== undefined) it(name, () => expect(canonical(schema, references)).toBe(expected))
  }
})

describe('what Java Avro 1.12 refuses is refused', () => {
  for (const { name, schema, references, error } of canonicalCases) {
    if (error !== undefined) it(name, () => expect(() => canonical(schema, references)).toThrow(InvalidSchemaError))
  }
})

describe('the canonical text', () => {
  it('is its own canonical text', () => {
    for (const { canonical: text, references } of canonicalCases) {
      if (text !== undefined) expect(canonical(text, references)).toBe(text)
    }
  })

  it('refuses a name that is used before it is defined, as the specification asks', () => {
    const schema = JSON.stringify({
      type: 'record',
      name: 'A',
      fields: [
        { name: 'b', type: 'B' },
        { name: 'c', type: { type: 'record', name: 'B', fields: [] } },
      ],
    })
    expect(() => canonical(schema)).toThrow(/Undefined name: "B".*\(at \/fields\/0\/type\)/)
  })

  it('says where in the text the JSON breaks', () => {
    expect(() => canonical('{\n  "type": "record",\n  name: "A"\n}')).toThrow(
      "unexpected character 'n', expected a field name in double quotes at line 3, column 3",
    )
  })

  it('refuses nesting that would exhaust the stack', () => {
    expect(() => canonical('['.repeat(100_000))).toThrow('nested deeper than 1000 levels')
  })
})
