// The Helm that all other proofs rest on is the one we name, and a changed package is refused.
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from '@selfmonitor/apache'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkIntegrity, onceInCache, orMissing } from './fetch.ts'
import { fetchHelm, type HelmMajor } from './helm.ts'
import { openZip } from './zip.ts'

/** A stored and a deflated member and a comment, by Python's zipfile. */
const zipMadeByPython =
  'UEsDBBQAAAAAAAAAIVwL+UNWBgAAAAYAAAAMAAAAYS9zdG9yZWQudHh0c3RvcmVkUEsDBBQAAAAIAAAAIVwH1m+QDgAAALQAAAAMAAAAZGVmbGF0ZWQudHh0S0lNy0ksSU1RSBk6DABQSwECFAMUAAAAAAAAACFcC/lDVgYAAAAGAAAADAAAAAAAAAAAAAAAgAEAAAAAYS9zdG9yZWQudHh0UEsBAhQDFAAAAAgAAAAhXAfWb5AOAAAAtAAAAAwAAAAAAAAAAAAAAIABMAAAAGRlZmxhdGVkLnR4dFBLBQYAAAAAAgACAHQAAABoAAAADgB3aXRoIGEgY29tbWVudA=='

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'selfmonitor-fetch-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const cases: [HelmMajor, string][] = [
  ['3', 'v3.17.2'],
  ['4', 'v4.1.4'],
]
describe.each(cases)('Helm %s', async (major, version) => {
  const helm = await orMissing(() => fetchHelm(major))

  it.skipIf('missing' in helm)(`is ${version}`, async () => {
    if ('missing' in helm) return
    const said = await run(helm.value, ['version', '--short'])
    expect(said.stdout).toMatch(new RegExp(`^${version}`))
  })
})

describe('a fetched file', () => {
  it('with another checksum than the pinned one is refused, with both checksums', async () => {
    const path = join(folder, 'changed')
    await writeFile(path, 'changed')
    await expect(checkIntegrity(path, 'sha256-AAAA')).rejects.toThrow(/its checksum is sha256-.+, expected sha256-AAAA/)
  })

  it('leaves nothing behind when it cannot be made, so that the next run tries again', async () => {
    const target = join(folder, 'tool')
    await expect(
      onceInCache(target, async (partial) => {
        await writeFile(join(partial, 'half'), '')
        throw new Error('cut')
      }),
    ).rejects.toThrow('cut')
    expect((await readdir(folder)).filter((name) => name.startsWith('tool'))).toEqual([])
  })

  it('that another process has put into place meanwhile is kept', async () => {
    const target = join(folder, 'raced')
    await onceInCache(target, async (partial) => {
      await writeFile(join(partial, 'ours'), '')
      await mkdir(target)
      await writeFile(join(target, 'theirs'), '')
    })
    expect(await readdir(target)).toEqual(['theirs'])
    expect((await readdir(folder)).filter((name) => name.startsWith('raced'))).toEqual(['raced'])
  })

  it('that is a zip archive gives its members, and says when one is damaged', async () => {
    const path = join(folder, 'some.zip')
    const bytes = Buffer.from(zipMadeByPython, 'base64')
    await writeFile(path, bytes)
    const zip = await openZip(path)
    expect(zip.names).toEqual(['a/stored.txt', 'deflated.txt'])
    expect(zip.read('a/stored.txt').toString()).toBe('stored')
    expect(zip.read('deflated.txt').toString()).toBe('deflated '.repeat(20))
    expect(() => zip.read('absent')).toThrow(/some\.zip has no member absent/)

    bytes.write('S', bytes.indexOf('stored', bytes.indexOf('stored.txt') + 10))
    await writeFile(path, bytes)
    const damaged = await openZip(path)
    expect(() => damaged.read('a/stored.txt')).toThrow(/a\/stored\.txt is damaged/)
  })

  it('that is not a zip archive, or a truncated one, is an error', async () => {
    const path = join(folder, 'cut.zip')
    await writeFile(path, Buffer.alloc(100))
    await expect(openZip(path)).rejects.toThrow(/cut\.zip is not a zip archive/)
  })
})
