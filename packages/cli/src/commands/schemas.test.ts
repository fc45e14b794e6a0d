import { readIncompatibility } from '@selfmonitor/registry'
import { describe, expect, it } from 'vitest'
import { reasons } from './schemas.ts'

describe('why a schema is incompatible', () => {
  it('is said without the old schema’s text, with the version and the level it was compared under', () => {
    const messages = [
      `{errorType:'READER_FIELD_MISSING_DEFAULT_VALUE', description:'The field 'tenant' has no default value', additionalInfo:'tenant'}`,
      '{oldSchemaVersion: 3}',
      `{oldSchema: '{"type":"record","name":"A","fields":[]}'}`,
      `{validateFields: 'false', compatibility: 'BACKWARD'}`,
    ]
    expect(reasons(readIncompatibility(messages))).toBe(
      "  The field 'tenant' has no default value\n  (version 3, BACKWARD)",
    )
  })

  it('is said as the registry does where that is another one’s wording', () => {
    expect(reasons(readIncompatibility(['no good']))).toBe('  no good')
  })
})
