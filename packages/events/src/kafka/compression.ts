// Compression of record batches. gzip and zstd come with Node and run on its threads. For snappy and lz4 the native packages
// `snappy` and `lz4-napi` are used where they are installed, on threads as well; without them the WebAssembly of the Kafka
// client does it, which takes a few milliseconds of the event loop for a full batch. Nothing is loaded before it is used.
// https://kafka.apache.org/documentation/#producerconfigs_compression.type
import { promisify } from 'node:util'
import { gzip, zstdCompress } from 'node:zlib'
import { compressionsAlgorithms } from '@platformatic/kafka'

/** Kafka's `compression.type`. */
export type CompressionType = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'

export const compressionTypes = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const satisfies readonly CompressionType[]

export interface Compressor {
  readonly type: CompressionType
  /** The codec's number in the attributes of a record batch. */
  readonly code: number
  /** @returns the compressed bytes, or null when compressing does not make them fewer */
  compress(records: Buffer): Promise<Buffer | null>
}

type Codec = (data: Buffer) => Promise<Buffer>

const codes: Readonly<Record<CompressionType, number>> = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 }

const load: Readonly<Record<Exclude<CompressionType, 'none'>, () => Promise<Codec>>> = {
  gzip: async () => promisify<Buffer, Buffer>(gzip),
  zstd: async () => promisify<Buffer, Buffer>(zstdCompress),
  // Raw snappy, as librdkafka and the Go clients write it; every client reads that and the framing of Java's alike.
  snappy: () =>
    native(
      () =>
        import('snappy').then(
          ({ compress }) =>
            (data: Buffer) =>
              compress(data),
        ),
      (data) => compressionsAlgorithms.snappy.compressSync(data) as Buffer,
    ),
  lz4: () =>
    native(
      () =>
        import('lz4-napi').then(
          ({ compressFrame }) =>
            (data: Buffer) =>
              compressFrame(data),
        ),
      (data) => compressionsAlgorithms.lz4.compressSync(data) as Buffer,
    ),
}

/** The native package where it is installed and runs on this machine, else the client's own. */
async function native(packaged: () => Promise<Codec>, own: (data: Buffer) => Buffer): Promise<Codec> {
  try {
    return await packaged()
  } catch {
    return async (data) => own(data)
  }
}

/** @returns null for `none` */
export function createCompressor(type: CompressionType): Compressor | null {
  if (type === 'none') return null
  let codec: Promise<Codec> | null = null
  return {
    type,
    code: codes[type],
    async compress(records) {
      codec ??= load[type]()
      const compressed = await (await codec)(records)
      return compressed.length < records.length ? compressed : null
    },
  }
}
