import { Ajv2020 } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { jsonSchemaProblems } from './json-schema-check.ts'

describe('the check of a JSON Schema', () => {
  const ajv = new Ajv2020({ strict: false, logger: false })

  // Names that mean something at each place, values of every kind: most are wrong, and some are right.
  const names = fc.constantFrom(
    ...'$defs $id $anchor $vocabulary allOf additionalProperties const default dependentRequired deprecated enum examples'.split(
      ' ',
    ),
    ...'items maximum maxItems minLength multipleOf not pattern patternProperties prefixItems properties required'.split(
      ' ',
    ),
    ...'title type uniqueItems'.split(' '),
  )
  const plain = fc.oneof(
    fc.constantFrom<unknown>('string', 'object', 'a', '#', '', '^[a-z]+$', '(', true, false, null, 0, 1, -1, 1.5),
    fc.constantFrom<unknown>([], {}, ['a'], ['a', 'a'], ['string', 'null'], [1], { a: ['b'] }, { a: true }, { a: 'b' }),
  )
  const { schema } = fc.letrec<{ schema: unknown; value: unknown }>((tie) => ({
    schema: fc.dictionary(names, tie('value'), { maxKeys: 4 }),
    value: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      plain,
      tie('schema'),
      fc.array(tie('schema'), { maxLength: 2 }),
      fc.dictionary(fc.constantFrom('a', 'b', '(', 'x/y'), tie('schema'), { maxKeys: 2 }),
    ),
  }))

  /** The meta-schema leaves it to validators whether a regular expression is one. */
  function hasBadPattern(value: unknown): boolean {
    if (typeof value !== 'object' || value === null) return false
    return Object.entries(value).some(
      ([name, inner]) => (name === 'pattern' && inner === '(') || name === '(' || hasBadPattern(inner),
    )
  }

  it('accepts and rejects the same schemas as the meta-schema of the draft', () => {
    let right = 0
    let wrong = 0
    fc.assert(
      fc.property(schema, (candidate) => {
        fc.pre(!hasBadPattern(candidate))
        // The meta-schema takes any keyword.
        const found = jsonSchemaProblems(candidate).filter(({ unknown }) => unknown === undefined)
        const expected = ajv.validateSchema(candidate as object) === true
        if (expected) right += 1
        else wrong += 1
        expect(found.length === 0).toBe(expected)
      }),
      { numRuns: 3000 },
    )
    // It compares something.
    expect(right).toBeGreaterThan(300)
    expect(wrong).toBeGreaterThan(300)
  })

  it.each([
    [[], 'it must be an object', ''],
    [{ $schema: 'http://json-schema.org/draft-07/schema#' }, /^\$schema must be .*2020-12/, '/$schema'],
    [
      { properties: { a: { type: 'strng' } } },
      /^\/properties\/a\/type must be .*; did you mean 'string'\?$/,
      '/properties/a/type',
    ],
    [
      { properties: { 'a/b': { minLength: -1 } } },
      '/properties/a~1b/minLength must be a whole number, 0 or more',
      '/properties/a~1b/minLength',
    ],
    [{ required: 'a' }, '/required must be a list of different texts', '/required'],
    [{ pattern: '(' }, /^\/pattern is not a regular expression: /, '/pattern'],
    [{ patternProperties: { '(': {} } }, /is not a regular expression/, '/patternProperties/('],
    [{ anyOf: [{}, 1] }, '/anyOf/1 must be a schema: an object, true or false', '/anyOf/1'],
    [{ format: 'emial' }, "/format 'emial' is not a format; did you mean 'email'?", '/format'],
    [{ $defs: { '100%': {} }, $ref: '#/$defs/100%' }, /^\/\$ref '#\/\$defs\/100%' leads to no schema/, '/$ref'],
    [{ properties: { a: { $ref: '#b' } } }, /leads to no schema in this file/, '/properties/a/$ref'],
    [{ properties: { a: { $ref: 'b.json' } } }, /leads to no schema in this file/, '/properties/a/$ref'],
    [{ requird: ['a'] }, "/requird is not a keyword; did you mean 'required'?", '/requird'],
  ])('says of %j what is wrong and where', (candidate, message, pointer) => {
    const [found] = jsonSchemaProblems(candidate)
    expect(found).toMatchObject({
      message: typeof message === 'string' ? message : expect.stringMatching(message),
      pointer,
    })
  })

  it('reports all mistakes', () => {
    const schema = { type: 'strng', properties: { a: { minimum: '1', requird: [] }, b: 1 } }
    expect(jsonSchemaProblems(schema).map(({ pointer }) => pointer)).toEqual([
      '/type',
      '/properties/a/minimum',
      '/properties/a/requird',
      '/properties/b',
    ])
  })

  it('accepts unknown keywords that begin with x-', () => {
    expect(jsonSchemaProblems({ 'x-owner': 1 })).toEqual([])
  })

  it('accepts references to pointers, anchors and lists, and looks for none in data', () => {
    const $defs = { a: { $anchor: 'tags' }, '100%': {} }
    const properties = {
      a: { $ref: '#tags' },
      b: { $ref: '#/allOf/0' },
      c: { $ref: '#/$defs/100%25' },
      d: { $ref: '#' },
    }
    expect(jsonSchemaProblems({ $defs, properties, allOf: [{}], examples: [{ $ref: '#x' }] })).toEqual([])
  })
})
