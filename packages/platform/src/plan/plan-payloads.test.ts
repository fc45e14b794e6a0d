import { describe, expect, it } from 'vitest'
import type { LivePayload, LivePayloads } from '../live/payloads.ts'
import type { Platform, PlatformTopic } from '../model.ts'
import { comparePayloads } from './plan-payloads.ts'

const text = `{
  "properties": {
    "email": { "type": "string" }
  }
}`

function platform(types: readonly string[], over: Partial<PlatformTopic> = {}): Platform {
  const eventTypes = Object.fromEntries(
    types.map((type) => [type, { file: `schemas/user.events/${type}.json`, text, schema: JSON.parse(text) as object }]),
  )
  const topic = { name: 'user.events', partitions: 1, replicationFactor: 1, config: {}, eventTypes, ...over }
  return { file: 'platform.yaml', environment: 'development', topics: [topic], services: [] }
}

function live(subjects: Record<string, Partial<LivePayload>>, undeclared: readonly string[] = []): LivePayloads {
  const none = { registered: false, version: null, latest: null, compatibility: null, problems: [] }
  return {
    kind: 'read',
    subjects: new Map(Object.entries(subjects).map(([name, over]) => [name, { ...none, ...over }])),
    undeclared,
  }
}

describe('payloads of event types', () => {
  it('that are not registered are registered, each under a subject of its own', () => {
    const { changes, errors, warnings } = comparePayloads(
      platform(['a', 'b']),
      live({ 'user.events-a': {}, 'user.events-b': {} }),
    )
    expect({ errors, warnings }).toEqual({ errors: [], warnings: [] })
    expect(changes).toEqual(
      ['a', 'b'].map((type) => ({
        action: 'create',
        kind: 'payload',
        name: `user.events-${type}`,
        event: { topic: 'user.events', type },
        details: [{ key: 'schema', from: null, to: `schemas/user.events/${type}.json` }],
        warnings: [],
      })),
    )
  })

  it('that are registered are left out', () => {
    const latest = { version: 1, schema: text }
    const found = comparePayloads(platform(['a']), live({ 'user.events-a': { registered: true, version: 1, latest } }))
    expect(found).toEqual({ levels: [], changes: [], errors: [], warnings: [], hints: [] })
  })

  it('that changed say which fields', () => {
    const schema = JSON.stringify({
      properties: { email: { type: 'string' }, old: { properties: { x: { type: 'integer' } } } },
      required: ['email'],
    })
    const { changes } = comparePayloads(platform(['a']), live({ 'user.events-a': { latest: { version: 4, schema } } }))
    expect(changes[0]!.details).toEqual([
      { key: 'schema', from: 'version 4', to: 'schemas/user.events/a.json' },
      { key: 'field email', from: 'string, required', to: 'string' },
      { key: 'field old', from: 'any', to: null },
      { key: 'field old.x', from: 'integer', to: null },
    ])
  })

  it('that the registry would refuse are errors with file, place, event type and reason', () => {
    const { changes, errors } = comparePayloads(
      platform(['a']),
      live({
        'user.events-a': {
          latest: { version: 2, schema: text },
          problems: [{ message: 'the field email …', pointer: '/properties/email' }],
        },
      }),
    )
    expect(changes).toEqual([])
    expect(errors).toEqual([
      {
        file: 'schemas/user.events/a.json',
        line: 3,
        column: 14,
        path: 'user.events-a',
        message: 'event type a of user.events cannot follow version 2: the field email …',
      },
    ])
  })

  it('take the level of their topic', () => {
    const declared = platform(['a', 'b'], { compatibility: 'FULL' })
    const { levels } = comparePayloads(
      declared,
      live({ 'user.events-a': { compatibility: 'FULL' }, 'user.events-b': { compatibility: 'NONE' } }),
    )
    expect(levels).toEqual([
      {
        action: 'update',
        kind: 'compatibility',
        name: 'user.events-b',
        event: { topic: 'user.events', type: 'b' },
        details: [{ key: 'compatibility', from: 'NONE', to: 'FULL' }],
        warnings: [],
      },
    ])
  })

  it('whose file is older than the registry, and subjects without a file, are said', () => {
    const latest = { version: 3, schema: '{}' }
    const { warnings, hints } = comparePayloads(
      platform(['a']),
      live({ 'user.events-a': { registered: true, version: 2, latest } }, ['user.events-gone']),
    )
    expect(warnings).toEqual([
      'user.events-a has version 3 in the registry, and schemas/user.events/a.json is version 2: events of a are written as version 2.',
    ])
    expect(hints).toEqual([
      'In the registry and without a file, so not compared: user.events-gone. No schema is deleted here.',
    ])
  })

  it('are left alone by a registry without JSON Schema, with a warning', () => {
    const found = comparePayloads(platform(['a']), { kind: 'unsupported', registry: 'http://registry:8081' })
    expect(found).toMatchObject({ changes: [], errors: [] })
    expect(found.warnings).toEqual([
      'The registry at http://registry:8081 has no JSON Schema: payloads of events are neither compared nor registered.',
    ])
  })
})
