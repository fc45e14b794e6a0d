// What every store must do, whatever it keeps its objects in: each store's test runs this suite against the real thing.
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ObjectStore, StoreErrorCode } from '../store/types.ts'

/** Opens a store that is empty and is used by nothing else; one more call with the same name opens the same place again. */
export type OpenEmptyStore = (name: string) => Promise<ObjectStore>

export async function collectKeys(store: ObjectStore, prefix = '', after?: string): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of store.list(prefix, after === undefined ? {} : { after })) keys.push(key)
  return keys
}

export async function readWhole(store: ObjectStore, key: string): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of store.read(key)) parts.push(part)
  return Buffer.concat(parts)
}

/** As `toEqual`, which takes seconds for millions of bytes. */
export function expectSame(found: Buffer, expected: Buffer): void {
  expect(found.length).toBe(expected.length)
  expect(found.equals(expected), 'the bytes are the same').toBe(true)
}

/** Matches a StoreError whose message names the store. */
export const storeError = (code: StoreErrorCode, store: ObjectStore) =>
  expect.objectContaining({ name: 'StoreError', code, message: expect.stringContaining(store.address) })

/** @param serializes false for a server that itself lets two writers of one key succeed when they come at the same moment */
export function describeStoreContract(title: string, open: OpenEmptyStore, serializes = true): void {
  describe(title, { timeout: 120_000 }, () => {
    testObjects(open)
    if (serializes) testRaces(open)
    testKeys(open)
  })
}

/** Opens one place twice before the tests of a group, and closes it after them. */
function opened(open: OpenEmptyStore, name: string, use: (store: ObjectStore, other: ObjectStore) => void): void {
  const stores: ObjectStore[] = []
  beforeAll(async () => {
    for (let count = 0; count < 2; count++) stores.push(await open(name))
    use(stores[0]!, stores[1]!)
  })
  afterAll(async () => {
    for (const store of stores) await store.close()
  })
}

function testObjects(open: OpenEmptyStore): void {
  describe('objects', () => {
    let store: ObjectStore
    let other: ObjectStore
    opened(open, 'objects', (one, two) => {
      store = one
      other = two
    })

    it('gives back the bytes that were put', async () => {
      const bytes = randomBytes(100_000)
      await store.put('put/one', bytes)
      expectSame(await other.get('put/one'), bytes)
      expectSame(await readWhole(other, 'put/one'), bytes)
    })

    it('holds an object without bytes', async () => {
      await store.put('empty/put', Buffer.alloc(0))
      expect(await store.create('empty/create').finish()).toEqual({ sizeBytes: 0 })
      expect(await other.get('empty/put')).toHaveLength(0)
      expect(await readWhole(other, 'empty/create')).toHaveLength(0)
      expect(await collectKeys(other, 'empty/')).toEqual(['empty/create', 'empty/put'])
    })

    it('shows nothing of an object before it is finished, and nothing after it is aborted', async () => {
      const writer = store.create('unfinished/one')
      const aborted = store.create('unfinished/two')
      const half = randomBytes(9 * 1024 * 1024)
      await writer.write(half)
      await aborted.write(half)
      await expect(other.get('unfinished/one')).rejects.toEqual(storeError('NOT_FOUND', other))
      expect(await collectKeys(other, 'unfinished/')).toEqual([])
      await aborted.abort()
      await writer.write(Buffer.from('end'))
      expect(await writer.finish()).toEqual({ sizeBytes: half.length + 3 })
      expect(await collectKeys(other, 'unfinished/')).toEqual(['unfinished/one'])
      expectSame(await readWhole(other, 'unfinished/one'), Buffer.concat([half, Buffer.from('end')]))
    })

    it('refuses to write after the end, and to end twice', async () => {
      const writer = store.create('ended/one')
      await writer.finish()
      await expect(writer.write(Buffer.from('x'))).rejects.toEqual(storeError('INVALID_ARGUMENT', store))
      await expect(writer.finish()).rejects.toEqual(storeError('INVALID_ARGUMENT', store))
      await writer.abort()
      expect(await other.get('ended/one')).toHaveLength(0)
    })

    it('replaces no object, small or large', async () => {
      const large = Buffer.alloc(9 * 1024 * 1024, 'b')
      await store.put('kept/one', Buffer.from('first'))
      await expect(other.put('kept/one', Buffer.from('second'))).rejects.toEqual(storeError('EXISTS', other))
      const writer = other.create('kept/one')
      await writer.write(large)
      await expect(writer.finish()).rejects.toEqual(storeError('EXISTS', other))
      expect(await store.get('kept/one')).toEqual(Buffer.from('first'))
      expect(await collectKeys(store, 'kept/')).toEqual(['kept/one'])
    })

    it('says NOT_FOUND of an object that is not there', async () => {
      await expect(store.get('none/such')).rejects.toEqual(storeError('NOT_FOUND', store))
      await expect(readWhole(store, 'none/such')).rejects.toEqual(storeError('NOT_FOUND', store))
    })

    it('returns no object larger than allowed', async () => {
      await store.put('limit/one', Buffer.alloc(1000))
      await expect(store.get('limit/one', 999)).rejects.toEqual(storeError('TOO_LARGE', store))
      expect(await store.get('limit/one', 1000)).toHaveLength(1000)
    })
  })
}

function testRaces(open: OpenEmptyStore): void {
  describe('two writers of one key', () => {
    let store: ObjectStore
    let other: ObjectStore
    opened(open, 'races', (one, two) => {
      store = one
      other = two
    })

    it.each([
      ['small', 10],
      ['large', 9 * 1024 * 1024],
    ])('lets one of two writers of a %s object win', async (size, bytes) => {
      const key = `race/${size}`
      const attempts = [store, other].map(async (one, index) => {
        const writer = one.create(key)
        await writer.write(Buffer.alloc(bytes, index + 1))
        await writer.finish()
        return index + 1
      })
      const results = await Promise.allSettled(attempts)
      const [winner] = results.filter((result) => result.status === 'fulfilled')
      const losers = results.filter((result) => result.status === 'rejected').map(({ reason }) => reason)
      expect(losers).toEqual([expect.objectContaining({ code: 'EXISTS' })])
      expectSame(await store.get(key), Buffer.alloc(bytes, winner!.value))
    })
  })
}

function testKeys(open: OpenEmptyStore): void {
  describe('keys', () => {
    let store: ObjectStore
    let other: ObjectStore
    opened(open, 'keys', (one, two) => {
      store = one
      other = two
    })

    it('lists keys in the order of their bytes, below a prefix and after a key', async () => {
      // "-" and "." come before "/", digits and letters after it.
      const keys = ['l/a-b', 'l/a.b', 'l/a/b', 'l/a/c/d', 'l/a0', 'l/aB', 'l/a_', 'l/ab', 'l/b', 'm']
      for (const key of keys.toReversed()) await store.put(key, Buffer.from(key))
      const below = keys.slice(0, -1)
      expect(await collectKeys(store, 'l/')).toEqual(below)
      expect(await collectKeys(store, 'l/a')).toEqual(below.slice(0, -1))
      expect(await collectKeys(store, 'l/a/')).toEqual(['l/a/b', 'l/a/c/d'])
      expect(await collectKeys(store, 'l/a/c/')).toEqual(['l/a/c/d'])
      for (const [index, key] of below.entries()) {
        expect(await collectKeys(store, 'l/', key)).toEqual(below.slice(index + 1))
      }
      expect(await collectKeys(store, 'l/', 'l/a/zzz')).toEqual(['l/a0', 'l/aB', 'l/a_', 'l/ab', 'l/b'])
      expect(await collectKeys(store, 'nothing/')).toEqual([])
      for await (const { key, sizeBytes, modifiedMs } of store.list('l/ab')) {
        expect({ key, sizeBytes }).toEqual({ key: 'l/ab', sizeBytes: 4 })
        expect(Math.abs(Date.now() - modifiedMs)).toBeLessThan(600_000)
      }
    })

    it('deletes what is there and ignores what is not', async () => {
      for (const key of ['d/one', 'd/two/three', 'd/four']) await store.put(key, Buffer.from(key))
      await store.delete(['d/one', 'd/two/three', 'd/missing', 'e/missing'])
      expect(await collectKeys(other, 'd/')).toEqual(['d/four'])
      await expect(store.get('d/one')).rejects.toEqual(storeError('NOT_FOUND', store))
      await store.delete([])
      await store.put('d/one', Buffer.from('again'))
      expect(await other.get('d/one')).toEqual(Buffer.from('again'))
    })

    it('holds keys of every allowed character', async () => {
      const all = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-'
      const keys = [...all].filter((one) => one !== '.').map((one) => `c/${one}`)
      keys.push(`c/${all}/${all}`, 'c/.hidden', 'c/...', `c/${'x'.repeat(255)}`)
      for (const key of keys) await store.put(key, Buffer.from(key))
      expect(await collectKeys(other, 'c/')).toEqual(keys.toSorted())
      for (const key of keys) expect((await other.get(key)).toString()).toBe(key)
      await store.delete(keys)
      expect(await collectKeys(other, 'c/')).toEqual([])
    })

    it.each([
      '',
      '/a',
      'a/',
      'a//b',
      '.',
      '..',
      '../a',
      'a/../b',
      'a/./b',
      'a b',
      'a\\b',
      'a~',
      'a%2fb',
      'ä',
      'a\0b',
      'a\n',
      'x'.repeat(256),
      `${'x/'.repeat(400)}x`,
    ])('refuses the key %j', async (key) => {
      const refused = storeError('INVALID_ARGUMENT', store)
      await expect(async () => store.create(key)).rejects.toEqual(refused)
      await expect(store.put(key, Buffer.alloc(0))).rejects.toEqual(refused)
      await expect(store.get(key)).rejects.toEqual(refused)
      await expect(readWhole(store, key)).rejects.toEqual(refused)
      await expect(store.delete(['fine', key])).rejects.toEqual(refused)
    })

    it.each(['/', '../', 'a//', 'a/../b', 'a b'])('refuses to list below %j', async (prefix) => {
      await expect(collectKeys(store, prefix)).rejects.toEqual(storeError('INVALID_ARGUMENT', store))
    })
  })
}
