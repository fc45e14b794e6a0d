// The compression codecs of record batches and their numbers in the batch's attributes.
import { ProtocolError } from '../protocol-error.ts'

const types = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const

export type CompressionType = (typeof types)[number]

/** @throws ProtocolError MALFORMED for a number that no codec has */
export function compressionTypeOf(code: number): CompressionType {
  const type = types[code]
  if (type === undefined) throw new ProtocolError('MALFORMED', `unknown compression ${code}`)
  return type
}

export function compressionCodeOf(type: CompressionType): number {
  return types.indexOf(type)
}
