import { gzipSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { compressFrameSync } from 'lz4-napi'
import { compressSync as rawSnappy } from 'snappy'
import { describe, expect, it } from 'vitest'
import { compress, decompress, decompressAsync, ProtocolError } from '../index.ts'

const codecs = ['gzip', 'snappy', 'lz4', 'zstd'] as const

const failure = (run: () => unknown) => {
  try {
    run()
  } catch (error) {
    expect(error).toBeInstanceOf(ProtocolError)
    return (error as ProtocolError).code
  }
  return 'none'
}

const failureAsync = (data: Promise<unknown>) =>
  data.then(
    () => 'none',
    (error) => {
      expect(error).toBeInstanceOf(ProtocolError)
      return (error as ProtocolError).code
    },
  )

describe.each(codecs)('%s on another thread', (codec) => {
  it('does what it does on this one', async () => {
    const data = Buffer.alloc(3_000_000, 'some text that repeats itself ')
    const packed = compress(codec, data)
    expect((await decompressAsync(codec, packed, data.length)).equals(data)).toBe(true)
    expect(await failureAsync(decompressAsync(codec, packed, data.length - 1))).toBe('TOO_LARGE')
    expect(await failureAsync(decompressAsync(codec, packed.subarray(0, packed.length - 3), data.length))).toBe(
      'BAD_COMPRESSION',
    )
    expect(await failureAsync(decompressAsync(codec, Buffer.from('no compressed data'), 1000))).toBe('BAD_COMPRESSION')
    expect(await failureAsync(decompressAsync(codec, Buffer.alloc(0), 1000))).toBe('BAD_COMPRESSION')
  })
})

describe.each(codecs)('%s', (codec) => {
  it('gives back what was compressed', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 5000 }), fc.integer({ min: 1, max: 40 }), (bytes, times) => {
        const data = Buffer.concat(Array.from({ length: times }, () => bytes))
        expect(decompress(codec, compress(codec, data), Math.max(1, data.length)).equals(data)).toBe(true)
      }),
      { numRuns: 50 },
    )
  })

  it('compresses data larger than one of its blocks', () => {
    const data = Buffer.alloc(9_000_000, 'some text that repeats itself ')
    const packed = compress(codec, data)
    expect(packed.length).toBeLessThan(data.length / 10)
    expect(decompress(codec, packed, data.length).equals(data)).toBe(true)
  })

  it('refuses output above the limit, by one byte', () => {
    const data = Buffer.alloc(300_000, 'x')
    const packed = compress(codec, data)
    expect(decompress(codec, packed, data.length)).toHaveLength(data.length)
    expect(failure(() => decompress(codec, packed, data.length - 1))).toBe('TOO_LARGE')
  })

  it('refuses a decompression bomb of 200 MB', () => {
    const packed = compress(codec, Buffer.alloc(200 * 1024 * 1024))
    expect(failure(() => decompress(codec, packed, 1024 * 1024))).toBe('TOO_LARGE')
  })

  it('reports damaged and truncated data', () => {
    const packed = compress(codec, Buffer.from('hello hello hello hello'))
    expect(failure(() => decompress(codec, Buffer.from('no compressed data at all'), 1000))).toBe('BAD_COMPRESSION')
    expect(failure(() => decompress(codec, packed.subarray(0, packed.length - 3), 1000))).toBe('BAD_COMPRESSION')
    expect(failure(() => decompress(codec, Buffer.alloc(0), 1000))).toBe('BAD_COMPRESSION')
  })
})

describe('snappy', () => {
  it('decompresses a large raw block on another thread', async () => {
    const data = Buffer.alloc(2_000_000, 'raw ')
    expect((await decompressAsync('snappy', rawSnappy(data), data.length)).equals(data)).toBe(true)
    expect(await failureAsync(decompressAsync('snappy', rawSnappy(data), data.length - 1))).toBe('TOO_LARGE')
  })

  it('reads raw blocks, as librdkafka writes them', () => {
    const data = Buffer.from('raw snappy raw snappy raw snappy')
    expect(decompress('snappy', rawSnappy(data), 1000).equals(data)).toBe(true)
  })

  it('writes the framing of the xerial library, in blocks of 32 KiB', () => {
    const packed = compress('snappy', Buffer.alloc(70_000, 'a'))
    expect(packed.subarray(0, 16).toString('hex')).toBe('82534e41505059000000000100000001')
    let blocks = 0
    for (let at = 16; at < packed.length; at += 4 + packed.readInt32BE(at)) blocks++
    expect(blocks).toBe(3)
  })

  it('reads two xerial streams in a row', () => {
    const two = Buffer.concat([compress('snappy', Buffer.from('one ')), compress('snappy', Buffer.from('two'))])
    expect(decompress('snappy', two, 100).toString()).toBe('one two')
  })

  it('allocates nothing for a block that declares more than it can hold', () => {
    expect(failure(() => decompress('snappy', Buffer.from('ffffffff0700', 'hex'), 2 ** 31))).toBe('BAD_COMPRESSION')
  })
})

describe('the sizes that a codec declares', () => {
  it('of gzip, zstd and lz4 frames made elsewhere do not matter', () => {
    const data = Buffer.alloc(100_000, 'abc')
    expect(decompress('gzip', gzipSync(data, { level: 1 }), data.length).equals(data)).toBe(true)
    expect(decompress('zstd', zstdCompressSync(data), data.length).equals(data)).toBe(true)
    const checked = compressFrameSync(data, { contentChecksum: true, blockChecksums: true })
    expect(decompress('lz4', checked, data.length).equals(data)).toBe(true)
  })
})
