import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { decompressFrameSync } from 'lz4-napi'
import { uncompressSync } from 'snappy'
import { describe, expect, it } from 'vitest'
import { createCompressor } from './compression.ts'

const text = Buffer.from('the same text again and again, '.repeat(1000))
const decompress = {
  gzip: gunzipSync,
  zstd: zstdDecompressSync,
  snappy: (data: Buffer) => uncompressSync(data) as Buffer,
  lz4: decompressFrameSync,
} as const

describe('a compressor', () => {
  it.each(['gzip', 'snappy', 'lz4', 'zstd'] as const)('compresses with %s', async (type) => {
    const compressed = await createCompressor(type)!.compress(text)
    expect(compressed!.length).toBeLessThan(text.length / 10)
    expect(decompress[type](compressed!).equals(text)).toBe(true)
  })

  it('leaves alone what would not become smaller', async () => {
    expect(await createCompressor('zstd')!.compress(Buffer.from('x'))).toBeNull()
  })

  it('is none for none', () => {
    expect(createCompressor('none')).toBeNull()
  })
})
