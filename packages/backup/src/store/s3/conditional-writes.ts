// Whether a server honours `If-None-Match: *`. One that ignores it replaces an object and answers 200, so it is tried, with an object
// of its own, before the first write of each kind. The object stays: the next time, one request is enough.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { StoreError } from '../store-error.ts'
import type { S3Connection } from './connection.ts'
import { httpStatus, isNamed } from './errors.ts'
import { once } from './once.ts'

/** No key has a "~": a list never shows it. */
const probeName = '~conditional-writes'
/** Without the length, the SDK warns of an empty body on the console. */
const nothing = { Body: '', ContentLength: 0 }

export interface ConditionalWrites {
  /** @throws StoreError INVALID_ARGUMENT when PutObject replaces objects */
  checkPut(): Promise<void>
  /** @throws StoreError INVALID_ARGUMENT when CompleteMultipartUpload replaces objects */
  checkMultipart(): Promise<void>
}

export function conditionalWrites(connection: S3Connection, prefix: string): ConditionalWrites {
  const { address, client, bucket } = connection
  const place = { Bucket: bucket, Key: `${prefix}${probeName}` }
  const doing = 'find out whether the server replaces objects'

  /** @returns whether the server refused to replace the object that is there */
  async function refuses(write: () => Promise<unknown>): Promise<boolean> {
    try {
      await write()
      return false
    } catch (error) {
      if (isRefused(error)) return true
      if (httpStatus(error) === 501) return false
      throw error
    }
  }

  const put = () => client.send(new PutObjectCommand({ ...place, ...nothing, IfNoneMatch: '*' }))

  async function multipart(): Promise<void> {
    const { UploadId } = await client.send(new CreateMultipartUploadCommand(place))
    const upload = { ...place, UploadId }
    try {
      const { ETag } = await client.send(new UploadPartCommand({ ...upload, PartNumber: 1, ...nothing }))
      const MultipartUpload = { Parts: [{ ETag, PartNumber: 1 }] }
      await client.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload, IfNoneMatch: '*' }))
    } catch (error) {
      await client.send(new AbortMultipartUploadCommand(upload)).catch(() => {})
      throw error
    }
  }

  function refused(operation: string): StoreError {
    const message = `${address}: the server ignores If-None-Match in ${operation}, so that it would replace objects that exist`
    return new StoreError('INVALID_ARGUMENT', message, {
      hint: 'Use a server with conditional writes: Amazon S3 and most others have them in their newest version.',
    })
  }

  const checkPut = once(() =>
    connection.attempt(doing, async () => {
      // The first may create the object.
      if ((await refuses(put)) || (await refuses(put))) return
      throw refused('PutObject')
    }),
  )
  return {
    checkPut,
    checkMultipart: once(async () => {
      await checkPut()
      await connection.attempt(doing, async () => {
        if (!(await refuses(multipart))) throw refused('CompleteMultipartUpload')
      })
    }),
  }
}

/** That an object with the key exists, or is just being made. */
export function isRefused(error: unknown): boolean {
  return isNamed(error, 'PreconditionFailed') || httpStatus(error) === 412
}
