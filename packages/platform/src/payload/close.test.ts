import { describe, expect, it } from 'vitest'
import { closePayload } from './close.ts'
import { payloadDefinition, payloadSubjectOf } from './subject.ts'

const text = { type: 'string' }

describe('the content model of a payload', () => {
  it('is closed where an object declares properties and does not say otherwise', () => {
    const schema = { type: 'object', properties: { a: text, b: { properties: { c: text } }, d: { type: 'object' } } }
    expect(closePayload(schema)).toEqual({
      type: 'object',
      properties: { a: text, b: { properties: { c: text }, additionalProperties: false }, d: { type: 'object' } },
      additionalProperties: false,
    })
  })

  it('stays open where the schema says so', () => {
    const schema = { properties: { a: text, map: { additionalProperties: text } }, additionalProperties: true }
    expect(closePayload(schema)).toEqual(schema)
  })

  it('is closed as a whole where it is composed of others, but in draft 7, which cannot', () => {
    const schema = { properties: { a: text }, allOf: [{ properties: { b: text } }] }
    expect(closePayload(schema)).toEqual({ ...schema, unevaluatedProperties: false })
    const old = { $schema: 'http://json-schema.org/draft-07/schema#', ...schema }
    expect(closePayload(old)).toEqual(old)
  })

  it('does not change when it is closed again', () => {
    const schema = { $ref: '#/$defs/a', $defs: { a: { properties: { a: { items: { properties: { b: text } } } } } } }
    const once = closePayload(schema)
    expect(once).toMatchObject({ unevaluatedProperties: false })
    expect(closePayload(once)).toEqual(once)
  })

  it('is part of what is registered, as JSON Schema under the topic’s name and the event type’s', () => {
    expect(payloadDefinition({ properties: { a: text } })).toEqual({
      schemaType: 'JSON',
      schema: '{"properties":{"a":{"type":"string"}},"additionalProperties":false}',
    })
    expect(payloadSubjectOf('user.events', 'user_created')).toBe('user.events-user_created')
  })
})
