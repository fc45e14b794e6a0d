// A store in a bucket of S3, below a prefix. This is the only folder that loads the AWS SDK.
import { GetObjectLockConfigurationCommand, ListObjectsV2Command } from '@aws-sdk/client-s3'
import { checkKey, checkPrefix, type KeyRule, keyProblem } from '../keys.ts'
import { StoreError } from '../store-error.ts'
import {
  defaultMaxGetBytes,
  type ObjectStore,
  type StoredObject,
  type StoreSettings,
  type WriteOptions,
} from '../types.ts'
import { conditionalWrites } from './conditional-writes.ts'
import { connectS3, type S3Connection } from './connection.ts'
import { deleteObjects } from './delete-objects.ts'
import { httpStatus, isNamed, NotS3 } from './errors.ts'
import { once } from './once.ts'
import { readObject } from './read-object.ts'
import { s3Writer } from './write-object.ts'

interface S3Address {
  readonly address: string
  readonly bucket: string
  /** Empty, or with a `/` at its end. */
  readonly prefix: string
}

/**
 * @param rule of the keys that are seen
 * @throws StoreError INVALID_ARGUMENT for settings that cannot be; nothing is asked of the server
 */
export async function s3Store(
  { address, bucket, prefix }: S3Address,
  settings: StoreSettings,
  rule: KeyRule = keyProblem,
): Promise<ObjectStore> {
  const connection = await connectS3(address, bucket, settings)
  const conditional = conditionalWrites(connection, prefix)
  const checkLock = once(() => checkObjectLock(connection))

  const placeOf = (key: string) => {
    checkKey(address, key, rule)
    return { Bucket: bucket, Key: prefix + key }
  }

  const create = (key: string, options: WriteOptions = {}) =>
    s3Writer({ connection, key, place: placeOf(key), conditional, checkLock }, options)

  async function* read(key: string, maxBytes = Number.POSITIVE_INFINITY): AsyncGenerator<Buffer, void, undefined> {
    yield* readObject({ connection, key, place: placeOf(key) }, maxBytes)
  }

  return {
    address,
    create,
    async put(key, bytes, options) {
      const writer = create(key, options)
      await writer.write(bytes)
      await writer.finish()
    },
    read: (key) => read(key),
    async get(key, maxBytes = defaultMaxGetBytes) {
      const parts: Buffer[] = []
      for await (const part of read(key, maxBytes)) parts.push(part)
      return parts.length === 1 ? parts[0]! : Buffer.concat(parts)
    },
    async *list(below, { after } = {}) {
      checkPrefix(address, below, rule)
      yield* listObjects(connection, prefix, below, after, rule)
    },
    async delete(keys) {
      for (const key of keys) checkKey(address, key)
      await deleteObjects(connection, prefix, keys)
    },
    close: async () => connection.client.destroy(),
  }
}

async function* listObjects(
  connection: S3Connection,
  prefix: string,
  below: string,
  after: string | undefined,
  rule: KeyRule,
): AsyncGenerator<StoredObject, void, undefined> {
  const doing = below === '' ? 'list objects' : `list objects of ${below}`
  const StartAfter = after === undefined || after === '' ? undefined : prefix + after
  let token: string | undefined
  let last = ''
  do {
    const page = await connection.attempt(doing, async () => {
      const answer = await connection.client.send(
        new ListObjectsV2Command({
          Bucket: connection.bucket,
          Prefix: prefix + below,
          StartAfter,
          ContinuationToken: token,
        }),
      )
      // A page of HTML is read as a list without objects.
      if (answer.IsTruncated === undefined && answer.KeyCount === undefined) throw new NotS3()
      return answer
    })
    for (const { Key = '', Size = 0, LastModified } of page.Contents ?? []) {
      // A page that comes again would be read without end, and a manifest would be found twice.
      if (Buffer.compare(Buffer.from(Key), Buffer.from(last)) <= 0) {
        const message = `${connection.address}: cannot ${doing}: the server lists ${Key} after ${last}`
        throw new StoreError('UNAVAILABLE', message, {
          hint: 'A store needs lists in the order of keys, which directory buckets of S3 do not have.',
        })
      }
      last = Key
      const key = Key.slice(prefix.length)
      // Others may keep objects with other names in the bucket.
      if (rule(key) === null && (after === undefined || key > after))
        yield { key, sizeBytes: Size, modifiedMs: LastModified?.getTime() ?? 0 }
    }
    token = page.IsTruncated === true ? page.NextContinuationToken : undefined
  } while (token !== undefined)
}

/** A server that does not know Object Lock ignores the lock of an object. @throws StoreError INVALID_ARGUMENT */
async function checkObjectLock(connection: S3Connection): Promise<void> {
  const { address, client, bucket } = connection
  await connection.attempt('lock objects', async () => {
    try {
      const { ObjectLockConfiguration } = await client.send(new GetObjectLockConfigurationCommand({ Bucket: bucket }))
      if (ObjectLockConfiguration?.ObjectLockEnabled === 'Enabled') return
    } catch (error) {
      const isAbsent = isNamed(error, 'ObjectLockConfigurationNotFoundError', 'NotImplemented', 'InvalidRequest')
      if (!isAbsent && httpStatus(error) !== 404 && httpStatus(error) !== 501) throw error
    }
    throw new StoreError('INVALID_ARGUMENT', `${address}: cannot lock objects: the bucket has no Object Lock`, {
      hint: 'Object Lock is chosen when a bucket is created.',
    })
  })
}
