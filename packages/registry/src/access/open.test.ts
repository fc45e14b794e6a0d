// The access file while a registry runs: what changes in it counts from the next request on, and a mistake changes nothing.
import type { IncomingMessage } from 'node:http'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { accessFolder, accessText, basic } from '../test-support/access.ts'
import type { Logger } from '../types.ts'
import type { Access } from './open.ts'

let files: ReturnType<typeof accessFolder>
let access: Access
let logged: string[]
let text: string

const keep = (level: string) => (context: object, message?: string) => {
  logged.push(`${level} ${message} ${JSON.stringify(context)}`)
}
const logger = { debug() {}, info: keep('info'), warn: keep('warn'), error: keep('error') } as Logger

beforeEach(async () => {
  files = accessFolder()
  logged = []
  text = await accessText()
  files.write(text)
  access = await files.open(logger, 20)
})
afterEach(() => {
  access.close()
  files.remove()
})

const login = async (user: string) =>
  (await access.authenticate({ headers: basic(user), socket: {} } as IncomingMessage)).kind

it('a user who is removed is not let in any more, also with a password that was right before', async () => {
  expect(await login('reader')).toBe('known')
  files.write(text.replace(/^ {2}reader: \{ password.*\n/m, ''))
  await expect.poll(() => login('reader'), { timeout: 20_000 }).toBe('refused')
  expect(await login('writer')).toBe('known')
})

it.each([
  ['is empty', () => ''],
  ['is half-written', () => text.slice(0, text.length / 2)],
  ['lacks its end', () => text.slice(0, -4)],
])('a file that %s is logged with its place, and the one before stays in use', async (_name, changed) => {
  files.write(changed())
  await expect.poll(() => logged.length, { timeout: 20_000 }).toBe(1)
  expect(logged[0]).toMatch(/^error the access file cannot be used; the one before stays in use .*access\.yaml:\d+: /)
  expect(await login('reader')).toBe('known')
  files.write(`${text.slice(0, -4)}# the whole one\n...\n`)
  await expect.poll(() => logged.at(-1), { timeout: 20_000 }).toMatch(/^info the access file has changed/)
  expect(await login('reader')).toBe('known')
})
