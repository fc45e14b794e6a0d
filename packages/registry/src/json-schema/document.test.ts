import { describe, expect, it, vi } from 'vitest'
import { checkMetaschema, JsonSchemaError, type JsonSchemaObject, resolvedText, SchemaDocument } from './index.ts'

const document = (schema: unknown, references: Readonly<Record<string, SchemaDocument>> = {}) =>
  new SchemaDocument(
    JSON.stringify(schema),
    Object.entries(references).map(([name, other]) => ({ name, document: other })),
  )

const in2020 = { $schema: 'https://json-schema.org/draft/2020-12/schema' }

/** The schema that a reference in the root leads to. */
const follow = (from: SchemaDocument, reference: string) => from.follow(reference, from.root as JsonSchemaObject).schema

describe('a reference', () => {
  it('leads to a place by pointer, with its escapes', () => {
    const schema = document({ definitions: { 'a/b': { title: 1 }, 'c d': { e: true }, '~': { title: 2 } } })
    expect(follow(schema, '#/definitions/a~1b')).toEqual({ title: 1 })
    expect(follow(schema, '#/definitions/~0')).toEqual({ title: 2 })
    expect(follow(schema, '#/definitions/c%20d/e')).toBe(true)
    expect(follow(schema, '#')).toBe(schema.root)
  })

  it('leads to an anchor, and to the address of a schema inside, against its base', () => {
    const inner = { $id: 'inner.json', $defs: { a: { $anchor: 'here', title: 'a' } } }
    const schema = document({ ...in2020, $id: 'https://example.com/root.json', $defs: { inner } })
    expect(follow(schema, 'inner.json')).toEqual(inner)
    expect(follow(schema, 'https://example.com/inner.json#here')).toEqual(inner.$defs.a)
    expect(follow(schema, 'inner.json#/$defs/a')).toEqual(inner.$defs.a)
    expect(follow(schema, 'https://example.com/root.json')).toBe(schema.root)
  })

  it('leads to an anchor of the older drafts, which is an $id, and in draft 4 an id', () => {
    expect(follow(document({ definitions: { a: { $id: '#here', title: 7 } } }), '#here')).toMatchObject({ title: 7 })
    const $schema = 'http://json-schema.org/draft-04/schema#'
    expect(follow(document({ $schema, definitions: { a: { id: '#here', title: 4 } } }), '#here')).toMatchObject({
      title: 4,
    })
  })

  it('takes no data and no name of a property for an address', () => {
    const schema = document({
      enum: [{ $id: 'data.json' }],
      properties: { $id: { title: 'a property' }, $ref: { title: 'another' } },
    })
    expect(() => follow(schema, 'data.json')).toThrow(JsonSchemaError)
    expect([...schema.allReferences()]).toEqual([])
  })

  it.each([
    ['the name', 'address', 'address'],
    ['the name with a base', 'https://example.com/address.json', 'address.json'],
    ['the other schema’s $id', 'other-name', 'https://example.com/address'],
  ])('leads to another document by %s', (_, name, reference) => {
    const other = document({ $id: 'https://example.com/address', title: 'other', definitions: { a: { title: 'a' } } })
    const schema = document({ $id: 'https://example.com/root.json' }, { [name]: other })
    expect(follow(schema, reference)).toBe(other.root)
    expect(follow(schema, `${reference}#/definitions/a`)).toEqual({ title: 'a' })
  })

  it('parses the names of the references once, however many $refs there are', () => {
    const names = Array.from({ length: 50 }, (_, index) => `name-${index}`)
    const others = Object.fromEntries(names.map((name) => [name, document({ title: name })]))
    const schema = document({ $id: 'https://example.com/root.json' }, others)
    let parsed = 0
    class CountingUrl extends URL {
      constructor(...of: ConstructorParameters<typeof URL>) {
        super(...of)
        parsed++
      }
    }
    vi.stubGlobal('URL', CountingUrl)
    const found = names.map((name) => follow(schema, `https://example.com/${name}`))
    vi.unstubAllGlobals()
    expect(found).toEqual(names.map((title) => ({ title })))
    expect(parsed).toBeLessThan(5 * names.length)
  })

  it('leads nowhere with an error that says what is missing', () => {
    const schema = document({ definitions: { list: [1] } })
    expect(() => follow(schema, '#/definitions/b')).toThrow('"#/definitions/b" leads to no schema')
    expect(() => follow(schema, '#/definitions/list')).toThrow('leads to no schema')
    expect(() => follow(schema, '#b')).toThrow('"#b" names no anchor of the schema')
    expect(() => follow(schema, 'b.json')).toThrow(/neither in the schema nor the name of one of its references/)
  })
})

describe('the text with all references written out', () => {
  it('is not needed where nothing is referenced', () => {
    expect(resolvedText(document({ $ref: '#/definitions/a', definitions: { a: {} } }))).toBeUndefined()
    expect(resolvedText(document({}, { unused: document({}) }))).toBeUndefined()
  })

  it('has each schema once, with its own references, under names that are free', () => {
    const leaf = document({
      $id: 'https://example.com/leaf',
      definitions: { a: false, b: { $ref: '#/definitions/a' } },
    })
    const middle = document({ items: { $ref: 'leaf#/definitions/b' } }, { leaf })
    const root = document(
      {
        properties: { m: { $ref: 'middle' }, l: { $ref: 'leaf' }, n: { $ref: 'leaf#/definitions/a' } },
        definitions: { leaf: { title: 'mine' } },
      },
      { middle, leaf },
    )
    expect(JSON.parse(resolvedText(root)!)).toEqual({
      properties: {
        m: { $ref: '#/definitions/middle' },
        l: { $ref: '#/definitions/leaf-2' },
        n: { $ref: '#/definitions/leaf-2/definitions/a' },
      },
      definitions: {
        leaf: { title: 'mine' },
        middle: { items: { $ref: '#/definitions/leaf-2/definitions/b' } },
        'leaf-2': { definitions: { a: false, b: { $ref: '#/definitions/leaf-2/definitions/a' } } },
      },
    })
  })

  it('leaves data as they are, and the $ids of referenced schemas out, which would move the pointers', () => {
    const data = { $ref: 'not-a-reference', $id: 'data' }
    const inner = document({
      items: {
        $id: 'inner.json',
        properties: { default: { $ref: '#/definitions/b' } },
        definitions: { b: { default: data, examples: [data], enum: [data] } },
      },
    })
    expect(JSON.parse(resolvedText(document({ $ref: 'inner', const: data }, { inner }))!)).toEqual({
      $ref: '#/definitions/inner',
      const: data,
      definitions: {
        inner: {
          items: {
            properties: { default: { $ref: '#/definitions/inner/items/definitions/b' } },
            definitions: { b: { default: data, examples: [data], enum: [data] } },
          },
        },
      },
    })
  })

  it('keeps integers that a double cannot hold', () => {
    const other = new SchemaDocument('{"maximum":9223372036854775807}')
    expect(resolvedText(document({ $ref: 'other' }, { other }))).toBe(
      '{"$ref":"#/definitions/other","definitions":{"other":{"maximum":9223372036854775807}}}',
    )
  })
})

describe('the check with the metaschema', () => {
  const check = (schema: unknown) => checkMetaschema(document(schema), JSON.stringify(schema))

  it('names the first place that is wrong, and looks for no others', () => {
    const schema = { properties: { a: { maxLength: -1 }, b: { items: { maxLength: -1 } } } }
    expect(() => check(schema)).toThrow(/\(at \/properties\/a\/maxLength\)/)
  })

  it('refuses a schema that is nested too deeply', () => {
    const nested = (levels: number): string => `${'{"not":'.repeat(levels)}{}${'}'.repeat(levels)}`
    const text = nested(900)
    const deep = new SchemaDocument(text)
    // With little stack left, as at the end of a deep call.
    const atDepth = (levels: number): void => (levels === 0 ? checkMetaschema(deep, text) : atDepth(levels - 1))
    expect(() => atDepth(5_000)).toThrow(JsonSchemaError)
    expect(() => atDepth(5_000)).toThrow(/nested too deeply to be checked/)
  })
})
