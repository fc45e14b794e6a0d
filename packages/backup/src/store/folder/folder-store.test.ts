import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { missingSmallDisk, mountSmallDisk, type SmallDisk } from '../../../../../test/support/small-disk.ts'
import { collectKeys, describeStoreContract, readWhole, storeError } from '../../test-support/store-contract.ts'
import { openStore } from '../open-store.ts'

const base = await mkdtemp(join(tmpdir(), 'selfmonitor-store-'))
afterAll(() => rm(base, { recursive: true, force: true }))

describeStoreContract('a folder', (name) => openStore(join(base, name)))

const bytes = Buffer.from('bytes')

describe('a folder', () => {
  it('is made at the first write, for its owner alone', async () => {
    const root = join(base, 'made', 'here')
    const store = await openStore(root)
    expect(await collectKeys(store)).toEqual([])
    await expect(store.get('a/b')).rejects.toEqual(storeError('NOT_FOUND', store))
    expect(existsSync(root)).toBe(false)
    await store.put('a/b', bytes)
    const modes = await Promise.all(['', 'a', 'a/b'].map(async (path) => (await stat(join(root, path))).mode & 0o777))
    expect(modes).toEqual([0o700, 0o700, 0o600])
  })

  it('keeps a file at the path of the key, and nothing else', async () => {
    const root = join(base, 'plain')
    const store = await openStore(root)
    await store.put('a/b', bytes)
    await store.put('a/c', bytes)
    expect(await readFile(join(root, 'a/b'))).toEqual(bytes)
    expect(await readdir(join(root, '~unfinished'))).toEqual([])
    await store.delete(['a/b', 'a/c'])
    expect(await readdir(root)).toEqual(['~unfinished'])
  })

  it('does not lead out of itself over a symbolic link', async () => {
    const root = join(base, 'links')
    const outside = join(base, 'outside')
    await mkdir(join(outside, 'below'), { recursive: true })
    await writeFile(join(outside, 'secret'), 'secret')
    await mkdir(root)
    await symlink(outside, join(root, 'folder'))
    await symlink(join(outside, 'secret'), join(root, 'file'))
    const store = await openStore(root)
    const refused = storeError('INVALID_ARGUMENT', store)
    await expect(store.put('folder/new', bytes)).rejects.toEqual(refused)
    await expect(store.put('folder/deep/new', bytes)).rejects.toEqual(refused)
    await expect(store.get('folder/secret')).rejects.toEqual(refused)
    await expect(store.get('file')).rejects.toEqual(refused)
    await expect(store.delete(['folder/secret'])).rejects.toEqual(refused)
    await expect(store.put('file', bytes)).rejects.toEqual(storeError('EXISTS', store))
    expect(await collectKeys(store)).toEqual([])
    expect((await readdir(outside)).toSorted()).toEqual(['below', 'secret'])
    // Deleting the link's own key deletes the link, not what it names.
    await store.delete(['file'])
    expect(await readFile(join(outside, 'secret'), 'utf8')).toBe('secret')
  })

  it('does not sweep a folder that the folder of unfinished objects was replaced with', async () => {
    const root = join(base, 'replaced')
    const outside = join(base, 'precious')
    await mkdir(root)
    await mkdir(outside)
    await writeFile(join(outside, 'old'), 'old')
    await utimes(join(outside, 'old'), 1, 1)
    await symlink(outside, join(root, '~unfinished'))
    const store = await openStore(root)
    await expect(store.put('a', bytes)).rejects.toEqual(storeError('INVALID_ARGUMENT', store))
    expect(await readdir(outside)).toEqual(['old'])
  })

  it('may be behind a symbolic link itself', async () => {
    await mkdir(join(base, 'real'))
    await symlink(join(base, 'real'), join(base, 'link'))
    const store = await openStore(join(base, 'link'))
    await store.put('a/b', bytes)
    expect(await store.get('a/b')).toEqual(bytes)
    expect(await collectKeys(store)).toEqual(['a/b'])
  })

  it('removes what a process has left unfinished after a day', async () => {
    const root = join(base, 'left-over')
    const unfinished = join(root, '~unfinished')
    await mkdir(unfinished, { recursive: true })
    for (const name of ['old', 'young']) await writeFile(join(unfinished, name), 'half')
    const yesterday = Date.now() / 1000 - 24 * 3600 - 60
    await utimes(join(unfinished, 'old'), yesterday, yesterday)
    const store = await openStore(root)
    expect(await collectKeys(store)).toEqual([])
    await store.put('a', bytes)
    expect(await readdir(unfinished)).toEqual(['young'])
  })

  it('refuses a key that is the folder of another, and one below an object', async () => {
    const store = await openStore(join(base, 'conflict'))
    await store.put('a/b', bytes)
    await expect(store.put('a', bytes)).rejects.toEqual(storeError('INVALID_ARGUMENT', store))
    await expect(store.put('a/b/c', bytes)).rejects.toEqual(storeError('INVALID_ARGUMENT', store))
    await expect(store.get('a')).rejects.toEqual(storeError('NOT_FOUND', store))
    await expect(store.get('a/b/c')).rejects.toEqual(storeError('NOT_FOUND', store))
    await store.delete(['a', 'a/b/c'])
    expect(await collectKeys(store)).toEqual(['a/b'])
  })

  it('writes and deletes in the same folders at the same time', async () => {
    const store = await openStore(join(base, 'busy'))
    const one = async (name: string): Promise<void> => {
      for (let round = 0; round < 20; round++) {
        await store.put(`x/y/${name}`, bytes)
        await store.delete([`x/y/${name}`])
      }
    }
    await Promise.all(['a', 'b', 'c', 'd'].map(one))
    expect(await collectKeys(store)).toEqual([])
  })

  it('says that an object which became shorter is cut off', async () => {
    const root = join(base, 'shorter')
    const store = await openStore(root)
    await store.put('a', Buffer.alloc(3 * 1024 * 1024))
    const reading = store.read('a')
    await reading.next()
    await writeFile(join(root, 'a'), '')
    await expect(reading.next()).rejects.toEqual(storeError('TRUNCATED', store))
  })

  it('refuses to lock an object, which a folder cannot', async () => {
    const store = await openStore(join(base, 'lock'))
    await expect(store.put('a', bytes, { lock: { untilMs: Date.now() + 1000, mode: 'governance' } })).rejects.toEqual(
      storeError('INVALID_ARGUMENT', store),
    )
  })

  it.skipIf(process.getuid?.() === 0)(
    'says NOT_ALLOWED when the permissions of the folder do not allow it',
    async () => {
      const root = join(base, 'read-only')
      await mkdir(root)
      await chmod(root, 0o500)
      const store = await openStore(root)
      await expect(store.put('a', bytes)).rejects.toEqual(storeError('NOT_ALLOWED', store))
    },
  )

  it('holds nothing of a process that was killed while it wrote', async () => {
    const root = join(base, 'killed')
    const program = `
      import { openStore } from ${JSON.stringify(new URL('../open-store.ts', import.meta.url).href)}
      const store = await openStore(${JSON.stringify(root)})
      await store.put('done', Buffer.from('bytes'))
      const writer = store.create('half')
      for (;;) { await writer.write(Buffer.alloc(65536)); process.stdout.write('.') }`
    for (let round = 0; round < 3; round++) {
      const args = [
        '--conditions=source',
        '--input-type=module-typescript',
        '--eval',
        program.replace('done', `done-${round}`),
      ]
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
      await once(child.stdout, 'data')
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
    const store = await openStore(root)
    expect(await collectKeys(store)).toEqual(['done-0', 'done-1', 'done-2'])
    expect(await readdir(join(root, '~unfinished'))).toHaveLength(3)
    await store.put('half', bytes)
    expect(await readWhole(store, 'half')).toEqual(bytes)
  })
})

describe.skipIf(missingSmallDisk() !== null)('a folder on a full disk', () => {
  let disk: SmallDisk

  beforeAll(async () => {
    disk = await mountSmallDisk(join(base, 'disk'), 4)
  })

  afterAll(() => disk?.unmount())

  it('says NO_SPACE, shows nothing of the object, and writes it when there is room', async () => {
    const store = await openStore(join(disk.path, 'store'))
    await store.put('before', bytes)
    const writer = store.create('large')
    const writing = async (): Promise<void> => {
      for (let round = 0; round < 8; round++) await writer.write(Buffer.alloc(1024 * 1024))
    }
    await expect(writing()).rejects.toEqual(storeError('NO_SPACE', store))
    expect(await readdir(join(disk.path, 'store/~unfinished'))).toEqual([])
    await disk.fill(1)
    await expect(store.put('small', Buffer.alloc(100_000))).rejects.toEqual(storeError('NO_SPACE', store))
    expect(await collectKeys(store)).toEqual(['before'])
    expect(await store.get('before')).toEqual(bytes)
    await disk.fill(0)
    await store.put('small', Buffer.alloc(100_000))
    expect(await collectKeys(store)).toEqual(['before', 'small'])
  })
})
