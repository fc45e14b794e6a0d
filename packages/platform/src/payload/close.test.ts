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

  const m = { properties: { a: text } }
  const ref = { $ref: '#/$defs/m' }

  it('is closed in a definition that is the whole of each value, and not where the definition is referred to', () => {
    const schema = { properties: { m: { title: 'M', ...ref }, n: { items: ref } }, $defs: { m } }
    const closed = { ...schema, additionalProperties: false, $defs: { m: { ...m, additionalProperties: false } } }
    expect(closePayload(schema)).toEqual(closed)
    expect(closePayload(closed)).toEqual(closed)
  })

  it('is closed where a definition is referred to that is also a part of others, or a condition', () => {
    for (const other of [{ allOf: [ref] }, { ...ref, properties: { b: text } }, { not: ref }, { contains: ref }]) {
      const closed = closePayload({ properties: { m: ref, other }, $defs: { m } })
      expect(closed).toMatchObject({ properties: { m: { ...ref, unevaluatedProperties: false } }, $defs: { m } })
      expect(closed.$defs).toEqual({ m })
      expect(closePayload(closed)).toEqual(closed)
    }
  })

  it('is closed once in a schema that refers to itself, by a pointer or an anchor', () => {
    for (const $ref of ['#', '#tree']) {
      const schema = { $anchor: 'tree', properties: { left: { $ref } } }
      expect(closePayload(schema)).toEqual({ ...schema, additionalProperties: false })
    }
  })

  it('stays open behind a reference that leads nowhere', () => {
    const schema = { properties: { a: { $ref: '#/$defs/100%' }, b: { $ref: '#none' } } }
    expect(closePayload(schema)).toEqual({ ...schema, additionalProperties: false })
  })

  it('stays open inside, where several parts say something of the same value', () => {
    const inner = (name: string) => ({ properties: { m: { properties: { [name]: text } } } })
    const all = { allOf: [inner('a'), inner('b')] }
    expect(closePayload(all)).toEqual({ ...all, unevaluatedProperties: false })
    const lists = { allOf: [{ items: inner('a') }, { items: inner('b') }] }
    expect(closePayload(lists)).toEqual(lists)
    const refined = { $defs: { base: inner('a') }, $ref: '#/$defs/base', ...inner('b') }
    expect(closePayload(refined)).toEqual({ ...refined, unevaluatedProperties: false })
    // One part declares it, or one part at a time.
    const closedInside = { m: { additionalProperties: false } }
    const one = closePayload({ ...inner('a'), allOf: [{ properties: { m: { required: ['a'] } } }] })
    expect(one.properties).toMatchObject(closedInside)
    const either = closePayload({ oneOf: [inner('a'), inner('b')] })
    expect(either.oneOf).toMatchObject([{ properties: closedInside }, { properties: closedInside }])
  })

  it('does not change when it is closed again', () => {
    const schema = { $ref: '#/$defs/a', $defs: { a: { properties: { a: { items: { properties: { b: text } } } } } } }
    const once = closePayload(schema)
    expect(once).toMatchObject({ $defs: { a: { additionalProperties: false } } })
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
