import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import type { Io } from './io.ts'
import { readPassword } from './secret.ts'

const cwd = mkdtempSync(join(tmpdir(), 'selfmonitor-secret-'))
afterAll(() => rmSync(cwd, { recursive: true, force: true }))

const io = (more: Partial<Io> = {}): Io =>
  ({ env: {}, cwd, interactive: false, readStdin: async () => '', ...more }) as unknown as Io

describe('a password', () => {
  it('is that of the file, without the line feed that editors add, and with the space it has', async () => {
    writeFileSync(join(cwd, 'password'), ' s3cret \n')
    expect(await readPassword(io({ env: { SELFMONITOR_PASSWORD: 'other' } }), 'billing', 'password')).toBe(' s3cret ')
  })

  it('comes from standard input, or from the environment', async () => {
    expect(await readPassword(io({ readStdin: async () => 'piped\r\n' }), 'billing', '-')).toBe('piped')
    expect(await readPassword(io({ env: { SELFMONITOR_PASSWORD: 'set' } }), 'billing', undefined)).toBe('set')
  })

  it('is never guessed: empty, several lines, no file, no terminal', async () => {
    writeFileSync(join(cwd, 'empty'), '\n')
    writeFileSync(join(cwd, 'several'), 'one\ntwo\n')
    await expect(readPassword(io(), 'billing', 'empty')).rejects.toThrow('--password-file empty is empty.')
    await expect(readPassword(io(), 'billing', 'several')).rejects.toThrow('has several lines')
    await expect(readPassword(io(), 'billing', 'gone')).rejects.toThrow(/--password-file gone: there is no such file/)
    await expect(readPassword(io(), 'billing', undefined)).rejects.toMatchObject({
      exitCode: 2,
      hint: expect.stringContaining('--password-file'),
    })
  })
})
