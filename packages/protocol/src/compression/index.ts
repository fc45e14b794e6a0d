// The compression codecs of record batches. Decompression is bounded: the caller says how much output it takes.
import { promisify } from 'node:util'
import {
  gunzip,
  gunzipSync,
  gzip,
  gzipSync,
  zstdCompress,
  zstdCompressSync,
  zstdDecompress,
  zstdDecompressSync,
} from 'node:zlib'
import { lz4, snappy } from '../native.ts'
import { ProtocolError } from '../protocol-error.ts'
import type { CompressionType } from './compression-type.ts'
import { compressLz4, decompressLz4, decompressLz4Async } from './lz4.ts'
import { compressSnappy, decompressSnappy, decompressSnappyAsync } from './snappy.ts'

export { type CompressionType, compressionCodeOf, compressionTypeOf, compressionTypes } from './compression-type.ts'

/** Compresses the records of a batch with the codec's default level. */
export function compress(type: CompressionType, data: Buffer): Buffer {
  switch (type) {
    case 'none':
      return data
    case 'gzip':
      return gzipSync(data)
    case 'snappy':
      return compressSnappy(data)
    case 'lz4':
      return compressLz4(data)
    case 'zstd':
      return zstdCompressSync(data)
    default:
      return type satisfies never
  }
}

const gzipAsync = promisify<Buffer, Buffer>(gzip)
const zstdCompressAsync = promisify<Buffer, Buffer>(zstdCompress)

/** The same on another thread, for a producer that must not hold up its process. */
export async function compressAsync(type: CompressionType, data: Buffer): Promise<Buffer> {
  switch (type) {
    case 'none':
      return data
    case 'gzip':
      return gzipAsync(data)
    case 'snappy':
      // Raw, as librdkafka and the Go clients write it; every client reads both that and Java's framing.
      return snappy().compress(data)
    case 'lz4':
      return lz4().compressFrame(data)
    case 'zstd':
      return zstdCompressAsync(data)
    default:
      return type satisfies never
  }
}

/**
 * The most that the records of one batch may decompress to, by default: a small request must not take all memory. Kafka 4.3 has
 * no such limit; its consumers, which decompress a batch piece by piece, do not need one.
 */
export const defaultMaxOutputBytes = 128 * 1024 * 1024

/**
 * Decompresses the records of a batch.
 * @param maxOutputBytes the most that may come out
 * @throws ProtocolError TOO_LARGE when more would come out, BAD_COMPRESSION when the data is not valid
 */
export function decompress(type: CompressionType, data: Buffer, maxOutputBytes: number): Buffer {
  switch (type) {
    case 'none':
      return data
    case 'gzip':
      return bounded(type, data, maxOutputBytes, (limits) => gunzipSync(data, limits))
    case 'snappy':
      return decompressSnappy(data, maxOutputBytes)
    case 'lz4':
      return decompressLz4(data, maxOutputBytes)
    case 'zstd':
      return bounded(type, data, maxOutputBytes, (limits) => zstdDecompressSync(data, limits))
    default:
      return type satisfies never
  }
}

interface Limits {
  readonly maxOutputLength: number
  readonly chunkSize: number
}

const gunzipAsync = promisify<Buffer, Limits, Buffer>(gunzip)
const zstdDecompressAsync = promisify<Buffer, Limits, Buffer>(zstdDecompress)

/** Node's own 16 KiB cost a large batch fifty round trips to the thread, which is a third of the time. */
const chunkBytes = { least: 16 * 1024, most: 1024 * 1024 } as const

/**
 * The same on another thread, for data that would keep the event loop busy for long.
 * @throws ProtocolError (as a rejection) TOO_LARGE, BAD_COMPRESSION
 */
export async function decompressAsync(type: CompressionType, data: Buffer, maxOutputBytes: number): Promise<Buffer> {
  switch (type) {
    case 'none':
      return data
    case 'gzip':
      return bounded(type, data, maxOutputBytes, (limits) => gunzipAsync(data, limits))
    case 'snappy':
      return decompressSnappyAsync(data, maxOutputBytes)
    case 'lz4':
      return decompressLz4Async(data, maxOutputBytes)
    case 'zstd':
      return bounded(type, data, maxOutputBytes, (limits) => zstdDecompressAsync(data, limits))
    default:
      return type satisfies never
  }
}

function bounded<Output extends Buffer | Promise<Buffer>>(
  type: CompressionType,
  data: Buffer,
  maxOutputBytes: number,
  run: (limits: Limits) => Output,
): Output {
  const explain = (error: unknown): never => {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE') {
      throw new ProtocolError('TOO_LARGE', `${type} data decompresses to more than ${maxOutputBytes} bytes`)
    }
    throw new ProtocolError('BAD_COMPRESSION', `${type}: ${error instanceof Error ? error.message : String(error)}`)
  }
  try {
    const chunkSize = Math.min(chunkBytes.most, Math.max(chunkBytes.least, data.length * 4))
    const output = run({ maxOutputLength: Math.max(1, maxOutputBytes), chunkSize })
    return output instanceof Promise ? (output.catch(explain) as Output) : output
  } catch (error) {
    return explain(error)
  }
}
