import { describe, expect, it } from 'vitest'
import { readIncompatibility } from './read-messages.ts'

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

  it('is kept as it is where that is another one’s wording', () => {
    expect(readIncompatibility(['no good'])).toEqual({
      reasons: [{ type: null, description: 'no good', path: null, additionalInfo: null, direction: null }],
      version: null,
      compatibility: null,
    })
  })
})
