// The compression codecs of record batches. Decompression is bounded: the caller says how much output it takes.
import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { ProtocolError } from '../protocol-error.ts'
import type { CompressionType } from './compression-type.ts'
import { compressLz4, decompressLz4 } from './lz4.ts'
import { compressSnappy, decompressSnappy } from './snappy.ts'

export { type CompressionType, compressionCodeOf, compressionTypeOf } from './compression-type.ts'

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
      return bounded(type, maxOutputBytes, (maxOutputLength) => gunzipSync(data, { maxOutputLength }))
    case 'snappy':
      return decompressSnappy(data, maxOutputBytes)
    case 'lz4':
      return decompressLz4(data, maxOutputBytes)
    case 'zstd':
      return bounded(type, maxOutputBytes, (maxOutputLength) => zstdDecompressSync(data, { maxOutputLength }))
    default:
      return type satisfies never
  }
}

function bounded(type: CompressionType, maxOutputBytes: number, run: (maxOutputLength: number) => Buffer): Buffer {
  try {
    return run(Math.max(1, maxOutputBytes))
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE') {
      throw new ProtocolError('TOO_LARGE', `${type} data decompresses to more than ${maxOutputBytes} bytes`)
    }
    throw new ProtocolError('BAD_COMPRESSION', `${type}: ${error instanceof Error ? error.message : String(error)}`)
  }
}
