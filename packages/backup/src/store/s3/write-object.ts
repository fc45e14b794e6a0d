// Writes one object of S3: in one request when it is small, else in parts of which nothing is visible before the last request.
import type { CompletedPart } from '@aws-sdk/client-s3'
import { StoreError } from '../store-error.ts'
import type { ObjectWriter, WriteOptions } from '../types.ts'
import { startChecksum } from './checksum.ts'
import { maxObjectBytes, partSizeBytes } from './parts.ts'
import { type Target, writeRequests } from './write-requests.ts'

type Upload =
  | { readonly kind: 'none' }
  | { readonly kind: 'multipart'; readonly id: string; readonly parts: CompletedPart[] }
  | { readonly kind: 'ended' }

export function s3Writer(target: Target, options: WriteOptions): ObjectWriter {
  const { connection, key } = target
  const refused = `${connection.address}: cannot write ${key}`
  const requests = writeRequests(target, options)
  const whole = startChecksum()
  const collected = collector()
  let upload: Upload = { kind: 'none' }
  let sizeBytes = 0
  let startedParts = 0
  /** The part under way: one at a time, while the next is collected. Rejections are taken when it is waited for. */
  let sending: Promise<void> = Promise.resolve()

  function nextPartBytes(): number {
    const size = partSizeBytes(startedParts + 1)
    if (size !== null) return size
    throw new StoreError('TOO_LARGE', `${refused}: it has more than ${maxObjectBytes} bytes`)
  }

  async function sendPart(bytes: Buffer): Promise<void> {
    if (upload.kind === 'none') upload = { kind: 'multipart', id: await requests.begin(), parts: [] }
    if (upload.kind === 'multipart') {
      upload.parts.push(await requests.sendPart(upload.id, upload.parts.length + 1, bytes))
    }
  }

  async function end(): Promise<void> {
    // A part under way may be the first, which begins the upload.
    await sending.catch(() => {})
    const before = upload
    upload = { kind: 'ended' }
    collected.take(collected.bytes())
    if (before.kind === 'multipart') await requests.abort(before.id)
  }

  /** A writer that failed has ended: its parts are removed as far as the server can be reached. */
  async function orEnd<T>(step: () => Promise<T>): Promise<T> {
    try {
      if (upload.kind === 'ended')
        throw new StoreError('INVALID_ARGUMENT', `${refused}: it was finished or aborted before`)
      return await step()
    } catch (error) {
      await end().catch(() => {})
      throw await connection.failure(`write ${key}`, error)
    }
  }

  return {
    write: (bytes) =>
      orEnd(async () => {
        collected.add(bytes)
        sizeBytes += bytes.length
        whole.update(bytes)
        while (collected.bytes() > 0) {
          const size = nextPartBytes()
          // The last part is not to be empty.
          if (collected.bytes() <= size) return
          await sending
          sending = sendPart(collected.take(size))
          startedParts++
          sending.catch(() => {})
        }
      }),
    finish: () =>
      orEnd(async () => {
        await sending
        const last = collected.take(collected.bytes())
        if (upload.kind === 'multipart') {
          await sendPart(last)
          await requests.complete(upload.id, upload.parts, sizeBytes, await whole.value())
        } else {
          await requests.put(last)
        }
        upload = { kind: 'ended' }
        return { sizeBytes }
      }),
    abort: () => connection.attempt(`abort ${key}`, end),
  }
}

/** Bytes that wait to be sent, copied only where a part has several pieces. */
function collector() {
  let pieces: Buffer[] = []
  let total = 0
  return {
    bytes: () => total,
    add(piece: Buffer): void {
      pieces.push(piece)
      total += piece.length
    },
    take(bytes: number): Buffer {
      const taken: Buffer[] = []
      let missing = bytes
      let used = 0
      for (; missing > 0; used++) {
        const piece = pieces[used]!
        taken.push(piece.subarray(0, missing))
        if (piece.length > missing) {
          pieces[used] = piece.subarray(missing)
          used--
        }
        missing -= Math.min(missing, piece.length)
      }
      pieces = pieces.slice(used)
      total -= bytes
      return taken.length === 1 ? taken[0]! : Buffer.concat(taken, bytes)
    },
  }
}
