import { describe, expect, it } from 'vitest'
import { payloadDetails } from './schema-diff.ts'

const text = { type: 'string' }

describe('the fields of a payload that changed', () => {
  it('are those of a schema that refers to itself once', () => {
    const tree = (value: object) => ({ properties: { value, left: { $ref: '#' }, right: { $ref: '#' } } })
    expect(payloadDetails(JSON.stringify(tree(text)), tree({ type: 'integer' }))).toEqual([
      { key: 'field value', from: 'string', to: 'integer' },
    ])
  })

  it('are limited where definitions refer to each other many times', () => {
    const level = (next: string) =>
      Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`f${i}`, { $ref: `#/$defs/${next}` }]))
    const names = ['a', 'b', 'c', 'd', 'e']
    const $defs = Object.fromEntries(names.map((name, i) => [name, { properties: level(names[i + 1] ?? 'leaf') }]))
    const schema = { $ref: '#/$defs/a', $defs: { ...$defs, leaf: text } }
    expect(payloadDetails(JSON.stringify({ properties: {} }), schema)).toHaveLength(200)
    // The limit may hide a field of the old schema, so none is called new.
    const first = { properties: { $x: text } }
    const rows = payloadDetails(JSON.stringify(schema), first)
    expect(rows.filter(({ to }) => to !== null)).toEqual([])
  })
})
