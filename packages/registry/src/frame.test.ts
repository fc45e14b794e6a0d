import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeFrame, FrameError, frameHeaderBytes, isFrame, writeFrameHeader } from './frame.ts'

function encodeFrame(id: number, payload: Uint8Array): Buffer {
  const frame = Buffer.concat([Buffer.alloc(frameHeaderBytes), payload])
  writeFrameHeader(frame, id)
  return frame
}

describe('the wire format', () => {
  it('is a zero byte, the id in four bytes, most significant first, and the data', () => {
    expect(encodeFrame(0x01020304, Buffer.from('ab')).toString('hex')).toBe('00010203046162')
  })

  it('gives back every id and every payload', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0x7fffffff }), fc.uint8Array(), (id, payload) => {
        const frame = decodeFrame(encodeFrame(id, payload))
        expect(frame.id).toBe(id)
        expect([...frame.payload]).toEqual([...payload])
      }),
    )
  })

  it('reads from the middle of a larger buffer', () => {
    const buffer = Buffer.concat([Buffer.from('xx'), encodeFrame(7, Buffer.from('data')), Buffer.from('y')])
    const { id, payload } = decodeFrame(buffer.subarray(2, 11))
    expect([id, payload.toString()]).toEqual([7, 'data'])
  })

  it.each([
    ['no bytes', ''],
    ['four bytes', '00000000'],
    ['another magic byte', '0100000001'],
    ['a negative id', '00ffffffff'],
  ])('refuses %s', (_, hex) => {
    expect(() => decodeFrame(Buffer.from(hex, 'hex'))).toThrow(FrameError)
  })

  it('is told from other data by its first byte and its length', () => {
    expect(['0000000001', '0100000001', '00000000', ''].map((hex) => isFrame(Buffer.from(hex, 'hex')))).toEqual([
      true,
      false,
      false,
      false,
    ])
  })
})
