// Compression of record batches, on threads; the native packages for snappy and lz4 are loaded when they are first used.
// https://kafka.apache.org/documentation/#producerconfigs_compression.type
import { type CompressionType, compressAsync, compressionCodeOf } from '@selfmonitor/protocol/compression'

export interface Compressor {
  readonly type: CompressionType
  /** The codec's number in the attributes of a record batch. */
  readonly code: number
  /** @returns the compressed bytes, or null when compressing does not make them fewer */
  compress(records: Buffer): Promise<Buffer | null>
}

/** @returns null for `none` */
export function createCompressor(type: CompressionType): Compressor | null {
  if (type === 'none') return null
  return {
    type,
    code: compressionCodeOf(type),
    async compress(records) {
      const compressed = await compressAsync(type, records)
      return compressed.length < records.length ? compressed : null
    },
  }
}
