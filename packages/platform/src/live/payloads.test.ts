import type { RegistryClient } from '@selfmonitor/registry'
import { expect, it } from 'vitest'
import type { Platform } from '../model.ts'
import { readPayloads } from './payloads.ts'

it('refuses the first schema of an event type that a registry would refuse', async () => {
  const eventTypes = Object.fromEntries(
    Object.entries({ good: { type: 'object' }, bad: { type: 'strng' } }).map(([type, schema]) => [
      type,
      { file: `${type}.json`, text: JSON.stringify(schema), schema },
    ]),
  )
  const registry = {
    request: async () => ['JSON'],
    subjects: async () => [],
  } as unknown as RegistryClient
  const found = await readPayloads({ topics: [{ name: 't', eventTypes }] } as unknown as Platform, registry)
  const subjects = found?.kind === 'read' ? found.subjects : new Map()
  expect(subjects.get('t-good')).toMatchObject({ latest: null, problems: [] })
  expect(subjects.get('t-bad')?.problems).toEqual([
    { message: expect.stringMatching(/^the registry refuses it: /), pointer: expect.anything() },
  ])
})
