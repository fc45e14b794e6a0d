import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FrameError, makeFrameParser } from './frame-parser.ts'

function framed(...contents: readonly Buffer[]): Buffer {
  return Buffer.concat(
    contents.flatMap((content) => {
      const size = Buffer.alloc(4)
      size.writeInt32BE(content.length)
      return [size, content]
    }),
  )
}

describe('frame parser', () => {
  it('finds the same frames however the bytes are cut into chunks', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 6 }),
        fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 20 }),
        (contents, cuts) => {
          const expected = contents.map((content) => Buffer.from(content))
          const stream = framed(...expected)
          const parser = makeFrameParser(1000)
          const found: Buffer[] = []
          for (let position = 0, cut = 0; position < stream.length; cut++) {
            const end = position + cuts[cut % cuts.length]!
            found.push(...parser.push(stream.subarray(position, end)))
            position = end
          }
          expect(found.map((frame) => frame.toString('hex'))).toEqual(expected.map((frame) => frame.toString('hex')))
          expect(parser.pendingBytes).toBe(0)
        },
      ),
    )
  })

  it('stops where memory is denied, and continues from there', () => {
    const stream = framed(Buffer.from('first'), Buffer.alloc(300_000, 'x'), Buffer.from('last'))
    let allowed = 100_000
    const asked: number[] = []
    const parser = makeFrameParser(1_000_000, undefined, (more, frameBytes) => {
      expect(frameBytes).toBe(300_000)
      if (more > allowed) return false
      asked.push(more)
      allowed -= more
      return true
    })
    expect(parser.push(stream.subarray(0, 50_000)).map(String)).toEqual(['first'])
    expect(parser.push(stream.subarray(50_000, 200_000))).toEqual([])
    expect(parser.blocked).toBe(true)
    expect(parser.allocatedBytes).toBe(65_536)
    // More may arrive before the connection stops reading.
    expect(parser.push(stream.subarray(200_000, 210_000))).toEqual([])
    allowed = 1_000_000
    expect(parser.resume()).toEqual([])
    expect(parser.blocked).toBe(false)
    const [large, last] = parser.push(stream.subarray(210_000))
    expect([large!.equals(Buffer.alloc(300_000, 'x')), String(last)]).toEqual([true, 'last'])
    expect(asked.length).toBeGreaterThan(2)
    expect([parser.allocatedBytes, parser.pendingBytes]).toEqual([0, 0])
  })

  it('takes a frame of exactly the largest size and refuses one byte more', () => {
    expect(makeFrameParser(10).push(framed(Buffer.alloc(10)))).toHaveLength(1)
    expect(() => makeFrameParser(10).push(framed(Buffer.alloc(11)))).toThrow(FrameError)
    expect(() => makeFrameParser(10).push(framed(Buffer.alloc(11)))).toThrow(
      /11 bytes, socket.request.max.bytes allows 10/,
    )
  })

  it('refuses a negative size', () => {
    expect(() => makeFrameParser(10).push(Buffer.from([0xff, 0xff, 0xff, 0xff]))).toThrow('a request of -1 bytes')
  })

  it('refuses a size that arrives byte by byte', () => {
    const parser = makeFrameParser(10)
    expect(parser.push(Buffer.from([0x7f]))).toEqual([])
    expect(parser.push(Buffer.from([0xff, 0xff]))).toEqual([])
    expect(() => parser.push(Buffer.from([0xff]))).toThrow(FrameError)
  })

  it('holds what has arrived, not what a size claims', () => {
    const parser = makeFrameParser(100 * 1024 * 1024)
    const claim = Buffer.alloc(5)
    claim.writeInt32BE(100 * 1024 * 1024)
    const before = process.memoryUsage().arrayBuffers
    parser.push(claim)
    expect(parser.pendingBytes).toBe(1)
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1024 * 1024)
  })

  it('puts a large frame together from many chunks, byte for byte', () => {
    const content = Buffer.alloc(10 * 1024 * 1024, 'abcdefg')
    const stream = framed(content)
    const parser = makeFrameParser(content.length)
    const found: Buffer[] = []
    for (let position = 0; position < stream.length; position += 64 * 1024) {
      found.push(...parser.push(stream.subarray(position, position + 64 * 1024)))
    }
    expect(found).toHaveLength(1)
    expect(found[0]!.equals(content)).toBe(true)
  })
})
