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

  it('has no version while the registry does not answer, and is asked for again after five seconds', async () => {
    const { registry, asked } = registryOf(down, [{ subject: 't-a', version: 1 }])
    let now = 0
    const versions = createPayloadVersions(registry, () => now)
    const unknown = { subject: 't-a', version: null, id: 5 }
    expect(await versions.read('t', 'a', header('5'))).toEqual(unknown)
    // Another id does not ask either.
    expect(versions.read('t', 'a', header('6'))).toEqual({ ...unknown, id: 6 })
    now = 5_000
    expect(await versions.read('t', 'a', header('5'))).toEqual({ ...unknown, version: 1 })
    expect(asked).toHaveLength(2)
  })

  it('has no version where the registry takes too long, and the version once it has answered', async () => {
    const late = Promise.withResolvers<unknown>()
    const registry = { request: () => late.promise } as unknown as RegistryClient
    const versions = createPayloadVersions(registry, () => 0, 1)
    expect(await versions.read('t', 'a', header('5'))).toEqual({ subject: 't-a', version: null, id: 5 })
    late.resolve([{ subject: 't-a', version: 3 }])
    const answered = createPayloadVersions(registry, () => 0)
    await answered.read('t', 'a', header('5'))
    expect(versions.read('t', 'a', header('5'))).toEqual({ subject: 't-a', version: 3, id: 5 })
  })

  it('is asked for a hundred times a minute where no id has a version, and not for a long event type', async () => {
    let asked = 0
    let uses: unknown[] = []
    async function request() {
      asked++
      return uses
    }
    const registry = { request } as unknown as RegistryClient
    let now = 0
    const versions = createPayloadVersions(registry, () => now)
    for (let id = 1; id <= 1_000; id++) {
      expect(await versions.read('t', 'a', header(String(id)))).toEqual({ subject: 't-a', version: null, id })
    }
    expect(asked).toBe(100)
    now = 60_000
    uses = [{ subject: 't-a', version: 1 }]
    for (let id = 1; id <= 1_000; id++) {
      expect(await versions.read('t', 'a', header(String(id)))).toMatchObject({ version: 1 })
    }
    expect(asked).toBe(1_100)
    expect(versions.read('t', 'x'.repeat(256), header('1'))).toMatchObject({ version: null })
  })
})

describe('the ids of a topic’s payload schemas', () => {
  it('are those of the texts that the service validates with', async () => {
    const { registry, asked } = registryOf({ id: 3 })
    const found = await createPayloadVersions(registry).idsOf('t', { a: schema })
    expect(found).toEqual({ ids: new Map([['a', 3]]), missing: [], failure: null })
    expect(asked).toEqual([`t-a ${JSON.stringify(payloadDefinition(schema))}`])
  })

  it('leave out what is not registered, or refused', async () => {
    const { registry } = registryOf(null, refused, { id: 3 })
    expect(await createPayloadVersions(registry).idsOf('t', { a: schema, b: schema, c: schema })).toEqual({
      ids: new Map([['c', 3]]),
      missing: ['t-a', 't-b'],
      failure: null,
    })
  })

  it('are those that the registry answered with before it did not', async () => {
    const { registry } = registryOf({ id: 3 }, down)
    const found = await createPayloadVersions(registry).idsOf('t', { a: schema, b: schema })
    expect(found).toEqual({ ids: new Map([['a', 3]]), missing: [], failure: down })
  })

  it('leave out a schema that has no text', async () => {
    const { registry } = registryOf({ id: 3 })
    const found = await createPayloadVersions(registry).idsOf('t', { a: { default: 1n }, b: schema })
    expect(found).toEqual({ ids: new Map([['b', 3]]), missing: ['t-a'], failure: null })
  })
})
