// The compression codecs of record batches and their numbers in the batch's attributes.
import { ProtocolError } from '../protocol-error.ts'

/** Kafka's `compression.type`, in the order of their numbers. */
export const compressionTypes = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const

export type CompressionType = (typeof compressionTypes)[number]

/** @throws ProtocolError MALFORMED for a number that no codec has */
export function compressionTypeOf(code: number): CompressionType {
  const type = compressionTypes[code]
  if (type === undefined) throw new ProtocolError('MALFORMED', `unknown compression ${code}`)
  return type
}

export function compressionCodeOf(type: CompressionType): number {
  return compressionTypes.indexOf(type)
}
