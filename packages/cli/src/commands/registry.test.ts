// `selfmonitor registry serve` for a cluster: who is let in, what is recorded, and when it is refused.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectCluster } from '@selfmonitor/cluster'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeEngines } from '../../../../test/support/engines.ts'
import { freePorts } from '../../../../test/support/ports.ts'
import { selfmonitor } from '../test-io.ts'

const folder = mkdtempSync(join(tmpdir(), 'selfmonitor-registry-'))
afterAll(() => rmSync(folder, { recursive: true }))

const accessText = (hash: string) => `roles:
  admin: [{ rights: [read, write, delete, configure] }]
users:
  ann: { password: '${hash}', roles: [admin] }
...
`

it('hash-password prints the hash of a password from standard input, which an access file takes', async () => {
  const { code, stdout } = await selfmonitor(['registry', 'hash-password', '--password-file', '-'], {
    stdin: 's3cret\n',
  })
  expect([code, stdout]).toEqual([0, expect.stringMatching(/^\$scrypt\$ln=15,r=8,p=3\$\S+\n$/)])
  expect(stdout).not.toContain('s3cret')
  const { parsePolicy } = await import('../../../registry/src/access/policy.ts')
  expect(parsePolicy('f', accessText(stdout.trim())).users.has('ann')).toBe(true)
})

it.each([
  [['--tls-key', 'k'], 'TLS needs both --tls-certificate and --tls-key.'],
  [['--tls-client-ca', 'k'], 'TLS needs both'],
  [['--tls-certificate', 'c', '--tls-key', 'k', '--tls-client-auth', 'required'], 'without --tls-client-ca'],
  [['--tls-certificate', 'c', '--tls-key', 'k'], 'the certificate'],
  [['--listen', '0.0.0.0:0'], 'has not been given TLS and an access file'],
  [['--access', 'nothing.yaml'], 'nothing.yaml:1: cannot be read'],
  [['--access', 'half.yaml'], 'half.yaml:2: the file does not end with a line `...`'],
])('serve %j says what is wrong, before it reaches for a registry', async (words, message) => {
  writeFileSync(join(folder, 'half.yaml'), 'roles: { a: [{ rights: [read] }] }\n')
  const { code, stderr } = await selfmonitor(
    ['registry', 'serve', '--bootstrap-servers', '127.0.0.1:1', '--timeout', '5s', ...words],
    { cwd: folder },
  )
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(message) })
})

describeEngines('selfmonitor registry serve', (engine) => {
  const id = `serve${Date.now().toString(36)}`
  const trail = `${id}.audit`
  beforeAll(async () => {
    const { stdout } = await selfmonitor(['registry', 'hash-password'], { env: { SELFMONITOR_PASSWORD: 's3cret' } })
    writeFileSync(join(folder, 'access.yaml'), accessText(stdout.trim()))
    const cluster = connectCluster({ bootstrapServers: engine.bootstrapServers })
    await cluster.createTopics([{ name: trail, partitions: 1, replicationFactor: 1 }])
    await cluster.close()
  })

  /** Serves while `use` runs. */
  async function served(words: readonly string[], env: Record<string, string>, use: (url: string) => Promise<void>) {
    const [port] = await freePorts(1)
    const url = `http://127.0.0.1:${port}`
    const stop = new AbortController()
    const ended = selfmonitor(
      [
        ...['registry', 'serve', '--bootstrap-servers', engine.bootstrapServers, '--listen', String(port)],
        ...['--topic', `${id}.schemas`, '--access', 'access.yaml', ...words],
      ],
      { cwd: folder, env: { SELFMONITOR_LOG_LEVEL: 'silent', ...env }, signal: stop.signal },
    )
    try {
      await expect.poll(async () => (await fetch(url).catch(() => null))?.status, { timeout: 60_000 }).toBe(401)
      await use(url)
    } finally {
      stop.abort()
      expect(await ended).toMatchObject({ code: 0, stderr: expect.stringContaining(url) })
    }
  }

  const cli = (url: string, ...words: string[]) =>
    selfmonitor(words, {
      cwd: folder,
      env: { SCHEMA_REGISTRY_URL: url, SCHEMA_REGISTRY_USERNAME: 'ann', SCHEMA_REGISTRY_PASSWORD: 's3cret' },
    })
  const register = (url: string, subject: string) =>
    fetch(`${url}/subjects/${subject}/versions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Basic ${btoa('ann:s3cret')}` },
      body: '{"schema":"\\"int\\""}',
    })

  it('lets in who has a login, and records their changes', { timeout: 120_000 }, async () => {
    await served(['--env', 'production'], { SELFMONITOR_AUDIT: trail }, async (url) => {
      expect(await cli(url, 'schemas', 'list', '-o', 'json')).toMatchObject({ code: 0, stdout: '[]\n' })
      expect((await register(url, 'orders-value')).status).toBe(200)
    })
    const { stdout } = await selfmonitor(
      ['audit', 'search', '--from', '1h', '--bootstrap-servers', engine.bootstrapServers, '-o', 'json'],
      { cwd: folder, env: { SELFMONITOR_AUDIT: trail } },
    )
    expect(stdout).not.toContain('s3cret')
    for (const said of ['"User:ann"', '"schemas.register"', '"orders-value"', '"success"'])
      expect(stdout).toContain(said)
  })

  it('in production refuses changes that cannot be recorded', { timeout: 120_000 }, async () => {
    await served(['--env', 'production'], { SELFMONITOR_AUDIT: `${id}.nothing` }, async (url) => {
      const refused = await register(url, 'new-value')
      expect([refused.status, await refused.text()]).toEqual([503, expect.stringContaining(`${id}.nothing`)])
      expect((await cli(url, 'schemas', 'list', '-o', 'name')).stdout).not.toContain('new-value')
    })
  })
})
