import { randomBytes, randomUUID } from 'node:crypto'
import { DeleteObjectCommand, ListMultipartUploadsCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  type Fault,
  type FaultProxy,
  type SeenRequest,
  startFaultProxy,
} from '../../../../../test/support/s3/fault-proxy.ts'
import {
  missingMoto,
  missingVersitygw,
  moto,
  type S3Server,
  versitygw,
} from '../../../../../test/support/s3/servers.ts'
import { collectKeys, expectSame, readWhole, storeError } from '../../test-support/store-contract.ts'
import { openStore } from '../open-store.ts'
import type { ObjectStore } from '../types.ts'

const mib = 1024 * 1024
const bytes = Buffer.from('bytes')
const kinds = [
  { kind: versitygw, missing: await missingVersitygw() },
  { kind: moto, missing: await missingMoto() },
]

/** The fault for the first so many requests that match. */
function first(count: number, matches: (seen: SeenRequest) => boolean, fault: Fault) {
  let left = count
  return (seen: SeenRequest) => (matches(seen) && left-- > 0 ? fault : undefined)
}

const always = Number.POSITIVE_INFINITY
const isObject = ({ url }: SeenRequest) => url.includes('/object')
const isPut = (seen: SeenRequest) => seen.method === 'PUT' && isObject(seen)
const isPart = (seen: SeenRequest) => isPut(seen) && seen.url.includes('partNumber=')
const isCompletion = (seen: SeenRequest) => seen.method === 'POST' && isObject(seen) && seen.url.includes('uploadId=')
const isGet = (seen: SeenRequest) => seen.method === 'GET' && isObject(seen)
const isList = ({ url }: SeenRequest) => url.includes('list-type=2')

describe.each(kinds)('faults between a store and $kind.name', { timeout: 120_000 }, ({ kind, missing }) => {
  describe.skipIf(missing !== null)('with a proxy', () => {
    const bucket = `faults-${randomUUID()}`
    let server: S3Server
    let proxy: FaultProxy
    let store: ObjectStore
    let prefix: string

    beforeAll(async () => {
      server = await kind.start()
      await server.makeBucket(bucket)
      proxy = await startFaultProxy(server.endpoint)
    })

    afterAll(async () => {
      await proxy?.close()
      await server?.stop()
    })

    beforeEach(async () => {
      proxy.use(() => undefined)
      prefix = randomUUID()
      store = await openStore(`s3://${bucket}/${prefix}`, {
        endpoint: proxy.endpoint,
        credentials: server.credentials,
      })
      return () => store.close()
    })

    const putDirectly = (key: string, Body: Buffer) =>
      server.client.send(new PutObjectCommand({ Bucket: bucket, Key: `${prefix}/${key}`, Body }))

    async function write(key: string, whole: Buffer): Promise<void> {
      const writer = store.create(key)
      for (let from = 0; from < whole.length; from += mib) await writer.write(whole.subarray(from, from + mib))
      await writer.finish()
    }

    async function expectNothingLeft(): Promise<void> {
      proxy.use(() => undefined)
      expect(await collectKeys(store)).toEqual([])
      const { Uploads = [] } = await server.client.send(new ListMultipartUploadsCommand({ Bucket: bucket }))
      expect(Uploads.filter(({ Key }) => Key!.startsWith(prefix))).toEqual([])
    }

    it.each([
      // The SDK waits longer after it.
      [503, 'SlowDown', 1],
      [500, 'InternalError', 2],
    ])('tries again after %s %s', async (status, code, repeats) => {
      const large = randomBytes(9 * mib)
      const fault = { kind: 'answer', status, code } as const
      for (const [matches, step] of [
        [isPut, () => store.put('object', bytes)],
        [isPart, () => write('object-large', large)],
        [isCompletion, () => write('object-completed', large)],
        [isGet, async () => expect(await store.get('object')).toEqual(bytes)],
        [isList, async () => expect(await collectKeys(store)).toHaveLength(3)],
        [(seen: SeenRequest) => seen.url.includes('delete'), () => store.delete(['object'])],
      ] as const) {
        const before = proxy.seen.filter(matches).length
        proxy.use(first(repeats, matches, fault))
        await step()
        expect(proxy.seen.filter(matches).length - before).toBeGreaterThan(repeats)
      }
      expectSame(await store.get('object-large'), large)
    })

    it('says UNAVAILABLE of a server that fails each time, and leaves nothing', async () => {
      await store.put('before', bytes)
      await store.delete(['before'])
      proxy.use(first(always, isObject, { kind: 'answer', status: 500, code: 'InternalError' }))
      const expected = storeError('UNAVAILABLE', store)
      await expect(store.put('object', bytes)).rejects.toEqual(expected)
      await expect(store.get('object')).rejects.toEqual(expected)
      proxy.use(first(always, isPart, { kind: 'answer', status: 500, code: 'InternalError' }))
      await expect(write('object', Buffer.alloc(9 * mib))).rejects.toEqual(expected)
      await expectNothingLeft()
    })

    it('says UNAVAILABLE of a server that is not there', async () => {
      const gone = await startFaultProxy(server.endpoint)
      await gone.close()
      const lost = await openStore(`s3://${bucket}/x`, { endpoint: gone.endpoint, credentials: server.credentials })
      const expected = expect.objectContaining({
        code: 'UNAVAILABLE',
        message: expect.stringContaining('ECONNREFUSED'),
      })
      await expect(lost.put('a', bytes)).rejects.toEqual(expected)
      await expect(lost.get('a')).rejects.toEqual(expected)
    })

    it.each([
      ['an object', isPut, 4 * mib],
      ['a part', isPart, 20 * mib],
    ])('sends %s again when the connection is cut in its middle', async (_what, matches, size) => {
      const whole = randomBytes(size)
      proxy.use(first(2, matches, { kind: 'cut upload', afterBytes: mib }))
      await write('object', whole)
      expectSame(await store.get('object'), whole)
    })

    it.each([
      ['an object', isPut, 4 * mib],
      ['a part', isPart, 20 * mib],
    ])('shows nothing of what was cut in the middle of %s each time', async (_what, matches, size) => {
      proxy.use(first(always, matches, { kind: 'cut upload', afterBytes: mib }))
      await expect(write('object', Buffer.alloc(size))).rejects.toEqual(storeError('UNAVAILABLE', store))
      await expectNothingLeft()
    })

    it.each([
      ['put', isPut, 5],
      ['completion', isCompletion, 9 * mib],
    ])('has written what it wrote when the answer to the %s was lost', async (_what, matches, size) => {
      const whole = randomBytes(size)
      proxy.use(first(1, matches, { kind: 'lose answer' }))
      await write('object', whole)
      expectSame(await store.get('object'), whole)
      await expect(store.put('object', bytes)).rejects.toEqual(storeError('EXISTS', store))
    })

    it('goes on reading where the connection was cut', async () => {
      const whole = randomBytes(9 * mib)
      await write('object', whole)
      proxy.use(first(3, isGet, { kind: 'cut download', afterBytes: 2 * mib }))
      expectSame(await readWhole(store, 'object'), whole)
      const ranges = proxy.seen.filter((seen) => isGet(seen) && seen.url.includes(prefix)).map(({ headers }) => headers)
      expect(ranges.map(({ range }) => range?.split('-')[1])).toEqual([undefined, ...Array(3).fill(`${9 * mib - 1}`)])
      expect(ranges.slice(1).every((headers) => headers['if-match'] !== undefined)).toBe(true)
    })

    it('says TRUNCATED when no connection brings more', async () => {
      await write('object', randomBytes(3 * mib))
      const cut = first(1, isGet, { kind: 'cut download', afterBytes: mib })
      const none = first(always, isGet, { kind: 'cut download', afterBytes: 0 })
      proxy.use((seen) => cut(seen) ?? none(seen))
      await expect(readWhole(store, 'object')).rejects.toEqual(storeError('TRUNCATED', store))
    })

    it.each(['replaced', 'deleted'])('says TRUNCATED when the object is %s while it is read', async (how) => {
      await write('object', randomBytes(3 * mib))
      proxy.use(first(1, isGet, { kind: 'cut download', afterBytes: mib }))
      const reading = store.read('object')
      await reading.next()
      if (how === 'replaced') await putDirectly('object', randomBytes(3 * mib))
      else await server.client.send(new DeleteObjectCommand({ Bucket: bucket, Key: `${prefix}/object` }))
      const rest = async (): Promise<void> => {
        for await (const _part of reading) {
          // Only its end counts.
        }
      }
      await expect(rest()).rejects.toEqual(storeError('TRUNCATED', store))
    })

    it('says DAMAGED when other bytes come than were written', async () => {
      await store.put('object', bytes)
      proxy.use(first(1, isGet, { kind: 'flip a bit' }))
      await expect(readWhole(store, 'object')).rejects.toEqual(storeError('DAMAGED', store))
      expect(await store.get('object')).toEqual(bytes)
    })

    it('relies on no list: with a stale one it replaces nothing and reads what is there', async () => {
      expect(await collectKeys(store)).toEqual([])
      const stale = [...proxy.answers].findLast(([url]) => url.includes('list-type=2'))![1]
      await store.put('object', bytes)
      proxy.use(first(always, isList, { kind: 'replace answer', body: stale }))
      expect(await collectKeys(store)).toEqual([])
      await expect(store.put('object', bytes)).rejects.toEqual(storeError('EXISTS', store))
      expect(await store.get('object')).toEqual(bytes)
      await store.delete(['object'])
      await expect(store.get('object')).rejects.toEqual(storeError('NOT_FOUND', store))
    })

    it('does not read a list without end when the server repeats a page', async () => {
      const page = `<?xml version="1.0"?><ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>again</NextContinuationToken>
        <Contents><Key>${prefix}/object</Key><Size>5</Size></Contents></ListBucketResult>`
      proxy.use(first(always, isList, { kind: 'replace answer', body: page }))
      await expect(collectKeys(store)).rejects.toEqual(storeError('UNAVAILABLE', store))
    })

    it.each(['<html>Sign in', '<html><body>Sign in</body></html>'])(
      'does not take %j for an answer of S3',
      async (body) => {
        await store.put('object-before', bytes)
        proxy.use(first(always, (seen) => isList(seen) || isObject(seen), { kind: 'replace answer', body }))
        const expected = storeError('UNAVAILABLE', store)
        await expect(collectKeys(store)).rejects.toEqual(expected)
        await expect(store.get('object')).rejects.toEqual(expected)
        await expect(store.put('object', bytes)).rejects.toEqual(expected)
      },
    )

    it('sends one part at a time to a slow server', async () => {
      const { promise, resolve } = Promise.withResolvers<void>()
      proxy.use(first(1, isPart, { kind: 'hold', until: promise }))
      const whole = randomBytes(40 * mib)
      const writing = write('object', whole)
      const partsSeen = () => proxy.seen.filter((seen) => isPart(seen) && seen.url.includes(prefix)).length
      await expect.poll(partsSeen).toBe(1)
      // The writer has the second part, and waits.
      expect(await collectKeys(store)).toEqual([])
      expect(partsSeen()).toBe(1)
      resolve()
      await writing
      expectSame(await store.get('object'), whole)
    })

    // Only a server that does not check signatures lets a proxy take headers away.
    it.skipIf(kind !== moto).each([
      ['any request', isPut, () => true],
      ['the completion of parts', () => false, ({ method }: SeenRequest) => method === 'POST'],
    ])('refuses a server that ignores conditions in %s, before it writes', async (_what, _isSmall, matches) => {
      proxy.use(first(always, matches, { kind: 'without headers', names: ['if-none-match'] }))
      await putDirectly('object', bytes)
      const refused = expect.objectContaining({
        code: 'INVALID_ARGUMENT',
        message: expect.stringContaining('If-None-Match'),
      })
      await expect(write('object', Buffer.alloc(9 * mib))).rejects.toEqual(refused)
      expect(await store.get('object')).toEqual(bytes)
    })
  })
})
