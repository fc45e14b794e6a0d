// The requests that write one object of S3, each with its checksum, and an answer that was lost is not taken for a refusal.
import { randomUUID } from 'node:crypto'
import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { StoreError } from '../store-error.ts'
import type { WriteOptions } from '../types.ts'
import { checksumOf } from './checksum.ts'
import { type ConditionalWrites, isRefused } from './conditional-writes.ts'
import type { S3Connection } from './connection.ts'
import { httpStatus, isNamed, NotS3 } from './errors.ts'

export interface Target {
  readonly connection: S3Connection
  readonly key: string
  /** Of the object in the bucket. */
  readonly place: { readonly Bucket: string; readonly Key: string }
  readonly conditional: ConditionalWrites
  /** @throws StoreError when the bucket cannot lock objects */
  readonly checkLock: () => Promise<void>
}

export interface WriteRequests {
  /** Writes the whole object. */
  put(bytes: Buffer): Promise<void>
  /** Begins a multipart upload. @returns its id */
  begin(): Promise<string>
  sendPart(uploadId: string, number: number, bytes: Buffer): Promise<CompletedPart>
  /** @param checksum of the whole object */
  complete(uploadId: string, parts: readonly CompletedPart[], sizeBytes: number, checksum: string): Promise<void>
  abort(uploadId: string): Promise<void>
}

/** Marks an object as this writer's, to recognize it after a lost answer. */
const writerTag = 'selfmonitor-writer'
const algorithm = { ChecksumAlgorithm: 'CRC64NVME' } as const

const body = (bytes: Buffer) => ({ Body: bytes, ContentLength: bytes.length })

/** All throw errors of the SDK, or StoreError. */
export function writeRequests(target: Target, { lock }: WriteOptions): WriteRequests {
  const { connection, key, place, conditional, checkLock } = target
  const { client } = connection
  const tag = randomUUID()
  const attributes = {
    ...place,
    ...algorithm,
    Metadata: { [writerTag]: tag },
    ...(lock !== undefined && {
      ObjectLockMode: lock.mode === 'compliance' ? ('COMPLIANCE' as const) : ('GOVERNANCE' as const),
      ObjectLockRetainUntilDate: new Date(lock.untilMs),
    }),
  }

  function checkAnswer(
    { ETag, ChecksumCRC64NVME: received }: { readonly ETag?: string; readonly ChecksumCRC64NVME?: string },
    sent: string,
  ): void {
    if (ETag === undefined) throw new NotS3()
    if (received === undefined || received === sent) return
    const message = `${connection.address}: cannot write ${key}: the server received other bytes than were sent (CRC-64 ${received}, not ${sent})`
    throw new StoreError('DAMAGED', message)
  }

  /**
   * Runs the request that makes the object visible. When its answer was lost, the SDK repeats it, and the server refuses because the
   * object exists: then the object shows whether it is this writer's.
   */
  async function decided(request: () => Promise<void>): Promise<void> {
    try {
      await request()
    } catch (error) {
      const status = httpStatus(error)
      const mayBeWritten = isRefused(error) || isNamed(error, 'NoSuchUpload') || status === undefined || status >= 500
      if (error instanceof StoreError || !mayBeWritten || !(await isOwn())) throw error
    }
  }

  async function isOwn(): Promise<boolean> {
    const found = await client.send(new HeadObjectCommand(place)).catch(() => null)
    return found?.Metadata?.[writerTag] === tag
  }

  return {
    async put(bytes) {
      if (lock !== undefined) await checkLock()
      await conditional.checkPut()
      const ChecksumCRC64NVME = await checksumOf(bytes)
      await decided(async () => {
        const request = new PutObjectCommand({ ...attributes, ...body(bytes), ChecksumCRC64NVME, IfNoneMatch: '*' })
        checkAnswer(await client.send(request), ChecksumCRC64NVME)
      })
    },
    async begin() {
      if (lock !== undefined) await checkLock()
      await conditional.checkMultipart()
      const request = new CreateMultipartUploadCommand({ ...attributes, ChecksumType: 'FULL_OBJECT' })
      return (await client.send(request)).UploadId!
    },
    async sendPart(UploadId, PartNumber, bytes) {
      const ChecksumCRC64NVME = await checksumOf(bytes)
      const request = { ...place, ...algorithm, ...body(bytes), UploadId, PartNumber, ChecksumCRC64NVME }
      const answer = await client.send(new UploadPartCommand(request))
      checkAnswer(answer, ChecksumCRC64NVME)
      return { ETag: answer.ETag, PartNumber, ChecksumCRC64NVME }
    },
    async complete(UploadId, parts, MpuObjectSize, ChecksumCRC64NVME) {
      await decided(async () => {
        const answer = await client.send(
          new CompleteMultipartUploadCommand({
            ...place,
            UploadId,
            MultipartUpload: { Parts: [...parts] },
            ChecksumCRC64NVME,
            ChecksumType: 'FULL_OBJECT',
            MpuObjectSize,
            IfNoneMatch: '*',
          }),
        )
        checkAnswer(answer, ChecksumCRC64NVME)
      })
    },
    async abort(UploadId) {
      try {
        await client.send(new AbortMultipartUploadCommand({ ...place, UploadId }))
      } catch (error) {
        if (!isNamed(error, 'NoSuchUpload') && httpStatus(error) !== 404) throw error
      }
    },
  }
}
