// Which accounts `selfmonitor users delete` refuses before it connects; what it does on a cluster is in secure.test.ts.
import { expect, it } from 'vitest'
import { CliError } from '../framework/errors.ts'
import { refuseOwnAccount } from './users.ts'

const login = (mechanism: 'PLAIN' | 'SCRAM-SHA-512', username = 'admin') => ({ mechanism, username, password: 'p' })

it('refuses the account it logs in with, also among others, and says whose file to take instead', () => {
  let refused: unknown
  try {
    refuseOwnAccount(login('SCRAM-SHA-512'), ['billing', 'admin'])
  } catch (error) {
    refused = error
  }
  expect(refused).toBeInstanceOf(CliError)
  expect(refused).toMatchObject({ code: 'OWN_ACCOUNT', exitCode: 1, hint: expect.stringContaining('--command-config') })
  expect((refused as Error).message).toMatch(/^admin is the account/)
})

it('lets others go: other names, a login without an account, one of PLAIN, which is another account', () => {
  for (const one of [login('SCRAM-SHA-512', 'ops'), undefined, login('PLAIN')]) {
    expect(() => refuseOwnAccount(one, ['admin'])).not.toThrow()
  }
})
