// The whole way: against an API server that knows the Job by its token and lets it do what the chart's Role says, no more.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { missingTool } from '../../../../test/support/tools.ts'
import { connectKubernetes, type KubernetesClient } from '../api/client.ts'
import type { KubernetesObject } from '../api/types.ts'
import { readCertificates } from '../certificates/inspect.ts'
import { type ApiServer, type ApiServerOptions, type StoredObject, startApiServer } from '../test-support/api-server.ts'
import { credentialsRules, exampleSpec, namespace, role } from '../test-support/contract.ts'
import type { Rule } from '../test-support/rbac.ts'
import { type EnsureOptions, type EnsureResult, ensureCredentials } from './ensure.ts'
import type { CredentialsSpec } from './spec.ts'

const day = 86_400_000
const spec = exampleSpec()
const folder = mkdtempSync(join(tmpdir(), 'selfmonitor-ensure-'))
const opened: { close(): unknown }[] = []
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close()
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

interface Setting {
  readonly server: ApiServer
  readonly client: KubernetesClient
  /** What the Job has said. */
  readonly said: string[]
  run(options?: EnsureOptions, wanted?: CredentialsSpec): Promise<EnsureResult>
}

async function setting(
  options: ApiServerOptions = {},
  rules: readonly Rule[] = credentialsRules(spec),
): Promise<Setting> {
  const server = await startApiServer({
    ...options,
    objects: [...role('credentials', rules), ...(options.objects ?? [])],
  })
  opened.push(server)
  const client = job(server)
  const said: string[] = []
  const run: Setting['run'] = (more, wanted = spec) =>
    ensureCredentials(client, wanted, { progress: (line) => said.push(line), pollMs: 1, ...more })
  return { server, client, said, run }
}

/** A client as the Job has it. */
function job(server: ApiServer): KubernetesClient {
  const token = server.token(namespace, 'credentials')
  const client = connectKubernetes(
    { server: server.url, ca: server.ca, token: async () => token, namespace },
    { backoffMs: 1 },
  )
  opened.push(client)
  return client
}

function secretText(server: ApiServer, name: string, key: string): string {
  const data = server.object('Secret', name, namespace)?.data as Record<string, string> | undefined
  return Buffer.from(data?.[key] ?? '', 'base64').toString()
}

function configText(server: ApiServer, name: string, key: string): string {
  return (server.object('ConfigMap', name, namespace)?.data as Record<string, string> | undefined)?.[key] ?? ''
}

function state(server: ApiServer): readonly StoredObject[] {
  return [...server.objects('Secret'), ...server.objects('ConfigMap')]
}

function secret(name: string, data: Record<string, string>): KubernetesObject {
  const encoded = Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString('base64')])
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace }, ...{ data: Object.fromEntries(encoded) } }
}

/** For tests in which openssl has the last word. */
const judged = it.skipIf(missingTool('openssl', 'version') !== null)

function opensslVerify(bundle: string, leaf: string, at: Date): { status: number | null; out: string } {
  const files = { bundle: join(folder, 'bundle.pem'), leaf: join(folder, 'leaf.pem') }
  writeFileSync(files.bundle, bundle)
  writeFileSync(files.leaf, leaf)
  const { status, stdout, stderr } = spawnSync(
    'openssl',
    ['verify', '-x509_strict', '-attime', String(Math.floor(at.getTime() / 1000)), '-CAfile', files.bundle, files.leaf],
    { encoding: 'utf8' },
  )
  return { status, out: stdout + stderr }
}

describe('the first run', () => {
  it('makes everything, in the types and with the labels that the chart expects', async () => {
    const { server, run } = await setting()
    const result = await run()
    expect(result).toMatchObject({ renewed: [], updated: [], kept: [], warnings: [] })
    expect(new Set(result.created)).toEqual(
      new Set([
        ...['ConfigMap kafka-identity', 'ConfigMap kafka-ca-bundle', 'Secret kafka-ca', 'Secret kafka-broker-tls'],
        ...['Secret kafka-controller-tls', 'Secret kafka-user-kafka-broker', 'Secret kafka-user-admin'],
      ]),
    )
    expect(server.object('Secret', 'kafka-broker-tls', namespace)).toMatchObject({ type: 'kubernetes.io/tls' })
    expect(server.object('Secret', 'kafka-user-admin', namespace)).toMatchObject({ type: 'Opaque' })
    for (const { metadata } of state(server)) expect(metadata.labels).toEqual(spec.labels)
  })

  judged('makes certificates that the bundle proves, and openssl agrees', async () => {
    const { server, run } = await setting()
    await run()
    const bundle = configText(server, 'kafka-ca-bundle', 'ca.crt')
    for (const name of ['kafka-broker-tls', 'kafka-controller-tls']) {
      const chain = secretText(server, name, 'tls.crt')
      expect(readCertificates(chain)).toHaveLength(2)
      expect(opensslVerify(bundle, chain, new Date())).toMatchObject({ status: 0 })
      expect(secretText(server, name, 'ca.crt')).toBe(bundle)
    }
    expect(secretText(server, 'kafka-ca', 'ca.crt')).toBe(bundle)
  })

  it('gives every account a password of its own, and a file that holds it', async () => {
    const { server, run } = await setting()
    await run()
    const admin = secretText(server, 'kafka-user-admin', 'password')
    expect(admin).not.toBe(secretText(server, 'kafka-user-kafka-broker', 'password'))
    expect(secretText(server, 'kafka-user-admin', 'username')).toBe('admin')
    const properties = secretText(server, 'kafka-user-admin', 'client.properties')
    expect(properties).toContain('bootstrap.servers=kafka-service.kafka.svc.cluster.local:9092\n')
    expect(properties).toContain(`ScramLoginModule required username="admin" password="${admin}";\n`)
  })

  it('prints names and never a value', async () => {
    const { server, run, said } = await setting()
    await run()
    const text = said.join('\n')
    expect(text).toContain('created Secret kafka-user-admin (account admin)')
    for (const object of server.objects('Secret')) {
      for (const value of Object.values(object.data as Record<string, string>)) {
        const plain = Buffer.from(value, 'base64').toString()
        if (plain.length > 12) expect(text).not.toContain(plain)
      }
    }
    expect(text).not.toMatch(/BEGIN|jaas/)
  })

  it('makes only the identity when security is off', async () => {
    const { server, run } = await setting()
    await run({}, { ...spec, security: false })
    expect(state(server).map(({ metadata }) => metadata.name)).toEqual(['kafka-identity'])
  })
})

describe('a further run', () => {
  it('changes nothing', async () => {
    const { server, run } = await setting()
    await run()
    const before = structuredClone(state(server))
    const result = await run()
    expect(state(server)).toEqual(before)
    expect(result).toMatchObject({ created: [], renewed: [], updated: [] })
    expect(result.kept).toHaveLength(7)
  })

  it('makes again only what was deleted', async () => {
    const { server, run } = await setting()
    await run()
    server.remove('Secret', 'kafka-user-admin', namespace)
    expect((await run()).created).toEqual(['Secret kafka-user-admin'])
  })

  it('continues where an interrupted run stopped', async () => {
    let left = 3
    const { server, run } = await setting({
      onRequest: ({ verb }) => (verb === 'create' && left-- === 0 ? { status: 400, message: 'broken off' } : undefined),
    })
    await expect(run()).rejects.toThrow('broken off')
    const before = structuredClone(state(server))
    await run()
    expect(state(server)).toHaveLength(7)
    expect(state(server)).toEqual(expect.arrayContaining([...before]))
  })
})

describe('runs at the same time', () => {
  judged('end with one set of credentials that all of them see', async () => {
    const changes: string[] = []
    const { server } = await setting({
      onChange: ({ type, object }) => changes.push(`${type} ${object.metadata.name}`),
    })
    changes.length = 0
    const clients = Array.from({ length: 5 }, () => job(server))
    const results = await Promise.all(clients.map((client) => ensureCredentials(client, spec, { pollMs: 1 })))
    // Each was created once, and never changed after.
    expect(changes.sort()).toEqual(
      state(server)
        .map(({ metadata }) => `ADDED ${metadata.name}`)
        .sort(),
    )
    expect(results.flatMap(({ created }) => created)).toHaveLength(7)
    const bundle = configText(server, 'kafka-ca-bundle', 'ca.crt')
    for (const { name, secret: holder } of spec.accounts) {
      const password = secretText(server, holder, 'password')
      expect(secretText(server, holder, 'client.properties'), name).toContain(`password="${password}"`)
    }
    for (const { secret: holder } of spec.tls.certificates) {
      expect(opensslVerify(bundle, secretText(server, holder, 'tls.crt'), new Date())).toMatchObject({ status: 0 })
    }
  })

  it('renew a certificate once', async () => {
    const { server, run } = await setting()
    await run()
    const now = () => new Date(Date.now() + 350 * day)
    const results = await Promise.all(
      Array.from({ length: 5 }, () => ensureCredentials(job(server), spec, { now, pollMs: 1 })),
    )
    expect(results.flatMap(({ renewed }) => renewed).sort()).toEqual([
      'Secret kafka-broker-tls',
      'Secret kafka-controller-tls',
    ])
  })
})

describe('renewal, with the clock moved', () => {
  judged('issues certificates again from the same CA, with new keys, and touches no account', async () => {
    const { server, run } = await setting()
    await run()
    const bundle = configText(server, 'kafka-ca-bundle', 'ca.crt')
    const before = {
      key: secretText(server, 'kafka-broker-tls', 'tls.key'),
      accounts: structuredClone(server.object('Secret', 'kafka-user-admin', namespace)),
    }
    const later = new Date(Date.now() + 340 * day)
    expect((await run({ now: () => later })).renewed).toEqual([
      'Secret kafka-broker-tls',
      'Secret kafka-controller-tls',
    ])
    expect(configText(server, 'kafka-ca-bundle', 'ca.crt')).toBe(bundle)
    expect(secretText(server, 'kafka-broker-tls', 'tls.key')).not.toBe(before.key)
    expect(server.object('Secret', 'kafka-user-admin', namespace)).toEqual(before.accounts)
    const chain = secretText(server, 'kafka-broker-tls', 'tls.crt')
    expect(opensslVerify(bundle, chain, new Date(Date.now() + 700 * day))).toMatchObject({ status: 0 })
    expect((await run({ now: () => later })).renewed).toEqual([])
  })

  judged(
    'works for twelve years, also with clients that read the new bundle only twice a year',
    async () => {
      const { server, run } = await setting()
      await run()
      const start = Date.now()
      let clientBundle = configText(server, 'kafka-ca-bundle', 'ca.crt')
      const renewed: string[] = []
      for (let passed = 0; passed < 12 * 365; passed += 20) {
        const at = new Date(start + passed * day)
        renewed.push(...(await run({ now: () => at })).renewed)
        const chain = secretText(server, 'kafka-broker-tls', 'tls.crt')
        // A client that takes the new bundle only twice a year.
        if (passed % 180 === 0) {
          expect(opensslVerify(clientBundle, chain, at), `day ${passed}`).toMatchObject({ status: 0 })
          clientBundle = configText(server, 'kafka-ca-bundle', 'ca.crt')
          expect(secretText(server, 'kafka-user-admin', 'ca.crt')).toBe(clientBundle)
        }
      }
      expect(renewed.filter((title) => title === 'Secret kafka-ca')).toHaveLength(1)
      expect(renewed.filter((title) => title === 'Secret kafka-broker-tls').length).toBeGreaterThanOrEqual(12)
      expect(readCertificates(clientBundle)).toHaveLength(1)
    },
    180_000,
  )

  judged('warns of the CA, renews it, and keeps the old one in what clients trust', async () => {
    const { server, run } = await setting()
    await run()
    const old = configText(server, 'kafka-ca-bundle', 'ca.crt')
    const warned: string[] = []
    const later = new Date(Date.now() + 3300 * day)
    const result = await run({ now: () => later, warn: (line) => warned.push(line) })
    expect(result.renewed).toContain('Secret kafka-ca')
    expect(warned).toEqual([expect.stringMatching(/^The CA in Secret kafka-ca ends on/)])
    const bundle = configText(server, 'kafka-ca-bundle', 'ca.crt')
    expect(readCertificates(bundle)).toHaveLength(2)
    expect(bundle.endsWith(old)).toBe(true)
    for (const holder of ['kafka-user-admin', 'kafka-user-kafka-broker', 'kafka-broker-tls']) {
      expect(secretText(server, holder, 'ca.crt')).toBe(bundle)
    }
    expect(secretText(server, 'kafka-user-admin', 'client.properties')).toContain(bundle.trim().replaceAll('\n', '\\n'))
    // A running broker still shows the old certificate, a client still has the old bundle.
    const chain = secretText(server, 'kafka-broker-tls', 'tls.crt')
    expect(opensslVerify(old, chain, later)).toMatchObject({ status: 0 })
  })

  judged('of a CA with a new key, which is deleting its Secret, lets old certificates live out', async () => {
    const { server, run } = await setting()
    await run()
    const old = configText(server, 'kafka-ca-bundle', 'ca.crt')
    const chain = secretText(server, 'kafka-broker-tls', 'tls.crt')
    server.remove('Secret', 'kafka-ca', namespace)
    const result = await run()
    expect(result).toMatchObject({ created: ['Secret kafka-ca'], renewed: [] })
    expect(secretText(server, 'kafka-broker-tls', 'tls.crt')).toBe(chain)
    const bundle = configText(server, 'kafka-ca-bundle', 'ca.crt')
    // Then, when every client has the new bundle, the certificates.
    server.remove('Secret', 'kafka-broker-tls', namespace)
    await run()
    const young = secretText(server, 'kafka-broker-tls', 'tls.crt')
    expect(opensslVerify(bundle, young, new Date())).toMatchObject({ status: 0 })
    expect(opensslVerify(bundle, chain, new Date())).toMatchObject({ status: 0 })
    expect(opensslVerify(old, young, new Date()).status).not.toBe(0)
  })
})

describe('Secrets that the user supplied', () => {
  it('get the derived values, and lose nothing', async () => {
    const { server, run } = await setting({
      objects: [secret('kafka-user-admin', { password: 'p "q" \\ r, supplied', 'my-note': 'mine' })],
    })
    const result = await run()
    expect(result.updated).toEqual(['Secret kafka-user-admin'])
    expect(secretText(server, 'kafka-user-admin', 'password')).toBe('p "q" \\ r, supplied')
    expect(secretText(server, 'kafka-user-admin', 'my-note')).toBe('mine')
    expect(secretText(server, 'kafka-user-admin', 'client.properties')).toContain(
      'password="p \\\\"q\\\\" \\\\\\\\ r, supplied";\n',
    )
  })

  it('update the derived values when they change', async () => {
    const { server, run } = await setting({ objects: [secret('kafka-user-admin', { password: 'the first password' })] })
    await run()
    const held = server.object('Secret', 'kafka-user-admin', namespace)!
    const changed = { ...(held.data as object), password: Buffer.from('the second password').toString('base64') }
    server.put({ ...held, ...{ data: changed } })
    await run()
    expect(secretText(server, 'kafka-user-admin', 'client.properties')).toContain('password="the second password"')
  })

  it('that are wrong stop everything before anything is changed', async () => {
    const { server, run } = await setting({
      objects: [
        secret('kafka-user-admin', { password: '' }),
        secret('kafka-broker-tls', { 'tls.crt': 'x', 'tls.key': 'y' }),
      ],
    })
    const before = structuredClone(state(server))
    await expect(run()).rejects.toMatchObject({
      code: 'SECRET_INVALID',
      problems: [expect.stringMatching(/^Secret kafka-user-admin \(account admin\): its password is empty/)],
    })
    expect(state(server)).toEqual(before)
  })
})

describe('certificates that others make', () => {
  const tls = { ...spec.tls, mode: 'cert-manager' as const }
  const certManager = { ...spec, tls }

  it('are waited for, and then trusted', async () => {
    // Another cluster's Job stands in for cert-manager.
    const issuer = await setting()
    await issuer.run()
    const { server, said, run } = await setting()
    const running = run({ waitMs: 20_000 }, certManager)
    await expect.poll(() => said.join()).toContain('waiting for Secret kafka-broker-tls (cert-manager makes it)')
    for (const { secret: name } of tls.certificates) {
      const { metadata, ...made } = issuer.server.object('Secret', name, namespace)!
      server.put({ ...made, metadata: { name, namespace } } as KubernetesObject)
    }
    expect((await running).created).toEqual([
      ...['ConfigMap kafka-identity', 'ConfigMap kafka-ca-bundle'],
      ...['Secret kafka-user-kafka-broker', 'Secret kafka-user-admin'],
    ])
    expect(configText(server, 'kafka-ca-bundle', 'ca.crt')).toBe(secretText(issuer.server, 'kafka-ca', 'ca.crt'))
    expect(server.object('Secret', 'kafka-ca', namespace)).toBeUndefined()
  })

  it('are waited for with a time limit, and the error says where to look', async () => {
    const { run } = await setting()
    await expect(run({ waitMs: 5 }, certManager)).rejects.toMatchObject({
      code: 'WAIT_TIMEOUT',
      message: expect.stringMatching(/in namespace kafka, waiting for Secret kafka-broker-tls/),
      hint: expect.stringContaining('describe certificates'),
    })
  })
})

describe('rights', () => {
  it.each(['create secrets', 'create configmaps', 'get secrets', 'get configmaps', 'patch secrets'])(
    'are no more than needed: without "%s" it fails, and says so',
    async (right) => {
      const [verb, resource] = right.split(' ') as [string, string]
      const rules = credentialsRules(spec).flatMap((rule) =>
        (rule.resources ?? []).map((one) => ({
          ...rule,
          resources: [one],
          verbs: rule.verbs.filter((other) => one !== resource || other !== verb),
        })),
      )
      const supplied = [secret('kafka-user-admin', { password: 'supplied by somebody' })]
      const { run } = await setting({ objects: supplied }, rules)
      await expect(run()).rejects.toMatchObject({
        code: 'FORBIDDEN',
        reason: 'not-allowed',
        message: expect.stringMatching(
          new RegExp(
            `^system:serviceaccount:kafka:credentials may not ${verb} ${resource} "[a-z-]+" in namespace kafka\\.$`,
          ),
        ),
        hint: expect.stringContaining(`resources: ["${resource}"], verbs: ["${verb}"]`),
      })
    },
  )

  it('to patch ConfigMaps are needed when the CA is renewed', async () => {
    const rules = credentialsRules(spec).map((rule) =>
      rule.resources?.includes('configmaps') && rule.resourceNames ? { ...rule, verbs: ['get'] } : rule,
    )
    const { run } = await setting({}, rules)
    await run()
    await expect(run({ now: () => new Date(Date.now() + 3300 * day) })).rejects.toThrow(
      /may not patch configmaps "kafka-ca-bundle"/,
    )
  })
})

describe('a server in trouble', () => {
  it('is asked again, and a change whose answer was lost is found', async () => {
    let requests = 0
    const { server, run } = await setting({
      onRequest: () => {
        requests += 1
        if (requests % 5 === 0) return { reset: true, after: true }
        return requests % 7 === 0 ? { status: 503 } : undefined
      },
    })
    await run()
    expect(state(server)).toHaveLength(7)
    for (const { secret: holder } of spec.accounts) {
      const password = secretText(server, holder, 'password')
      expect(secretText(server, holder, 'client.properties')).toContain(`password="${password}"`)
    }
  })

  it('a run fails with NOT_CONVERGED when another client keeps changing the same Secrets', async () => {
    const { server, run } = await setting({
      onRequest: ({ verb, name }) => {
        const held = server?.object('Secret', name, namespace)
        if (verb === 'patch' && held)
          server.put({ ...held, metadata: { ...held.metadata, labels: { turn: String(Math.random()) } } })
        return undefined
      },
      objects: [secret('kafka-user-admin', { password: 'supplied by somebody' })],
    })
    await expect(run()).rejects.toMatchObject({ code: 'NOT_CONVERGED', hint: expect.stringContaining('GitOps') })
  })
})

it('has one CA name for one key', async () => {
  const names = [await setting(), await setting()]
  await Promise.all(names.map(({ run }) => run()))
  const subjects = names.map(
    ({ server }) => readCertificates(secretText(server, 'kafka-ca', 'ca.crt'))[0]!.x509.subject,
  )
  expect(subjects[0]).toMatch(/^CN=SelfMonitor Kafka CA /)
  expect(subjects[0]).not.toBe(subjects[1])
})
