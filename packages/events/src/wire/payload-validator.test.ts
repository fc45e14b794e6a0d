import { describe, expect, it } from 'vitest'
import { createPayloadValidator } from './payload-validator.ts'

const text = { type: 'string' }

function undeclared(schema: object, data: unknown): string[] {
  return createPayloadValidator(schema)(data).map(({ path }) => path)
}

describe('a field of a payload that its schema does not declare', () => {
  it('is refused, at any depth', () => {
    const schema = {
      type: 'object',
      properties: { a: text, list: { type: 'array', items: { properties: { b: text } } } },
    }
    expect(createPayloadValidator(schema)({ a: 'x', list: [{ b: 'y' }] })).toEqual([])
    expect(createPayloadValidator(schema)({ a: 'x', A: 1, list: [{ b: 'y', c: 2 }] })).toEqual([
      { path: '/A', expected: 'is not declared in the JSON Schema of this event type' },
      { path: '/list/0/c', expected: 'is not declared in the JSON Schema of this event type' },
    ])
  })

  it('passes where the schema lets any pass', () => {
    expect(undeclared({ properties: { a: text }, additionalProperties: true }, { z: 1 })).toEqual([])
    expect(undeclared({ properties: { a: text }, additionalProperties: { type: 'number' } }, { z: 1 })).toEqual([])
    expect(undeclared({ properties: { labels: { type: 'object' } } }, { labels: { z: 1 } })).toEqual([])
    expect(undeclared({ patternProperties: { '^x-': text }, properties: { a: text } }, { 'x-b': 'c' })).toEqual([])
    expect(undeclared({}, { z: 1 })).toEqual([])
  })

  it('is one that no part of a composed schema declares', () => {
    const schema = {
      $defs: { named: { properties: { name: text } } },
      allOf: [{ $ref: '#/$defs/named' }],
      anyOf: [
        { properties: { card: text }, required: ['card'] },
        { properties: { iban: text }, required: ['iban'] },
      ],
      properties: { owner: { $ref: '#/$defs/named' } },
    }
    expect(undeclared(schema, { name: 'n', card: 'c', owner: { name: 'o' } })).toEqual([])
    expect(undeclared(schema, { name: 'n', iban: 'i', owner: { name: 'o', age: 1 }, z: 1 })).toEqual([
      '/owner/age',
      '/z',
    ])
  })

  it('is said to be the declared one that was probably meant, unless the value has that already', () => {
    const meant = (schema: object, data: unknown): string[] =>
      createPayloadValidator(schema)(data).map(({ path, expected }) => `${path} ${expected}`)
    const method = { properties: { method: text, mfa: { type: 'boolean' } } }
    const [methd] = meant(method, { methd: 'password' })
    expect(methd).toBe('/methd is not declared in the JSON Schema of this event type; did you mean "method"?')
    expect(meant(method, { methd: 'password', method: 'password' })[0]).toMatch(/event type$/)
    const composed = { $defs: { login: method }, allOf: [{ $ref: '#/$defs/login' }] }
    expect(meant(composed, { methd: 'password' })).toEqual([methd])
    expect(
      meant({ properties: { login: { $ref: '#/$defs/login' } }, $defs: composed.$defs }, { login: { methd: '' } }),
    ).toEqual([`/login${methd}`])
  })

  it('is refused by a schema that refers to itself', () => {
    const tree = { properties: { value: text, children: { type: 'array', items: { $ref: '#' } } } }
    expect(undeclared(tree, { children: [{ value: 'a', children: [] }] })).toEqual([])
    expect(undeclared(tree, { children: [{ children: [{ z: 1 }] }] })).toContain('/children/0/children/0/z')
  })

  it('is refused by draft 7, unless the schema is composed', () => {
    const $schema = 'http://json-schema.org/draft-07/schema#'
    expect(undeclared({ $schema, properties: { a: text } }, { z: 1 })).toEqual(['/z'])
    expect(undeclared({ $schema, allOf: [{ properties: { a: text } }] }, { z: 1 })).toEqual([])
  })
})

describe('a payload validator', () => {
  it('says what is wrong without repeating texts', () => {
    const schema = {
      properties: { amount: { type: 'number', exclusiveMinimum: 0 }, method: { enum: ['card', 'iban'] } },
    }
    expect(createPayloadValidator(schema)({ amount: -3, method: 'Ann Smith' })).toEqual([
      { path: '/amount', expected: 'must be > 0, it is -3' },
      { path: '/method', expected: 'must be equal to one of the allowed values: card, iban' },
    ])
  })

  it.each([
    [{ type: 'strng' }, /\/type must be/],
    [{ required: 'a' }, /\/required must be a list/],
    [{ $schema: 'http://json-schema.org/draft-07/schema#', required: 'a' }, /schema is invalid/],
  ])('is not made of what is not a JSON Schema: %j', (schema, message) => {
    expect(() => createPayloadValidator(schema)).toThrow(message)
  })

  it('is made although a keyword or a format is unknown to it', () => {
    expect(createPayloadValidator({ properties: { a: { format: 'iban', note: 1 } } })({ a: 'x' })).toEqual([])
  })
})
