import { describe, expect, it } from 'vitest'
import { explainReason, readIncompatibility } from './read-messages.ts'

describe('why a schema is incompatible', () => {
  it('is read from the registry’s lines: reasons, the version and the level', () => {
    const messages = [
      `{errorType:'READER_FIELD_MISSING_DEFAULT_VALUE', description:'The field 'tenant' at path '/fields/1' in the new schema has no default value', additionalInfo:'tenant'}`,
      '{oldSchemaVersion: 3}',
      `{oldSchema: '{"type":"record","name":"A","fields":[]}'}`,
      `{validateFields: 'false', compatibility: 'BACKWARD'}`,
    ]
    expect(readIncompatibility(messages)).toEqual({
      reasons: [
        {
          type: 'READER_FIELD_MISSING_DEFAULT_VALUE',
          description: "The field 'tenant' at path '/fields/1' in the new schema has no default value",
          path: '/fields/1',
          additionalInfo: 'tenant',
          direction: 'backward',
        },
      ],
      version: 3,
      compatibility: 'BACKWARD',
    })
  })

  it('a mismatch gives the path of the type or name, and the types of reader and writer', () => {
    const schema = JSON.stringify({
      type: 'record',
      name: 'Order',
      fields: [
        { name: 'id', type: 'string' },
        {
          name: 'price',
          type: { type: 'record', name: 'Price', fields: [{ name: 'currency', type: 'int', default: 1 }] },
        },
      ],
    })
    const mismatch = (reader: string, writer: string): string =>
      `{errorType:'TYPE_MISMATCH', description:'The type (path '/fields/1/type/fields/0/type') of a field in the ${reader} schema does not match with the ${writer} schema', additionalInfo:'reader type: INT not compatible with writer type: STRING'}`
    const renamed = `{errorType:'NAME_MISMATCH', description:'The name of the schema has changed (path '/fields/1/type/name')', additionalInfo:'expected: Money'}`
    const read = (level: string, ...lines: string[]) =>
      readIncompatibility([...lines, `{compatibility: '${level}'}`]).reasons.map((reason) => [
        reason.path,
        explainReason(reason, schema),
      ])
    expect(read('BACKWARD', mismatch('new', 'old'), renamed)).toEqual([
      [
        '/fields/1/type/fields/0/type',
        "The type (path '/fields/1/type/fields/0/type') of a field in the new schema does not match with the old schema (field price.currency; reader type: INT not compatible with writer type: STRING)",
      ],
      [
        '/fields/1/type/name',
        "The name of the schema has changed (path '/fields/1/type/name') (field price; expected: Money)",
      ],
    ])
    // A path of the old schema leads elsewhere in the new one, and which schema reads is not known of a name under FULL.
    expect(read('FORWARD', mismatch('old', 'new'), renamed).map(([path]) => path)).toEqual([null, null])
    expect(read('FULL', renamed).map(([path]) => path)).toEqual([null])
  })

  it('has the place in the new schema of what is said of the old one, by the names of the fields', () => {
    const order = (...fields: object[]): string => JSON.stringify({ type: 'record', name: 'Order', fields })
    const old = order({ name: 'currency', type: 'string' }, { name: 'gone', type: 'string' })
    const wanted = order({ name: 'id', type: 'string', default: '' }, { name: 'currency', type: 'int' })
    const messages = [
      `{errorType:'TYPE_MISMATCH', description:'The type (path '/fields/0/type') of a field in the old schema does not match with the new schema', additionalInfo:'reader type: STRING not compatible with writer type: INT'}`,
      `{errorType:'READER_FIELD_MISSING_DEFAULT_VALUE', description:'The field 'gone' at path '/fields/1' in the old schema has no default value and is missing in the new schema', additionalInfo:'gone'}`,
      '{oldSchemaVersion: 1}',
      `{oldSchema: '${old}'}`,
      `{validateFields: 'false', compatibility: 'FORWARD'}`,
    ]
    const { reasons } = readIncompatibility(messages, wanted)
    expect(reasons.map(({ path }) => path)).toEqual(['/fields/1/type', '/fields'])
    expect(explainReason(reasons[0]!, wanted)).toMatch(/ \(field currency; reader type: STRING not .*: INT\)$/)
  })

  it('repeats nothing that the description says', () => {
    const missing = `{errorType:'READER_FIELD_MISSING_DEFAULT_VALUE', description:'The field 'tenant' at path '/fields/0' in the new schema has no default value and is missing in the old schema', additionalInfo:'tenant'}`
    const schema = '{"type":"record","name":"A","fields":[{"name":"tenant","type":"string"}]}'
    const [reason] = readIncompatibility([missing]).reasons
    expect(explainReason(reason!, schema)).toBe(reason!.description)
  })

  it('is kept as it is where that is another one’s wording', () => {
    expect(readIncompatibility(['no good'])).toEqual({
      reasons: [{ type: null, description: 'no good', path: null, additionalInfo: null, direction: null }],
      version: null,
      compatibility: null,
    })
  })

  it('is read of JSON Schema, whose lines have other quotes and no more than a description', () => {
    const removed =
      "The new has a closed content model and is missing a property or item present at path '#/properties/age' in the old schema"
    const changed = "The old schema has another type at path '#/properties/name' than the new schema"
    const messages = [
      `{errorType:"PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL", description:"${removed}'}`,
      `{errorType:"TYPE_CHANGED", description:"${changed}'}`,
      '{oldSchemaVersion: 2}',
      `{oldSchema: '{"properties":{"name":{"type":"string"},"age":{}}}'}`,
      "{validateFields: 'false', compatibility: 'FULL'}",
    ]
    const { reasons } = readIncompatibility(messages, '{"properties":{"name":{"type":"integer"}}}')
    expect(reasons).toEqual([
      {
        type: 'PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL',
        description: removed,
        path: '/properties/age',
        additionalInfo: null,
        direction: 'backward',
      },
      {
        type: 'TYPE_CHANGED',
        description: changed,
        path: '/properties/name',
        additionalInfo: null,
        direction: 'forward',
      },
    ])
    expect(explainReason(reasons[1]!, '{}')).toBe(changed)
  })
})
