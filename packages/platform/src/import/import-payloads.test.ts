import type { RegistryClient } from '@selfmonitor/registry'
import { expect, it } from 'vitest'
import { importPayloads } from './import-payloads.ts'

it.each([
  [null, 't-a: its compatibility is FULL, and a plan leaves it, since the topic has none'],
  ['BACKWARD' as const, 't-a: its compatibility is FULL, and a plan gives it BACKWARD, the topic’s'],
])(
  'an import under the topic’s level %s says what a plan does with another level of a payload',
  async (level, note) => {
    const registry = {
      getVersion: async () => ({ schemaType: 'JSON', schema: '{"type":"object"}' }),
      getCompatibility: async () => 'FULL',
    } as unknown as RegistryClient
    const notes: string[] = []
    expect(await importPayloads('t', ['t-a'], level, registry, notes)).toEqual([
      { type: 'a', text: '{"type":"object"}' },
    ])
    expect(notes).toEqual([note])
  },
)

it('an import leaves out a payload whose reference leads nowhere, and takes the others', async () => {
  const schemas: Record<string, object> = { 't-a': { $ref: '#/$defs/100%' }, 't-b': { type: 'object' } }
  const registry = {
    getVersion: async (subject: string) => ({ schemaType: 'JSON', schema: JSON.stringify(schemas[subject]) }),
    getCompatibility: async () => null,
  } as unknown as RegistryClient
  const notes: string[] = []
  const found = await importPayloads('t', ['t-a', 't-b'], null, registry, notes)
  expect(found.map(({ type }) => type)).toEqual(['b'])
  expect(notes).toEqual([expect.stringMatching(/^t-a: .*leads to no schema/)])
})
