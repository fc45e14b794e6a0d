import { describe, expect, it } from 'vitest'
import { createRegistryClient } from './client.ts'
import { RegistryError } from './errors.ts'

interface Sent {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: unknown
}

type Answer = { status?: number; body?: unknown; text?: string } | Error

/** A client whose requests are answered from a list, in order; the last answer stays. */
function clientWith(answers: Answer[], options: Partial<Parameters<typeof createRegistryClient>[0]> = {}) {
  const sent: Sent[] = []
  const slept: number[] = []
  const client = createRegistryClient(
    { url: 'http://registry:8081', ...options },
    {
      async exchange(url, { method, headers, body }) {
        sent.push({ method, url, headers, body: body === undefined ? undefined : JSON.parse(body) })
        const answer = answers.length > 1 ? answers.shift()! : answers[0]!
        if (answer instanceof Error) throw answer
        return new Response(answer.text ?? JSON.stringify(answer.body), { status: answer.status ?? 200 })
      },
      async sleep(ms) {
        slept.push(ms)
      },
      random: () => 1,
    },
  )
  return { client, sent, slept }
}

const refused = Object.assign(new TypeError('fetch failed'), { cause: { code: 'ECONNREFUSED' } })
const timedOut = Object.assign(new Error('timed out'), { name: 'TimeoutError' })

const failure = async (promise: Promise<unknown>): Promise<RegistryError> => {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(RegistryError)
  return error as RegistryError
}

describe('the registry client', () => {
  it('registers a schema, Avro without saying so, subjects encoded', async () => {
    const { client, sent } = clientWith([{ body: { id: 7 } }])
    expect(await client.register('a/b:ü', { schema: '"int"' }, { normalize: true })).toEqual({ id: 7 })
    expect(sent[0]).toMatchObject({
      method: 'POST',
      url: 'http://registry:8081/subjects/a%2Fb%3A%C3%BC/versions?normalize=true',
      headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
      body: { schema: '"int"' },
    })
  })

  it('carries the contract of a schema both ways', async () => {
    const schema = {
      schema: '"int"',
      metadata: { properties: { owner: 'a' } },
      ruleSet: { domainRules: [{ name: 'r', kind: 'CONDITION', mode: 'WRITE', type: 'CEL', expr: 'true' } as const] },
    }
    const { client, sent } = clientWith([{ body: { subject: 's', version: 1, id: 7, ...schema } }])
    await client.register('s', schema)
    await client.lookup('s', schema)
    await client.check('s', schema).catch(() => {})
    expect(sent.slice(0, 3).map(({ body }) => body)).toEqual([schema, schema, schema])
    expect(await client.getVersion('s', 1)).toMatchObject(schema)
    expect(await client.getById(7)).toMatchObject(schema)
  })

  it('looks a schema up with the contract that a registration would inherit', async () => {
    const missing = { status: 404, body: { error_code: 40403, message: 'Schema not found' } }
    const metadata = { properties: { owner: 'a', 'confluent:version': '3' } }
    const version = { subject: 's', version: 3, id: 9, schema: '"int"', metadata }
    const { client, sent } = clientWith([missing, { body: version }, { body: version }])
    expect(await client.lookup('s', { schema: '"int"' })).toMatchObject({ version: 3 })
    expect(sent[2]!.body).toEqual({ schema: '"int"', metadata: { properties: { owner: 'a' } } })
    const { metadata: _, ...plain } = version
    const other = clientWith([missing, { body: plain }])
    expect(await other.client.lookup('s', { schema: '"long"' })).toBeNull()
    expect(other.sent).toHaveLength(2)
    const given = clientWith([missing])
    expect(await given.client.lookup('s', { schema: '"int"', metadata: {} })).toBeNull()
    expect(given.sent).toHaveLength(1)
  })

  it('looks a schema up without metadata when the number of the version is all that the latest one has', async () => {
    const missing = { status: 404, body: { error_code: 40403, message: 'Schema not found' } }
    const ruleSet = { domainRules: [{ name: 'r', kind: 'CONDITION', mode: 'WRITE', type: 'CEL', disabled: false }] }
    const inherits = async (metadata: object | undefined) => {
      const version = { subject: 's', version: 3, id: 9, schema: '"int"', metadata, ruleSet }
      const { client, sent } = clientWith([missing, { body: version }, { body: version }])
      expect(await client.lookup('s', { schema: '"int"' })).toMatchObject({ version: 3 })
      return sent[2]!.body
    }
    const number = { 'confluent:version': '3' }
    expect(await inherits({ properties: number })).toEqual({ schema: '"int"', ruleSet })
    expect(await inherits(undefined)).toEqual({ schema: '"int"', ruleSet })
    expect(await inherits({})).toEqual({ schema: '"int"', metadata: {}, ruleSet })
    const sensitive = ['a']
    expect(await inherits({ properties: number, sensitive })).toEqual({
      schema: '"int"',
      metadata: { sensitive },
      ruleSet,
    })
  })

  it('asks for an id once, however many ask at the same time and afterwards', async () => {
    const { client, sent } = clientWith([{ body: { schema: '"int"' } }])
    const answers = await Promise.all(Array.from({ length: 50 }, () => client.getById(3)))
    answers.push(await client.getById(3))
    expect(sent).toHaveLength(1)
    expect(answers).toHaveLength(51)
    expect(answers[50]).toEqual({ schema: '"int"', schemaType: 'AVRO', references: [] })
  })

  it('remembers a numbered version, and asks again for the latest', async () => {
    const { client, sent } = clientWith([{ body: { subject: 's', version: 2, id: 9, schema: '"int"' } }])
    for (const version of [2, 2, 'latest', 'latest'] as const)
      expect((await client.getVersion('s', version))?.id).toBe(9)
    expect(sent.map(({ url }) => url.split('/').at(-1))).toEqual(['2', 'latest', 'latest'])
  })

  it('does not remember a failure', async () => {
    const { client } = clientWith([
      { status: 404, body: { error_code: 40403, message: 'Schema 3 not found' } },
      { body: { schema: '"int"' } },
    ])
    expect((await failure(client.getById(3))).errorCode).toBe(40403)
    expect((await client.getById(3)).schema).toBe('"int"')
  })

  it('forgets the least recently used schema when it has a thousand', async () => {
    const { client, sent } = clientWith([{ body: { schema: '"int"' } }])
    for (let id = 1; id <= 1000; id++) await client.getById(id)
    await client.getById(1)
    await client.getById(1001)
    expect(sent).toHaveLength(1001)
    await client.getById(1)
    expect(sent).toHaveLength(1001)
    await client.getById(2)
    expect(sent).toHaveLength(1002)
  })

  it.each([
    ['an unknown subject', 40401],
    ['an unknown version', 40402],
  ])('gives null for %s', async (_, errorCode) => {
    const { client } = clientWith([{ status: 404, body: { error_code: errorCode, message: 'no' } }])
    expect(await client.getVersion('s', 1)).toBeNull()
  })

  it('gives no versions, no registration and no level of a subject that is not there', async () => {
    const missing = (error_code: number) => [{ status: 404, body: { error_code, message: 'no' } }]
    expect(await clientWith(missing(40401)).client.versions('s')).toEqual([])
    expect(await clientWith(missing(40401)).client.lookup('s', { schema: '"int"' })).toBeNull()
    const unregistered = clientWith([
      ...missing(40403),
      { body: { subject: 's', version: 1, id: 1, schema: '"long"' } },
    ])
    expect(await unregistered.client.lookup('s', { schema: '"int"' })).toBeNull()
    expect(await clientWith(missing(40408)).client.getCompatibility('s', { defaultToGlobal: false })).toBeNull()
    expect(await clientWith(missing(40401)).client.check('s', { schema: '"int"' })).toEqual({
      compatible: true,
      messages: [],
    })
  })

  it('is refused a check of what is not a schema, also where a registry calls it incompatible', async () => {
    const { client, sent } = clientWith([
      { body: { is_compatible: false, messages: ['Invalid schema {…}, details: no'] } },
      { status: 422, body: { error_code: 42201, message: 'Invalid schema {…}, details: no' } },
    ])
    const error = await failure(client.check('s', { schema: '{' }))
    expect(error).toMatchObject({ code: 'REGISTRY_REFUSED', errorCode: 42201 })
    expect(sent.map(({ url }) => url.slice('http://registry:8081'.length))).toEqual([
      '/compatibility/subjects/s/versions?verbose=true',
      '/compatibility/subjects/s/versions',
    ])
  })

  it('tells an incompatible schema apart, of new registries and old ones', async () => {
    for (const error_code of [40901, 409]) {
      const { client, sent } = clientWith([{ status: 409, body: { error_code, message: 'incompatible' } }])
      const error = await failure(client.register('s', { schema: '"int"' }))
      expect(error).toMatchObject({
        code: 'REGISTRY_INCOMPATIBLE',
        status: 409,
        errorCode: error_code,
        message: 'incompatible',
      })
      expect(error.hint).toContain("change the subject's level")
      expect(sent).toHaveLength(1)
    }
  })

  it('asks the other urls when one is down, and stays with the one that answered', async () => {
    const { client, sent, slept } = clientWith([refused, { body: [] }], { url: 'http://a:1, http://b:2/registry/' })
    await client.subjects()
    await client.subjects()
    expect(sent.map(({ url }) => url)).toEqual([
      'http://a:1/subjects',
      'http://b:2/registry/subjects',
      'http://b:2/registry/subjects',
    ])
    expect(slept).toEqual([])
  })

  it('tries again after 5xx answers, waiting longer each time', async () => {
    const down = { status: 500, body: { error_code: 50002, message: 'timed out' } }
    const { client, slept } = clientWith([down, down, { body: [] }])
    expect(await client.subjects()).toEqual([])
    expect(slept).toEqual([100, 200])
  })

  it('does not repeat a deletion that may have happened', async () => {
    const { client, sent } = clientWith([{ status: 500, body: { error_code: 50002, message: 'timed out' } }])
    expect((await failure(client.deleteSubject('s'))).errorCode).toBe(50002)
    expect(sent).toHaveLength(1)
  })

  it('gives up after its retries, with the address, the reason and what to do', async () => {
    const { client, sent } = clientWith([refused], { retries: 2 })
    const error = await failure(client.subjects())
    expect(sent).toHaveLength(3)
    expect(error).toMatchObject({
      code: 'REGISTRY_UNREACHABLE',
      message: 'cannot reach the registry at http://registry:8081 (ECONNREFUSED)',
      url: 'http://registry:8081/subjects',
    })
    expect(error.hint).toContain('check that it is up')
  })

  it('reports that no answer came in time', async () => {
    const { client } = clientWith([timedOut], { retries: 0, timeoutMs: 50 })
    expect(await failure(client.subjects())).toMatchObject({
      code: 'REGISTRY_TIMEOUT',
      message: 'no answer from http://registry:8081 within 50 ms',
    })
  })

  it('does not repeat a request that the registry refused', async () => {
    const { client, sent } = clientWith([{ status: 422, body: { error_code: 42201, message: 'Invalid schema' } }])
    expect(await failure(client.register('s', { schema: '?' }))).toMatchObject({
      code: 'REGISTRY_REFUSED',
      errorCode: 42201,
    })
    expect(sent).toHaveLength(1)
  })

  it('reports an answer that does not come from a registry', async () => {
    const { client } = clientWith([{ text: '<html>' }])
    const error = await failure(client.subjects())
    expect(error).toMatchObject({ code: 'REGISTRY_BAD_ANSWER', hint: 'is this the address of a Schema Registry?' })
    const plain = await failure(clientWith([{ status: 502, text: 'Bad Gateway' }], { retries: 0 }).client.subjects())
    expect(plain).toMatchObject({ status: 502, message: 'GET http://registry:8081/subjects answered 502' })
  })

  it('sends user and password, and never shows them', async () => {
    for (const options of [
      { url: 'http://ann:s%20ecret@registry:8081' },
      { auth: { username: 'ann', password: 's ecret' } },
    ]) {
      const { client, sent } = clientWith([refused], { ...options, retries: 0 })
      const error = await failure(client.subjects())
      expect(sent[0]?.headers.authorization).toBe(`Basic ${Buffer.from('ann:s ecret').toString('base64')}`)
      expect(sent[0]?.url).toBe('http://registry:8081/subjects')
      expect(client.url).toBe('http://registry:8081')
      expect(`${error.message} ${error.url} ${error.hint}`).not.toContain('ecret')
    }
  })

  it.each(['', 'registry:8081', 'ftp://registry'])('refuses the url %j', (url) => {
    expect(() => createRegistryClient({ url })).toThrow(RegistryError)
  })
})
