import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ListMultipartUploadsCommand, ListObjectVersionsCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { modulesLoadedBy } from '../../../../../test/support/loaded-modules.ts'
import {
  missingMoto,
  missingVersitygw,
  moto,
  type S3Server,
  versitygw,
} from '../../../../../test/support/s3/servers.ts'
import { createAuthority } from '../../../../../test/support/secure-apache.ts'
import { missingTool } from '../../../../../test/support/tools.ts'
import { collectKeys, storeError } from '../../test-support/store-contract.ts'
import { openStore } from '../open-store.ts'
import type { ObjectStore, StoreSettings } from '../types.ts'

const bytes = Buffer.from('bytes')
const kinds = [
  { kind: versitygw, missing: await missingVersitygw() },
  { kind: moto, missing: await missingMoto() },
]

describe.each(kinds)('S3 of $kind.name', { timeout: 120_000 }, ({ kind, missing }) => {
  describe.skipIf(missing !== null)('as a store', () => {
    let server: S3Server
    const run = randomUUID().slice(0, 8)
    const buckets = { plain: `plain-${run}`, versions: `versions-${run}`, locks: `locks-${run}` }
    const open = (bucket: keyof typeof buckets, prefix: string, settings: StoreSettings = {}): Promise<ObjectStore> =>
      openStore(`s3://${buckets[bucket]}/${prefix}`, {
        endpoint: server.endpoint,
        credentials: server.credentials,
        ...settings,
      })
    const versions = async (bucket: keyof typeof buckets, prefix: string): Promise<number> => {
      const found = await server.client.send(
        new ListObjectVersionsCommand({ Bucket: buckets[bucket], Prefix: `${prefix}/` }),
      )
      const all = [...(found.Versions ?? []), ...(found.DeleteMarkers ?? [])]
      return all.filter(({ Key }) => !Key!.includes('~')).length
    }

    beforeAll(async () => {
      server = await kind.start()
      for (const name of ['plain', 'versions', 'locks'] as const) await server.makeBucket(buckets[name], name)
    })

    afterAll(() => server?.stop())

    it('says that a bucket does not exist', async () => {
      const settings = { endpoint: server.endpoint, credentials: server.credentials }
      const store = await openStore('s3://no-such-bucket/x', settings)
      const expected = expect.objectContaining({
        code: 'INVALID_ARGUMENT',
        message: expect.stringMatching(/^s3:\/\/no-such-bucket\/x: cannot .*the bucket does not exist/),
      })
      await expect(store.put('a', bytes)).rejects.toEqual(expected)
      await expect(store.get('a')).rejects.toEqual(expected)
      await expect(collectKeys(store)).rejects.toEqual(expected)
    })

    it('shows no objects of others, nor its own trial of conditional writes', async () => {
      const store = await open('plain', 'others')
      await store.put('own', bytes)
      for (const Key of ['others/a b', 'others/folder/', 'others-not/x', 'x']) {
        await server.client.send(new PutObjectCommand({ Bucket: buckets.plain, Key, Body: '', ContentLength: 0 }))
      }
      expect(await collectKeys(store)).toEqual(['own'])
    })

    it('deletes versions, not only the sight of them', async () => {
      const store = await open('versions', 'gone')
      for (const key of ['a', 'a-b', 'c']) await store.put(key, bytes)
      expect(await versions('versions', 'gone')).toBe(3)
      await store.delete(['a', 'c'])
      expect(await versions('versions', 'gone')).toBe(1)
      expect(await collectKeys(store)).toEqual(['a-b'])
    })

    // moto ignores the lock of an object that comes in parts.
    it.each(
      kind === moto
        ? [['small', 5]]
        : [
            ['small', 5],
            ['large', 9 * 1024 * 1024],
          ],
    )('keeps a locked object that is %s when it is to be deleted', async (size, length) => {
      const store = await open('locks', `kept-${size}`)
      await store.put('locked', Buffer.alloc(length), { lock: { untilMs: Date.now() + 3_600_000, mode: 'compliance' } })
      await store.put('free', bytes)
      const refusal = await store.delete(['locked', 'free']).catch((error) => error)
      expect(refusal).toEqual(storeError('LOCKED', store))
      expect(refusal.message).toContain(`1 of 2 objects: kept-${size}/locked, the first until `)
      expect(refusal.keys).toEqual(['locked'])
      expect(await collectKeys(store)).toEqual(['locked'])
      expect(await versions('locks', `kept-${size}`)).toBe(1)
      expect(await store.get('locked')).toHaveLength(length)
    })

    it('locks nothing in a bucket without Object Lock, and says so before it writes', async () => {
      const store = await open('plain', 'unlocked')
      const lock = { lock: { untilMs: Date.now() + 3_600_000, mode: 'compliance' } } as const
      await expect(store.put('a', bytes, lock)).rejects.toEqual(storeError('INVALID_ARGUMENT', store))
      expect(await collectKeys(store)).toEqual([])
    })

    it('leaves no parts behind when an object is aborted or refused', async () => {
      const store = await open('plain', 'parts')
      const half = Buffer.alloc(9 * 1024 * 1024)
      await store.put('taken', bytes)
      const [aborted, refused] = [store.create('aborted'), store.create('taken')]
      for (const writer of [aborted, refused]) await writer.write(half)
      await aborted.abort()
      await expect(refused.finish()).rejects.toEqual(storeError('EXISTS', store))
      const { Uploads = [] } = await server.client.send(new ListMultipartUploadsCommand({ Bucket: buckets.plain }))
      expect(Uploads).toEqual([])
    })

    it.skipIf(kind === moto)('says that credentials are wrong, without them', async () => {
      const [accessKeyId, secretAccessKey] = ['wrong-key-id', 'wrong-secret-key']
      for (const credentials of [
        { ...server.credentials, secretAccessKey },
        { accessKeyId, secretAccessKey },
      ]) {
        const store = await open('plain', 'refused', { credentials })
        const attempts = [store.put('a', bytes), store.get('a'), collectKeys(store), store.delete(['a'])]
        for (const result of await Promise.allSettled(attempts)) {
          const { reason } = result as PromiseRejectedResult
          expect(reason).toEqual(storeError('NOT_ALLOWED', store))
          const said = `${reason.message} ${reason.hint} ${reason.stack} ${JSON.stringify(reason)} ${reason.cause?.stack}`
          for (const secret of Object.values(credentials)) expect(said).not.toContain(secret)
        }
      }
    })

    it.skipIf(kind === moto)('lists and deletes 2,500 objects', async () => {
      const store = await open('plain', 'many')
      const keys = Array.from({ length: 2500 }, (_, index) => `k/${String(index).padStart(5, '0')}`)
      for (let from = 0; from < keys.length; from += 50)
        await Promise.all(keys.slice(from, from + 50).map((key) => store.put(key, bytes)))
      expect(await collectKeys(store)).toEqual(keys)
      expect(await collectKeys(store, 'k/', keys[1234])).toEqual(keys.slice(1235))
      await store.delete(keys.slice(1))
      expect(await collectKeys(store)).toEqual(keys.slice(0, 1))
    })

    it('writes and reads 200 MiB in little memory', async () => {
      const script = `
        const { openStore } = await import(${JSON.stringify(new URL('../open-store.ts', import.meta.url).href)})
        const store = await openStore(process.env.ADDRESS, { endpoint: process.env.ENDPOINT })
        const mib = 1024 * 1024
        const peak = () => Math.round(process.resourceUsage().maxRSS / 1024)
        const writer = store.create('large')
        let early
        for (let at = 0; at < 200; at++) {
          await writer.write(Buffer.alloc(mib, at))
          if (at === 63) early = peak()
        }
        const { sizeBytes } = await writer.finish()
        let position = 0, wrong = 0
        for await (const part of store.read('large')) {
          for (const byte of part) if (byte !== Math.floor(position++ / mib)) wrong++
        }
        await store.close()
        console.log(JSON.stringify({ sizeBytes, position, wrong, growthMib: peak() - early }))`
      const env = {
        ...process.env,
        ADDRESS: `s3://${buckets.plain}/memory`,
        ENDPOINT: server.endpoint,
        AWS_ACCESS_KEY_ID: server.credentials.accessKeyId,
        AWS_SECRET_ACCESS_KEY: server.credentials.secretAccessKey,
      }
      const args = ['--conditions=source', '--input-type=module', '--eval', script]
      const { stdout } = await promisify(execFile)(process.execPath, args, { env })
      const { growthMib, ...rest } = JSON.parse(stdout)
      const sizeBytes = 200 * 1024 * 1024
      expect(rest).toEqual({ sizeBytes, position: sizeBytes, wrong: 0 })
      expect(growthMib).toBeLessThan(96)
    })

    it.skipIf(missingTool('openssl', 'version') !== null)('trusts a certificate authority of its own', async () => {
      const ca = await createAuthority()
      const tls = await ca.issue('s3', ['localhost'], ['127.0.0.1'])
      const folder = await mkdtemp(join(tmpdir(), 'selfmonitor-ca-'))
      const caFile = join(folder, 'ca.pem')
      const secure = await kind.start({ tls })
      try {
        await writeFile(caFile, ca.cert)
        const settings = { endpoint: secure.endpoint, credentials: secure.credentials, caFile }
        // The server's own client does not know the authority either.
        const store = await openStore('s3://secure/x', settings)
        await expect(store.get('a')).rejects.toMatchObject({
          message: expect.stringContaining('the bucket does not exist'),
        })
        const stranger = await openStore('s3://secure/x', { ...settings, caFile: undefined })
        await expect(stranger.get('a')).rejects.toMatchObject({
          code: 'INVALID_ARGUMENT',
          hint: expect.stringContaining('AWS_CA_BUNDLE'),
        })
        await stranger.close()
        await store.close()
      } finally {
        await secure.stop()
        await rm(folder, { recursive: true })
      }
    })
  })
})

/** Opens a store in a process with these settings alone, writes and reads an object. @returns its text, or the error's code and message */
async function inEnvironment(address: string, env: NodeJS.ProcessEnv): Promise<string> {
  const script = `
    const { openStore } = await import(${JSON.stringify(new URL('../open-store.ts', import.meta.url).href)})
    try {
      const store = await openStore(${JSON.stringify(address)})
      await store.put('a', Buffer.from('bytes'))
      console.log(String(await store.get('a')))
    } catch ({ code, message }) {
      console.log(code, message)
    }`
  const args = ['--conditions=source', '--input-type=module', '--eval', script]
  const nothing = {
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    AWS_EC2_METADATA_DISABLED: 'true',
  }
  const options = { env: { PATH: process.env.PATH, HOME: '/nonexistent', ...nothing, ...env } }
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, options)
  expect(stderr).toBe('')
  return stdout.trim()
}

describe.skipIf(kinds[0]!.missing !== null)('the settings of the AWS SDK', { timeout: 120_000 }, () => {
  let server: S3Server
  let folder: string
  /** Not an address: with one, the bucket is in the path whatever is set. */
  let endpoint: string

  beforeAll(async () => {
    server = await versitygw.start()
    endpoint = server.endpoint.replace('127.0.0.1', 'localhost')
    await server.makeBucket('settings')
    folder = await mkdtemp(join(tmpdir(), 'selfmonitor-aws-'))
  })

  afterAll(async () => {
    await server?.stop()
    if (folder !== undefined) await rm(folder, { recursive: true })
  })

  it('are read from the environment', async () => {
    const { accessKeyId, secretAccessKey } = server.credentials
    const login = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey }
    expect(await inEnvironment('s3://settings/env', { ...login, AWS_ENDPOINT_URL_S3: endpoint })).toBe('bytes')
  })

  it('are read from a profile', async () => {
    const { accessKeyId, secretAccessKey } = server.credentials
    const files = { AWS_CONFIG_FILE: join(folder, 'config'), AWS_SHARED_CREDENTIALS_FILE: join(folder, 'credentials') }
    await writeFile(files.AWS_CONFIG_FILE, `[profile backups]\nregion = us-east-1\nendpoint_url = ${endpoint}\n`)
    const login = `aws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`
    await writeFile(files.AWS_SHARED_CREDENTIALS_FILE, `[backups]\n${login}`)
    expect(await inEnvironment('s3://settings/profile', { ...files, AWS_PROFILE: 'backups' })).toBe('bytes')
  })

  it('are missed with a clear error', async () => {
    expect(await inEnvironment('s3://settings/x', {})).toMatch(/^INVALID_ARGUMENT s3:\/\/settings\/x: the region/)
    const noLogin = await inEnvironment('s3://settings/x', { AWS_ENDPOINT_URL_S3: endpoint })
    expect(noLogin).toMatch(/^NOT_ALLOWED s3:\/\/settings\/x: cannot .*there are no credentials/)
  })
})

describe('the settings of S3', () => {
  const open = (settings: StoreSettings) => openStore('s3://bucket', { region: 'eu-central-1', ...settings })

  it.each(['s3.example.org', 'ftp://s3.example.org', 'https://key:pa55word@s3.example.org'])(
    'refuse the endpoint %s without repeating it',
    async (endpoint) => {
      const error = await open({ endpoint }).catch((reason) => reason)
      expect(error).toMatchObject({ code: 'INVALID_ARGUMENT' })
      expect(`${error.message} ${error.stack}`).not.toContain('pa55word')
    },
  )

  it('refuse a file of authorities that is missing or has none', async () => {
    await expect(open({ caFile: '/no/such/file' })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    await expect(open({ caFile: import.meta.filename })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })

  it('are read only for a bucket: a folder does not load the AWS SDK', () => {
    const script = (address: string) => `
      const { openStore } = await import(${JSON.stringify(new URL('../open-store.ts', import.meta.url).href)})
      await openStore('${address}', { region: 'eu-central-1' })`
    const ofSdk = (address: string) =>
      modulesLoadedBy(script(address), import.meta.dirname).filter((url) => url.includes('/@aws-sdk/'))
    expect(ofSdk(tmpdir())).toEqual([])
    expect(ofSdk('s3://bucket')).not.toEqual([])
  })
})
