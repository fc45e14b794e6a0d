// Reads one object of S3. A connection that breaks is replaced by one that goes on where it broke, of the same object.
import type { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { GetObjectCommand, type GetObjectCommandInput, type GetObjectCommandOutput } from '@aws-sdk/client-s3'
import { StoreError } from '../store-error.ts'
import { startChecksum } from './checksum.ts'
import { isRefused } from './conditional-writes.ts'
import type { S3Connection } from './connection.ts'
import { httpStatus, isNamed, NotS3 } from './errors.ts'

/** Connections in a row that bring no byte. */
const maxFailures = 5
const firstDelayMs = 50

interface Reading {
  readonly connection: S3Connection
  readonly key: string
  readonly place: { readonly Bucket: string; readonly Key: string }
}

/**
 * @param maxBytes of the object, whose size is known before its first byte
 * @throws StoreError NOT_FOUND, TOO_LARGE, TRUNCATED, DAMAGED, …
 */
export async function* readObject(reading: Reading, maxBytes: number): AsyncGenerator<Buffer, void, undefined> {
  const { connection, key } = reading
  const first = await openFirst(reading)
  const { ContentLength: sizeBytes = 0, ETag: etag = '' } = first
  let answer: GetObjectCommandOutput | undefined = first
  const whole = startChecksum()
  let position = 0
  let failures = 0
  try {
    if (sizeBytes > maxBytes) {
      const message = `${connection.address}: ${key} has ${sizeBytes} bytes, more than the ${maxBytes} that are allowed`
      throw new StoreError('TOO_LARGE', message)
    }
    while (position < sizeBytes) {
      let failure: unknown
      try {
        answer ??= await openAgain(reading, etag, position, sizeBytes)
        for await (const part of answer.Body as Readable) {
          position += part.length
          failures = 0
          whole.update(part)
          yield part
        }
      } catch (error) {
        failure = error
      }
      discard(answer)
      answer = undefined
      if (position >= sizeBytes) break
      failures++
      if (failures >= maxFailures || !mayGoOn(failure)) throw await cutOff(reading, position, sizeBytes, failure)
      await delay(firstDelayMs * 2 ** failures)
    }
  } finally {
    // Also when the reader wants no more.
    discard(answer)
  }
  const { ChecksumCRC64NVME: expected, ChecksumType: type = 'FULL_OBJECT' } = first
  if (expected === undefined || type !== 'FULL_OBJECT') return
  const found = await whole.value()
  if (found === expected) return
  const message = `${connection.address}: cannot read ${key}: its bytes have the CRC-64 ${found}, and had ${expected} when they were written`
  throw new StoreError('DAMAGED', message)
}

async function openFirst({ connection, key, place }: Reading): Promise<GetObjectCommandOutput> {
  try {
    return await connection.attempt(`read ${key}`, async () => {
      const answer = await connection.client.send(withChecksum(place))
      if (answer.ETag !== undefined && answer.ContentLength !== undefined) return answer
      discard(answer)
      throw new NotS3()
    })
  } catch (error) {
    if (!(error instanceof StoreError) || error.code !== 'NOT_FOUND') throw error
    throw new StoreError('NOT_FOUND', `${connection.address} has no object ${key}`, { cause: error.cause })
  }
}

/** The SDK's own ChecksumMode would also check the bytes, and so once more than needed, and never those of several requests. */
function withChecksum(input: GetObjectCommandInput): GetObjectCommand {
  const command = new GetObjectCommand(input)
  command.middlewareStack.add(
    (next) => (args) => {
      const { headers } = args.request as { headers: Record<string, string> }
      headers['x-amz-checksum-mode'] = 'ENABLED'
      return next(args)
    },
    { step: 'build', name: 'askForChecksum' },
  )
  return command
}

async function openAgain(
  { connection, place }: Reading,
  etag: string,
  position: number,
  sizeBytes: number,
): Promise<GetObjectCommandOutput> {
  const range = { Range: `bytes=${position}-${sizeBytes - 1}`, IfMatch: etag }
  const answer = await connection.client.send(new GetObjectCommand({ ...place, ...range }))
  if (answer.ContentRange === `bytes ${position}-${sizeBytes - 1}/${sizeBytes}`) return answer
  discard(answer)
  throw new StoreError('TRUNCATED', `the server answers with ${answer.ContentRange ?? 'the whole object'} instead`)
}

/** A refusal is final; a connection that broke, and a server that fails, are tried again. */
function mayGoOn(failure: unknown): boolean {
  const status = httpStatus(failure)
  return !(failure instanceof StoreError) && (status === undefined || status < 400 || status >= 500)
}

async function cutOff({ connection, key }: Reading, position: number, sizeBytes: number, failure: unknown) {
  const doing = `read ${key} after ${position} of its ${sizeBytes} bytes`
  if (isRefused(failure) || isNamed(failure, 'NoSuchKey', 'NotFound')) {
    return new StoreError('TRUNCATED', `${connection.address}: cannot ${doing}: it was deleted or replaced meanwhile`)
  }
  const reason = failure ?? new Error('the connection ended')
  const { code, message, hint, cause } = await connection.failure(doing, reason)
  const options = hint === null ? { cause } : { cause, hint }
  return new StoreError(code === 'UNAVAILABLE' ? 'TRUNCATED' : code, message, options)
}

function discard(answer: GetObjectCommandOutput | undefined): void {
  const body = answer?.Body as Readable | undefined
  // A stream that is ended early says so with an error.
  body?.on('error', () => {})
  body?.destroy()
}
