import { mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openStore } from './open-store.ts'
import type { ObjectStore, StoredObject } from './types.ts'

describe('a store in a folder', () => {
  let base: string
  let folder: string
  let store: ObjectStore
  beforeAll(async () => {
    base = await mkdtemp(join(tmpdir(), 'store-'))
  })
  afterAll(async () => rm(base, { recursive: true, force: true }))
  beforeEach(async () => {
    folder = await mkdtemp(join(base, 'folder-'))
    store = await openStore(folder)
  })
  const keys = async (prefix: string, after?: string): Promise<string[]> => {
    const found: StoredObject[] = []
    for await (const one of store.list(prefix, { after })) found.push(one)
    return found.map(({ key }) => key)
  }

  it('gives back what was written, whole or in parts', async () => {
    const writer = store.create('c/topics/a.b/0')
    await writer.write(Buffer.from('one, '))
    await writer.write(Buffer.from('two'))
    expect(await keys('')).toEqual([])
    expect(await writer.finish()).toEqual({ sizeBytes: 8 })
    expect(String(await store.get('c/topics/a.b/0'))).toBe('one, two')
    const parts: Buffer[] = []
    for await (const part of store.read('c/topics/a.b/0')) parts.push(part)
    expect(String(Buffer.concat(parts))).toBe('one, two')
    await store.put('c/empty', Buffer.alloc(0))
    expect(await store.get('c/empty')).toHaveLength(0)
    await expect(store.get('c/topics/a.b/0', 3)).rejects.toMatchObject({ code: 'TOO_LARGE' })
    await expect(store.get('c/none')).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringContaining('c/none'),
    })
  })

  it('never replaces an object: one of two writers wins', async () => {
    const results = await Promise.allSettled(['a', 'b', 'c'].map((text) => store.put('k', Buffer.from(text))))
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const result of results)
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'EXISTS' })
    expect(await readdir(join(folder, '.partial'))).toEqual([])
  })

  it('shows nothing of an object that was not finished', async () => {
    const writer = store.create('k')
    await writer.write(Buffer.from('half'))
    expect(await keys('')).toEqual([])
    await writer.abort()
    expect(await readdir(join(folder, '.partial'))).toEqual([])
  })

  it('lists in the order of keys, from a place on', async () => {
    const all = ['a-b/1', 'a.b', 'a/1', 'a/2', 'a0', 'b/c/1', 'b/c/2']
    for (const key of all.toReversed()) await store.put(key, Buffer.from(key))
    expect(await keys('')).toEqual(all)
    expect(await keys('a/')).toEqual(['a/1', 'a/2'])
    expect(await keys('b/c/1')).toEqual(['b/c/1'])
    expect(await keys('', 'a/1')).toEqual(['a/2', 'a0', 'b/c/1', 'b/c/2'])
    expect(await keys('b/', 'b/c/1')).toEqual(['b/c/2'])
    await store.delete(['a/1', 'none'])
    expect(await keys('a/')).toEqual(['a/2'])
  })

  it.each(['../out', '/etc/passwd', 'a//b', 'a/../b', '.', 'a/', 'ä', 'a b', ''])('refuses the key %j', async (key) => {
    await expect(store.put(key, Buffer.alloc(1))).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    await expect(store.get(key)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })

  it('does not follow a link out of the folder', async () => {
    await writeFile(join(base, 'secret'), 'secret')
    await symlink(join(base, 'secret'), join(folder, 'link'))
    await symlink(base, join(folder, 'out'))
    await expect(store.get('link')).rejects.toMatchObject({ code: 'NOT_ALLOWED' })
    await expect(store.put('out/new', Buffer.from('x'))).rejects.toMatchObject({ code: 'NOT_ALLOWED' })
    expect(await keys('')).toEqual([])
  })

  it('says that an address of another kind is none', async () => {
    await expect(openStore('ftp://host/backups')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })
})
