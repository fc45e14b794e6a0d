import type { IncomingMessage } from 'node:http'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { accessText, basic } from '../test-support/access.ts'
import { type Authenticator, createAuthenticator } from './authenticate.ts'
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
