// The bytes are those of Confluent Schema Registry 7.4 as recorded from its `_schemas` topic: keys `keytype`, `subject`,
// `version`, `magic` in this order; values `subject`, `version`, `id`, `schemaType` (not for Avro), `references` (not
// when empty), `schema`, `deleted`; CONFIG and MODE values carry the subject first.
import { describe, expect, it } from 'vitest'
import { decodeRecord, encodeKey, encodeSchemaValue, encodeValue, type SchemaValue } from './records.ts'

const text = (bytes: Buffer) => bytes.toString('utf8')
const decode = (key: string, value: string | null) =>
  decodeRecord(Buffer.from(key), value === null ? null : Buffer.from(value))

const value: SchemaValue = {
  subject: 'av-value',
  version: 1,
  id: 1,
  schemaType: 'AVRO',
  references: [],
  schema: '{"type":"record","name":"User","fields":[{"name":"id","type":"int"}]}',
  deleted: false,
}

describe('the keys of the registry topic', () => {
  it('have the bytes of Confluent', () => {
    expect(text(encodeKey({ keytype: 'SCHEMA', subject: 'av-value', version: 1 }))).toBe(
      '{"keytype":"SCHEMA","subject":"av-value","version":1,"magic":1}',
    )
    expect(text(encodeKey({ keytype: 'CONFIG', subject: null }))).toBe('{"keytype":"CONFIG","subject":null,"magic":0}')
    expect(text(encodeKey({ keytype: 'CONFIG', subject: 't' }))).toBe('{"keytype":"CONFIG","subject":"t","magic":0}')
    expect(text(encodeKey({ keytype: 'MODE', subject: 'r' }))).toBe('{"keytype":"MODE","subject":"r","magic":0}')
    expect(text(encodeKey({ keytype: 'DELETE_SUBJECT', subject: 'd' }))).toBe(
      '{"keytype":"DELETE_SUBJECT","subject":"d","magic":0}',
    )
    expect(text(encodeKey({ keytype: 'CLEAR_SUBJECT', subject: 'i' }))).toBe(
      '{"keytype":"CLEAR_SUBJECT","subject":"i","magic":0}',
    )
    expect(text(encodeKey({ keytype: 'NOOP' }))).toBe('{"keytype":"NOOP","magic":0}')
  })

  it('escape a subject as Jackson does: quotes and control characters only', () => {
    expect(text(encodeKey({ keytype: 'MODE', subject: 'a/"ü"\\\u001f😀' }))).toBe(
      '{"keytype":"MODE","subject":"a/\\"ü\\"\\\\\\u001F😀","magic":0}',
    )
  })

  it('are understood in any order, with any magic', () => {
    const record = decode('{"subject":"s","version":2,"magic":0,"keytype":"SCHEMA"}', null)
    expect(record).toEqual({ key: { keytype: 'SCHEMA', subject: 's', version: 2 }, value: null })
  })
})

describe('the values of the registry topic', () => {
  it('have the bytes of Confluent', () => {
    expect(text(encodeSchemaValue(value))).toBe(
      '{"subject":"av-value","version":1,"id":1,"schema":"{\\"type\\":\\"record\\",\\"name\\":\\"User\\",\\"fields\\":[{\\"name\\":\\"id\\",\\"type\\":\\"int\\"}]}","deleted":false}',
    )
    const references = [{ name: 'Money', subject: 'av_money', version: 1 }]
    expect(text(encodeSchemaValue({ ...value, schemaType: 'JSON', references, schema: '{}' }))).toBe(
      '{"subject":"av-value","version":1,"id":1,"schemaType":"JSON","references":[{"name":"Money","subject":"av_money","version":1}],"schema":"{}","deleted":false}',
    )
    const contract = { metadata: { properties: { owner: 'ü' } }, ruleSet: { domainRules: [] } }
    expect(text(encodeSchemaValue({ ...value, references, schema: '"int"', ...contract }))).toBe(
      '{"subject":"av-value","version":1,"id":1,"references":[{"name":"Money","subject":"av_money","version":1}],' +
        '"metadata":{"properties":{"owner":"ü"}},"ruleSet":{"domainRules":[]},"schema":"\\"int\\"","deleted":false}',
    )
    expect(text(encodeValue('t', { compatibilityLevel: 'NONE' }))).toBe('{"subject":"t","compatibilityLevel":"NONE"}')
    expect(text(encodeValue(null, { compatibilityLevel: 'NONE' }))).toBe('{"compatibilityLevel":"NONE"}')
    expect(text(encodeValue('d', { version: 1 }))).toBe('{"subject":"d","version":1}')
  })

  it('come back as they were written', () => {
    const key = { keytype: 'SCHEMA' as const, subject: value.subject, version: value.version }
    const record = decodeRecord(encodeKey(key), encodeSchemaValue(value))
    expect(record).toMatchObject({ key, value })
  })

  it('have the contracts that another registry wrote', () => {
    const record = decode(
      '{"keytype":"SCHEMA","subject":"s","version":1,"magic":1}',
      '{"id":1,"schema":"\\"int\\"","metadata":{"properties":{"b":"2","a":"1"},"tags":null},"ruleSet":{"migrationRules":null,"domainRules":[{"name":"r"}]}}',
    )
    expect(record).toMatchObject({
      value: {
        metadata: { properties: { a: '1', b: '2' } },
        ruleSet: { domainRules: [{ name: 'r', disabled: false }] },
      },
    })
  })

  it('keep what another registry wrote beside our fields, in its place, when a version is deleted', () => {
    const written =
      '{"subject":"s","version":1,"id":7,"md5":"x","metadata":{"properties":{"owner":"ü"}},"ruleSet":null,"schema":"\\"int\\"","deleted":false,"ts":12}'
    const record = decode('{"keytype":"SCHEMA","subject":"s","version":1,"magic":1}', written)
    const read = 'value' in record ? (record.value as SchemaValue) : undefined
    expect(text(encodeSchemaValue({ ...read!, deleted: true }))).toBe(written.replace('false', 'true'))
  })
})

describe('a record that is not ours to act on is ignored, with a reason', () => {
  const cases: [key: string, value: string | null, reason: RegExp][] = [
    ['{"keytype":"ASSOC","subject":"s","magic":0}', '{}', /unknown key type "ASSOC"/],
    ['{"keytype":"CONTEXT","magic":0}', '{}', /without a context/],
    ['not json', '{}', /the key is not a JSON object/],
    ['[]', '{}', /the key is not a JSON object/],
    ['{"keytype":"CONFIG","subject":null,"magic":0}', 'no json', /the value of a CONFIG record is not a JSON object/],
    ['{"keytype":"SCHEMA","subject":"s","version":1,"magic":1}', '{"id":1}', /has no schema or no id/],
    [
      '{"keytype":"SCHEMA","subject":"s","magic":1}',
      '{"id":1,"schema":"\\"int\\""}',
      /without a subject and a version/,
    ],
    ['{"keytype":"SCHEMA","subject":5,"version":1,"magic":1}', null, /the subject is not a string/],
    ['{"keytype":"MODE","subject":"s","magic":0}', '{"mode":1}', /without a mode/],
    ['{"keytype":"DELETE_SUBJECT","subject":"s","magic":0}', '{"subject":"s"}', /without a version/],
  ]
  for (const [key, content, reason] of cases) {
    it(`${key} ${content}`, () => {
      const record = decode(key, content)
      expect('ignored' in record && record.ignored).toMatch(reason)
    })
  }

  it('a record without a key', () => {
    expect(decodeRecord(null, Buffer.from('{}'))).toEqual({ ignored: 'the key is not a JSON object' })
  })
})
