// Deletes objects of S3. In a bucket with versions a deletion without a version only hides the object, also one that Object Lock
// keeps: there the versions are deleted, so that what is deleted is gone, and what is locked is refused.
import {
  type _Error,
  DeleteObjectsCommand,
  GetBucketVersioningCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  type ObjectIdentifier,
} from '@aws-sdk/client-s3'
import { StoreError } from '../store-error.ts'
import type { S3Connection } from './connection.ts'
import { httpStatus, isNamed } from './errors.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html */
const maxPerRequest = 1000
const listsAtOnce = 8
/** How many refused keys a message names. */
const maxNamed = 5

/**
 * @param prefix the store's
 * @throws StoreError LOCKED, NOT_ALLOWED, …; the other objects are deleted all the same
 */
export async function deleteObjects(connection: S3Connection, prefix: string, keys: readonly string[]): Promise<void> {
  const objectKeys = keys.map((key) => prefix + key)
  if (objectKeys.length === 0) return
  const targets = await connection.attempt('delete objects', async () =>
    (await hasVersions(connection)) ? versionsOf(connection, objectKeys) : objectKeys.map((Key) => ({ Key })),
  )
  const refused: _Error[] = []
  for (let from = 0; from < targets.length; from += maxPerRequest) {
    const Objects = targets.slice(from, from + maxPerRequest)
    const { Errors = [] } = await connection.attempt('delete objects', () =>
      connection.client.send(new DeleteObjectsCommand({ Bucket: connection.bucket, Delete: { Objects, Quiet: true } })),
    )
    refused.push(...Errors.filter(({ Code }) => Code !== 'NoSuchKey' && Code !== 'NoSuchVersion'))
  }
  if (refused.length > 0) throw await refusal(connection, prefix, refused, targets.length)
}

async function hasVersions({ client, bucket }: S3Connection): Promise<boolean> {
  try {
    const { Status } = await client.send(new GetBucketVersioningCommand({ Bucket: bucket }))
    return Status !== undefined
  } catch (error) {
    if (isNamed(error, 'NotImplemented', 'VersioningNotConfigured') || httpStatus(error) === 501) return false
    throw error
  }
}

/** All versions and delete markers of the keys. */
async function versionsOf(connection: S3Connection, objectKeys: readonly string[]): Promise<ObjectIdentifier[]> {
  const found: ObjectIdentifier[] = []
  for (let from = 0; from < objectKeys.length; from += listsAtOnce) {
    const lists = objectKeys.slice(from, from + listsAtOnce).map((key) => versionsOfOne(connection, key))
    for (const versions of await Promise.all(lists)) found.push(...versions)
  }
  return found
}

async function versionsOfOne({ client, bucket }: S3Connection, objectKey: string): Promise<ObjectIdentifier[]> {
  const found: ObjectIdentifier[] = []
  let marker: { readonly KeyMarker?: string; readonly VersionIdMarker?: string } = {}
  for (;;) {
    const page = await client.send(new ListObjectVersionsCommand({ Bucket: bucket, Prefix: objectKey, ...marker }))
    const all = [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])]
    for (const { Key, VersionId } of all) if (Key === objectKey) found.push({ Key, VersionId })
    // Keys come in order: those that only begin with this one come after it.
    if (page.IsTruncated !== true || all.some(({ Key }) => Key !== objectKey)) return found
    marker = { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker }
  }
}

async function refusal(
  connection: S3Connection,
  prefix: string,
  refused: readonly _Error[],
  total: number,
): Promise<StoreError> {
  const [first] = refused as [_Error]
  const named = refused.slice(0, maxNamed).map(({ Key }) => Key)
  const more = refused.length > maxNamed ? ` and ${refused.length - maxNamed} more` : ''
  const which = `${refused.length} of ${total} objects: ${named.join(', ')}${more}`
  const locked = await lockedUntil(connection, first)
  if (locked !== null) {
    const message = `${connection.address}: Object Lock refuses to delete ${which}${locked === '' ? '' : `, the first until ${locked}`}`
    const keys = [...new Set(refused.map(({ Key = '' }) => Key.slice(prefix.length)))]
    return new StoreError('LOCKED', message, { keys, hint: 'Delete them when their time is over.' })
  }
  const error = Object.assign(new Error(first.Message ?? first.Code ?? ''), { name: first.Code ?? 'Error' })
  return connection.failure(`delete ${which}`, error)
}

/** @returns when the lock of the refused object ends, '' when that is not known, and null when it has none */
async function lockedUntil({ client, bucket }: S3Connection, refused: _Error): Promise<string | null> {
  const { Key, VersionId, Message = '' } = refused
  const found = await client.send(new HeadObjectCommand({ Bucket: bucket, Key, VersionId })).catch(() => null)
  const until = found?.ObjectLockRetainUntilDate
  if (until !== undefined && until.getTime() > Date.now()) return until.toISOString()
  const isHeld = found?.ObjectLockLegalHoldStatus === 'ON'
  return isHeld || /object lock|WORM|retention/i.test(Message) ? '' : null
}
