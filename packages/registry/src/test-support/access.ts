// An access file with a user for each role, and what the tests of access say over and over.
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openAccess } from '../access/open.ts'
import { hashPassword } from '../access/password.ts'
import type { Logger } from '../types.ts'
import { silent } from './app.ts'

/** A cheap one: tests log in often. */
export const cheapHash = (password: string) => hashPassword(password, { ln: 13, r: 1, p: 1 })

export const rolesText = `
roles:
  admin: [{ rights: [read, write, delete, configure], contexts: ['*'] }]
  reader: [{ rights: [read], subjects: [pay.*] }]
  writer: [{ rights: [read, write], subjects: [pay.*] }]
  remover: [{ rights: [read, delete], subjects: [pay.*] }]
  configurer: [{ rights: [read, configure], subjects: [pay.*] }]
  lab: [{ rights: [read, write, delete, configure], contexts: [.lab] }]
  blind: [{ rights: [write], subjects: [pay.*] }]
  elsewhere: [{ rights: [read, write, delete, configure], subjects: [other] }]
`
export const roles = ['admin', 'reader', 'writer', 'remover', 'configurer', 'lab', 'blind', 'elsewhere'] as const
export type Role = (typeof roles)[number]

/** Each user has the name and the password of its role. */
export async function accessText(more = ''): Promise<string> {
  const users = await Promise.all(
    roles.map(async (role) => `  ${role}: { password: ${JSON.stringify(await cheapHash(role))}, roles: [${role}] }`),
  )
  return `${rolesText}users:\n${users.join('\n')}\n${more}...\n`
}

export const basic = (user: string, password: string = user) => ({
  authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
})

export function accessFolder() {
  const folder = mkdtempSync(join(tmpdir(), 'selfmonitor-access-'))
  const file = join(folder, 'access.yaml')
  return {
    folder,
    file,
    /** As a whole: another file is moved in its place. */
    write(text: string): void {
      writeFileSync(`${file}.new`, text)
      renameSync(`${file}.new`, file)
    },
    open: (logger: Logger = silent, checkEveryMs = 60_000) =>
      openAccess({ file, logger, checkEveryMs, hasClientCa: true }),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
