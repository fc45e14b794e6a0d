import { execFileSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { missingTool } from '../../../../test/support/tools.ts'
import { accessText, basic, cheapHash } from '../test-support/access.ts'
import { type Authenticator, createAuthenticator, newLoginMemory } from './authenticate.ts'
import * as password from './password.ts'
import { parsePolicy } from './policy.ts'

// Counted, and otherwise the real one.
vi.mock('./password.ts', { spy: true })

const request = (headers: object): IncomingMessage => ({ headers, socket: {} }) as IncomingMessage

describe('logins with a password', () => {
  let authenticator: Authenticator
  const login = (user: string, given: string) => authenticator.authenticate(request(basic(user, given)))
  beforeEach(async () => {
    authenticator = await createAuthenticator(parsePolicy('access.yaml', await accessText()))
    vi.mocked(password.verifyPassword).mockClear()
  })
  afterEach(() => {
    vi.mocked(password.verifyPassword).mockReset()
  })
  const hashes = () => vi.mocked(password.verifyPassword).mock.calls.length

  it('take a hash the first time, and none while the same password is sent again', async () => {
    const first = await login('reader', 'reader')
    expect(first).toMatchObject({ kind: 'known', caller: { principal: 'User:reader' } })
    expect(await login('reader', 'reader')).toEqual(first)
    expect(hashes()).toBe(1)
    expect(await login('reader', 'wrong')).toMatchObject({ kind: 'refused' })
    expect(hashes()).toBe(2)
  })

  it('share one hash while equal ones are under way', async () => {
    const kinds = (await Promise.all(Array.from({ length: 200 }, () => login('reader', 'reader')))).map(
      ({ kind }) => kind,
    )
    expect(new Set(kinds)).toEqual(new Set(['known']))
    expect(hashes()).toBe(1)
  })

  it('take a hash for the same wrong password only once in a few seconds', async () => {
    const clock = vi.spyOn(performance, 'now').mockReturnValue(1_000)
    try {
      const refused = await login('reader', 'wrong')
      expect(await login('reader', 'wrong')).toEqual(refused)
      expect(hashes()).toBe(1)
      clock.mockReturnValue(10_000)
      expect(await login('reader', 'wrong')).toEqual(refused)
      expect(hashes()).toBe(2)
    } finally {
      clock.mockRestore()
    }
  })

  it('are still known to a new access file in which the hash of the user is the same, with its rights', async () => {
    const [text, other] = [await accessText(), await accessText()]
    const memory = newLoginMemory()
    const open = (file: string) => createAuthenticator(parsePolicy('access.yaml', file), memory)
    const ask = async (one: Authenticator) => await one.authenticate(request(basic('reader')))
    await ask(await open(text))
    const renamed = text.replace(/(reader: \{ password.*roles: )\[reader\]/, '$1[writer]')
    const known = await ask(await open(renamed))
    expect(known).toMatchObject({ kind: 'known', caller: { grants: [{ rights: ['read', 'write'] }] } })
    expect(hashes()).toBe(1)
    expect(await ask(await open(other))).toMatchObject({ kind: 'known' })
    expect(hashes()).toBe(2)
    const changed = text.replace(/(reader: \{ password: )"[^"]*"/, `$1${JSON.stringify(await cheapHash('new'))}`)
    expect(await ask(await open(changed))).toMatchObject({ kind: 'refused' })
  })

  it('of a user that does not exist take a hash as well, always the same one, and give the same answer', async () => {
    const wrong = await login('reader', 'wrong')
    expect(await login('nobody', 'wrong')).toEqual(wrong)
    expect(await login('nobody', 'again')).toEqual(wrong)
    const [, first, second] = vi.mocked(password.verifyPassword).mock.calls
    expect(hashes()).toBe(3)
    expect(second![1]).toBe(first![1])
  })

  it('of a user that does not exist fail with the password of the one whose hash is used', async () => {
    vi.mocked(password.verifyPassword).mockResolvedValue(true)
    expect(await login('nobody', 'right')).toMatchObject({ kind: 'refused' })
    expect(await login('reader', 'right')).toMatchObject({ kind: 'known' })
  })

  it('wait for their turn, a limited number of them', async () => {
    const held = Promise.withResolvers<boolean>()
    vi.mocked(password.verifyPassword).mockReturnValue(held.promise)
    const answers = Array.from({ length: 100 }, (_, index) => login('reader', `wrong ${index}`))
    // The ones that were turned away answer while the others are held.
    const turnedAway = await Promise.all(answers.slice(-10))
    expect(turnedAway.map(({ kind }) => kind)).toEqual(Array(10).fill('unavailable'))
    expect(hashes()).toBeLessThanOrEqual(2)
    held.resolve(false)
    const kinds = (await Promise.all(answers)).map(({ kind }) => kind)
    expect(kinds.filter((kind) => kind === 'refused').length).toBeGreaterThanOrEqual(64)
  })

  it('never say in their refusal what was sent', async () => {
    for (const headers of [
      basic('s3cret', 's3cret'),
      { authorization: 's3cret s3cret' },
      { authorization: 'Bearer s3cret' },
    ]) {
      const refused = await authenticator.authenticate(request(headers))
      expect(refused.kind).toBe('refused')
      expect(JSON.stringify(refused)).not.toContain('s3cret')
    }
  })
})

describe.skipIf(missingTool('openssl', 'version') !== null)('logins with a certificate', () => {
  it.each([
    '/O=Example/CN=payments',
    '/O=Größe AG/CN=zähler',
    '/O=Example/OU=one+CN=payments, two+UID=7',
    '/O=a \\+ b/CN=x',
  ])('find it by the subject that openssl prints: %s', async (name) => {
    const folder = mkdtempSync(join(tmpdir(), 'selfmonitor-subject-'))
    try {
      const file = join(folder, 'one.crt')
      const key = [
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-keyout',
        join(folder, 'key'),
      ]
      execFileSync(
        'openssl',
        ['req', '-x509', '-utf8', '-multivalue-rdn', '-subj', name, ...key, '-out', file, '-days', '2'],
        { stdio: 'ignore' },
      )
      const print = ['x509', '-in', file, '-noout', '-subject', '-nameopt', 'RFC2253,-esc_msb']
      const subject = execFileSync('openssl', print, { encoding: 'utf8' })
        .trim()
        .replace(/^subject= ?/, '')
      const text = await accessText(`certificates:\n  - { subject: ${JSON.stringify(subject)}, roles: [reader] }\n`)
      const authenticator = await createAuthenticator(parsePolicy('access.yaml', text))
      const { raw } = new X509Certificate(readFileSync(file))
      const socket = { authorized: true, getPeerCertificate: () => ({ raw }) }
      expect(await authenticator.authenticate({ headers: {}, socket } as unknown as IncomingMessage)).toMatchObject({
        kind: 'known',
        caller: { principal: `User:${subject}` },
      })
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})
