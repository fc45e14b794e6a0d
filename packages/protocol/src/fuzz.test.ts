// Malformed frames: whatever arrives, the answer is a message or a ProtocolError, and memory stays bounded.
// PROTOCOL_FUZZ_FRAMES sets how many (default 200,000), PROTOCOL_FUZZ_SEED where the random numbers begin.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { seededRandomBelow } from '../../../test/support/random.ts'
import { messages } from '../testing/arbitrary.ts'
import { everyVersion } from '../testing/every-version.ts'
import {
  decode,
  decodeRecords,
  encode,
  encodeBatch,
  iterateBatches,
  ProtocolError,
  parseRequestHeader,
  verifyBatchCrc,
} from './index.ts'

const frames = Number(process.env.PROTOCOL_FUZZ_FRAMES ?? 200_000)
const seed = Number(process.env.PROTOCOL_FUZZ_SEED ?? 20_260)

/** What lengths and counts look like when they lie. */
const liars = ['ff', '00', '7fffffff', 'ffffffff', '80000000', 'ffffffff0f', '7fff', '8000', '80808080808080'].map(
  (hex) => Buffer.from(hex, 'hex'),
)

function mutate(original: Buffer, random: (below: number) => number): Buffer {
  let bytes = Buffer.from(original)
  for (let n = random(3) + 1; n > 0; n--) {
    const at = random(bytes.length + 1)
    switch (random(5)) {
      case 0:
        if (at < bytes.length) bytes[at] = random(256)
        break
      case 1:
        bytes = bytes.subarray(0, at)
        break
      case 2:
        liars[random(liars.length)]!.copy(bytes, at)
        break
      case 3:
        bytes = Buffer.concat([bytes.subarray(0, at), liars[random(liars.length)]!, bytes.subarray(at)])
        break
      default:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(random(bytes.length + 1))])
    }
  }
  return bytes
}

/** Runs `read` and lets nothing but a ProtocolError pass. Returns whether the bytes were read. */
function survives(read: () => void, bytes: Buffer, what: string): boolean {
  try {
    read()
    return true
  } catch (error) {
    if (error instanceof ProtocolError) return false
    throw new Error(`${what} failed with ${String(error)} on ${bytes.toString('hex')} (seed ${seed})`, { cause: error })
  }
}

describe('malformed bytes', () => {
  it(`raise a ProtocolError or are read, in every message at every version (${frames} frames)`, {
    timeout: 600_000,
  }, () => {
    const random = seededRandomBelow(seed)
    const samples = everyVersion.map(({ message, version }) =>
      fc.sample(messages(message, version), { numRuns: 8, seed }).map((value) => encode(message, version, value)),
    )
    let refused = 0
    for (let n = 0; n < frames; n++) {
      const index = random(everyVersion.length)
      const { message, version } = everyVersion[index]!
      const bytes =
        random(4) === 0
          ? Buffer.from(Array.from({ length: random(60) }, () => random(256)))
          : mutate(samples[index]![random(8)]!, random)
      if (!survives(() => decode(message, version, bytes), bytes, `${message.name} v${version}`)) refused++
    }
    // Most mutations do harm, some only change a value.
    expect(refused).toBeGreaterThan(frames / 4)
    expect(refused).toBeLessThan(frames)
    // 200,000 small frames must not leave more than the working set of the test itself behind.
    expect(process.memoryUsage().heapUsed).toBeLessThan(512 * 1024 * 1024)
  })

  it('in request headers raise a ProtocolError or are read', () => {
    const random = seededRandomBelow(seed)
    for (let n = 0; n < frames / 10; n++) {
      const bytes = Buffer.from(Array.from({ length: random(24) }, () => random(256)))
      if (random(2) === 0 && bytes.length > 4) bytes.set([0, random(76), 0, random(14)])
      survives(() => parseRequestHeader(bytes), bytes, 'request header')
    }
  })

  it('in record batches of every codec raise a ProtocolError or are read', { timeout: 600_000 }, () => {
    const random = seededRandomBelow(seed)
    const batches = (['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const).map((compression) =>
      encodeBatch(
        Array.from({ length: 5 }, (_, index) => ({
          key: Buffer.from(`k${index}`),
          value: Buffer.from('value '.repeat(index * 3)),
          headers: [{ key: 'h', value: null }],
          timestamp: 1_700_000_000_000n + BigInt(index),
        })),
        { compression },
      ),
    )
    let refused = 0
    const count = Math.ceil(frames / 10)
    for (let n = 0; n < count; n++) {
      const bytes = mutate(batches[random(batches.length)]!, random)
      const read = () => {
        for (const { position, header } of iterateBatches(bytes)) {
          // The checksum would catch nearly everything: what lies behind it must hold on its own.
          survives(() => verifyBatchCrc(bytes, header, position), bytes, 'checksum')
          for (const record of decodeRecords(bytes, position, { maxOutputBytes: 1 << 20 }))
            expect(record.offset).toBeTypeOf('bigint')
        }
      }
      if (!survives(read, bytes, 'record batch')) refused++
    }
    expect(refused).toBeGreaterThan(count / 4)
  })
})
