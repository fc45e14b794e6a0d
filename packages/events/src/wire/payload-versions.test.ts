import { payloadDefinition } from '@selfmonitor/platform/shapes'
import { type RegistryClient, RegistryError } from '@selfmonitor/registry'
import { payloadSchemaHeader } from '@selfmonitor/registry/frame'
import { describe, expect, it } from 'vitest'
import { createPayloadVersions } from './payload-versions.ts'

const schema = { properties: { a: { type: 'string' } } }
const header = (value: string) => [{ key: payloadSchemaHeader, value: Buffer.from(value) }]
const refused = new RegistryError('REGISTRY_REFUSED', 'not found', { status: 404 })
const down = new RegistryError('REGISTRY_UNREACHABLE', 'cannot reach the registry')

/** A registry that answers with these, in turn, and the paths that it was asked for. */
function registryOf(...answers: unknown[]) {
  const asked: string[] = []
  const answer = (question: string): Promise<unknown> => {
    asked.push(question)
    const next = answers.shift()
    return next instanceof Error ? Promise.reject(next) : Promise.resolve(next)
  }
  const registry = {
    lookup: (subject: string, definition: unknown) => answer(`${subject} ${JSON.stringify(definition)}`),
    request: ({ path }: { path: string }) => answer(path),
  } as unknown as RegistryClient
  return { registry, asked }
}

describe('the schema of a payload that a record names', () => {
  it('is the version of the event type’s subject, asked for once', async () => {
    const { registry, asked } = registryOf([
      { subject: 'other-a', version: 9 },
      { subject: 'user.events-a', version: 2 },
    ])
    const versions = createPayloadVersions(registry)
    const [first, same] = await Promise.all([
      versions.read('user.events', 'a', header('17')),
      versions.read('user.events', 'a', header('17')),
    ])
    expect(first).toEqual({ subject: 'user.events-a', version: 2, id: 17 })
    expect(same).toEqual(first)
    // Known now: no promise.
    expect(versions.read('user.events', 'a', header('17'))).toEqual(first)
    expect(asked).toEqual(['/schemas/ids/17/versions?deleted=true'])
  })

  it.each([[[]], [header('x')], [header('0')], [header('-1')], [header('2147483648')], [header('12345678901')]])(
    'is null for the headers %j',
    (headers) => {
      const { registry, asked } = registryOf()
      expect(createPayloadVersions(registry).read('user.events', 'a', headers)).toBeNull()
      expect(asked).toEqual([])
    },
  )

  it('has no version where the registry does not know the id, and is asked for again after a minute', async () => {
    const { registry, asked } = registryOf(refused, [{ subject: 't-a', version: 1 }])
    let now = 0
    const versions = createPayloadVersions(registry, () => now)
    const unknown = { subject: 't-a', version: null, id: 5 }
    expect(await versions.read('t', 'a', header('5'))).toEqual(unknown)
    now = 59_000
    expect(versions.read('t', 'a', header('5'))).toEqual(unknown)
    now = 60_000
    expect(await versions.read('t', 'a', header('5'))).toEqual({ ...unknown, version: 1 })
    expect(asked).toHaveLength(2)
  })

  it('is an error while the registry does not answer, and found afterwards', async () => {
    const { registry } = registryOf(down, [{ subject: 't-a', version: 1 }])
    const versions = createPayloadVersions(registry)
    await expect(versions.read('t', 'a', header('5'))).rejects.toBe(down)
    expect(await versions.read('t', 'a', header('5'))).toMatchObject({ version: 1 })
  })
})

describe('the ids of a topic’s payload schemas', () => {
  it('are those of the texts that the service validates with', async () => {
    const { registry, asked } = registryOf({ id: 3 })
    const found = await createPayloadVersions(registry).idsOf('t', { a: schema })
    expect(found).toEqual({ ids: new Map([['a', 3]]), missing: [] })
    expect(asked).toEqual([`t-a ${JSON.stringify(payloadDefinition(schema))}`])
  })

  it('leave out what is not registered, or refused', async () => {
    const { registry } = registryOf(null, refused, { id: 3 })
    expect(await createPayloadVersions(registry).idsOf('t', { a: schema, b: schema, c: schema })).toEqual({
      ids: new Map([['c', 3]]),
      missing: ['t-a', 't-b'],
    })
  })

  it('are an error while the registry does not answer', async () => {
    const { registry } = registryOf(down)
    await expect(createPayloadVersions(registry).idsOf('t', { a: schema })).rejects.toBe(down)
  })
})
