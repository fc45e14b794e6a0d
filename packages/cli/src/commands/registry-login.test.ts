// The command and the library against a registry with TLS and a login: what the address, by option or variable, and the
// environment say reaches every request.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectEvents } from '@selfmonitor/events'
import { startTestPlatform, type TestPlatform } from '@selfmonitor/events/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePorts } from '../../../../test/support/ports.ts'
import { type SecuredFront, startSecuredFront } from '../../../registry/src/test-support/secured-front.ts'
import { selfmonitor } from '../test-io.ts'

const topic = 'user.events'

let platform: TestPlatform
let front: SecuredFront
const folder = mkdtempSync(join(tmpdir(), 'selfmonitor-registry-login-'))

beforeAll(async () => {
  platform = await startTestPlatform({ topics: { [topic]: { partitions: 1 } } })
  front = await startSecuredFront(platform.registryUrl)
})
afterAll(async () => {
  await front.close()
  await platform.close()
  rmSync(folder, { recursive: true })
})

const run = (words: readonly string[], env: Readonly<Record<string, string>> = front.env) =>
  selfmonitor(words, { cwd: folder, env: { KAFKA_BOOTSTRAP_SERVERS: platform.bootstrapServers, ...env } })
const named = () => ['--registry-url', front.url] as const

describe('a registry with TLS and a login', () => {
  it('is asked by the command, with the address of the option or of the environment', async () => {
    expect(await run(['schemas', 'list', ...named()])).toMatchObject({ code: 0 })
    expect(await run(['schemas', 'list'], { ...front.env, SCHEMA_REGISTRY_URL: front.url })).toMatchObject({ code: 0 })
  })

  it('is up for `status`', async () => {
    const { stdout } = await run(['status', '-o', 'json', ...named()])
    expect(JSON.parse(stdout)).toContainEqual(expect.objectContaining({ part: 'registry', state: 'up' }))
  })

  it('is up for `doctor`, and down when it refuses the login', async () => {
    const services = async (env?: Readonly<Record<string, string>>) => {
      const { stdout } = await run(['doctor', '-o', 'json', '--watch', '0s', ...named()], env)
      return (JSON.parse(stdout).verdicts as { code: string }[]).filter(({ code }) => code === 'SCHEMA_REGISTRY_DOWN')
    }
    expect(await services()).toEqual([])
    expect(await services({ ...front.env, SCHEMA_REGISTRY_PASSWORD: 'guessed' })).toHaveLength(1)
  })

  it('is up for the exporter', { timeout: 30_000 }, async () => {
    const [port] = await freePorts(1)
    const stop = new AbortController()
    const words = ['exporter', '--listen', String(port), '--cluster', 'mine', ...named()]
    const ended = selfmonitor(words, {
      cwd: folder,
      env: { KAFKA_BOOTSTRAP_SERVERS: platform.bootstrapServers, ...front.env },
      signal: stop.signal,
    })
    const metrics = async () => await (await fetch(`http://127.0.0.1:${port}/metrics`).catch(() => null))?.text()
    const up = 'kafka_service_up{cluster="mine",service="schema-registry"}'
    await expect.poll(metrics, { timeout: 20_000 }).toContain(up)
    expect(await metrics()).toContain(`${up} 1\n`)
    stop.abort()
    expect(await ended).toMatchObject({ code: 0 })
  })

  it('takes and gives the schema of an event that the library emits', async () => {
    const login = {
      registryAuth: { username: front.username, password: front.password },
      registryTls: { ca: front.ca },
    }
    const { bootstrapServers } = platform
    const options = { bootstrapServers, registryUrl: front.url, schemas: null, service: 'user-service' }
    const stream = await connectEvents({ ...options, ...login })
    await stream.emit(topic, 'user_created', { email: 'a@example.com' }, { userId: 'u-1' })
    await stream.close()
    const { code, stdout, stderr } = await run(['events', 'tail', topic, '--from', 'earliest', '-n', '1', ...named()])
    expect({ code, stderr }).toMatchObject({ code: 0 })
    expect(stdout).toContain('user_created')
    await expect(connectEvents({ ...options, registryTls: { ca: front.ca } })).rejects.toThrow('Unauthorized')
  })

  it('refuses a wrong password with the hint which variables to set; the password is not shown', async () => {
    const { code, stderr } = await run(['schemas', 'list', ...named()], {
      ...front.env,
      SCHEMA_REGISTRY_PASSWORD: 'guessed',
    })
    expect(code).toBe(1)
    expect(stderr).toContain('SCHEMA_REGISTRY_USERNAME')
    expect(stderr).not.toContain('guessed')
  })

  it('is not used with an untrusted certificate: exit code 4, and what to set', async () => {
    const { code, stderr } = await run(['schemas', 'list', ...named()], {})
    expect({ code, stderr }).toEqual({ code: 4, stderr: expect.stringContaining('SCHEMA_REGISTRY_CA') })
  })

  it('is not asked when half of the login is missing: exit code 2', async () => {
    const { code, stderr } = await run(['schemas', 'list', ...named()], { SCHEMA_REGISTRY_USERNAME: 'a' })
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringContaining('SCHEMA_REGISTRY_PASSWORD is missing'),
    })
  })

  it('is not what a registry that is not named gets: the login of the environment stays here', async () => {
    const { stderr } = await run(['schemas', 'list', '--port-offset', '41'], { SCHEMA_REGISTRY_USERNAME: 'a' })
    expect(stderr).not.toContain('SCHEMA_REGISTRY')
  })
})
