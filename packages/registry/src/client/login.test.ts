// A registry with TLS and a login: a certificate of a CA that the system does not know, a user, a password.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type SecuredFront, startSecuredFront } from '../test-support/secured-front.ts'
import { createRegistryClient } from './client.ts'
import { registryLogin } from './login.ts'

let behind: Server
let front: SecuredFront
const folder = mkdtempSync(join(tmpdir(), 'selfmonitor-registry-login-'))

beforeAll(async () => {
  behind = createServer((_request, response) => response.end('["user.events-value"]'))
  await new Promise<void>((resolve) => behind.listen(0, '127.0.0.1', resolve))
  front = await startSecuredFront(`http://127.0.0.1:${(behind.address() as AddressInfo).port}`)
})
afterAll(async () => {
  await front.close()
  behind.close()
  rmSync(folder, { recursive: true })
})

const subjects = (env: Readonly<Record<string, string>>, url = front.url) =>
  createRegistryClient({ url, retries: 0, ...registryLogin(env) }).subjects()

describe('a client of a registry with TLS and a login', () => {
  it('is let in with the user, the password and the CA of the environment, the CA as text', async () => {
    expect(await subjects(front.env)).toEqual(['user.events-value'])
  })

  it('is let in with the CA as a file', async () => {
    const file = join(folder, 'ca.crt')
    writeFileSync(file, front.ca)
    expect(await subjects({ ...front.env, SCHEMA_REGISTRY_CA: file })).toEqual(['user.events-value'])
  })

  it('is let in with the password of a file, which is not set beside another one', async () => {
    const file = join(folder, 'password')
    writeFileSync(file, `${front.password}\n`)
    const { SCHEMA_REGISTRY_PASSWORD: password, ...env } = front.env
    expect(await subjects({ ...env, SCHEMA_REGISTRY_PASSWORD_FILE: file })).toEqual(['user.events-value'])
    const error = (more: Readonly<Record<string, string>>) => {
      try {
        return registryLogin({ ...env, ...more })
      } catch (reason) {
        return reason
      }
    }
    expect(error({ SCHEMA_REGISTRY_PASSWORD: password!, SCHEMA_REGISTRY_PASSWORD_FILE: file })).toMatchObject({
      code: 'REGISTRY_OPTIONS',
      message: 'SCHEMA_REGISTRY_PASSWORD and SCHEMA_REGISTRY_PASSWORD_FILE are both set',
    })
    expect(error({ SCHEMA_REGISTRY_PASSWORD_FILE: join(folder, 'none') })).toMatchObject({
      message: expect.stringMatching(/^SCHEMA_REGISTRY_PASSWORD_FILE: ".+none" cannot be read \(ENOENT\)$/),
    })
    writeFileSync(file, 'two\nlines\n')
    expect(error({ SCHEMA_REGISTRY_PASSWORD_FILE: file })).toMatchObject({
      message: expect.not.stringContaining('two'),
    })
  })

  it('is refused with another password and with none, and the password is not in the message', async () => {
    const error = await subjects({ ...front.env, SCHEMA_REGISTRY_PASSWORD: 'guessed' }).catch(
      (reason: unknown) => reason,
    )
    expect(error).toMatchObject({ code: 'REGISTRY_REFUSED', status: 401, hint: expect.stringContaining('USERNAME') })
    expect(JSON.stringify(error) + String(error)).not.toContain('guessed')
    await expect(subjects({ SCHEMA_REGISTRY_CA: front.ca })).rejects.toMatchObject({ status: 401 })
  })

  it('sends nothing to a server whose certificate it does not trust, or that is for another name', async () => {
    const untrusted = { code: 'REGISTRY_UNTRUSTED', hint: expect.stringContaining('SCHEMA_REGISTRY_CA') }
    await expect(subjects({ ...front.env, SCHEMA_REGISTRY_CA: '' })).rejects.toMatchObject(untrusted)
    await expect(subjects(front.env, front.url.replace('localhost', '127.0.0.1'))).rejects.toMatchObject(untrusted)
  })
})

describe('a login from the environment', () => {
  it('is none where nothing is set, or all is empty', () => {
    expect(registryLogin({})).toEqual({})
    expect(
      registryLogin({ SCHEMA_REGISTRY_USERNAME: '', SCHEMA_REGISTRY_PASSWORD: '', SCHEMA_REGISTRY_CA: '' }),
    ).toEqual({})
  })

  it.each([
    [{ SCHEMA_REGISTRY_USERNAME: 'a' }, 'SCHEMA_REGISTRY_PASSWORD is missing'],
    [{ SCHEMA_REGISTRY_PASSWORD: 'secret' }, 'SCHEMA_REGISTRY_USERNAME is missing'],
    [
      { SCHEMA_REGISTRY_CA: '/nowhere/ca.crt' },
      '"/nowhere/ca.crt" is neither PEM text nor a file that can be read (ENOENT)',
    ],
    [{ SCHEMA_REGISTRY_CA: import.meta.filename }, 'has no certificate in PEM format'],
  ])('names the variable that is missing or wrong: %o', (env, message) => {
    expect(() => registryLogin(env)).toThrow(
      expect.objectContaining({ code: 'REGISTRY_OPTIONS', message: expect.stringContaining(message) }),
    )
  })
})
