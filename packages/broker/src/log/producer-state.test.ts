import { readBatchHeader } from '@selfmonitor/protocol'
import { describe, expect, it } from 'vitest'
import { decodeProducers, encodeProducers } from './producer-snapshot.ts'
import { addSequence, createProducerTable } from './producer-state.ts'
import { batch } from './test-support/logs.ts'

/**
 * A script of batches `epoch/first sequence x records`, and what becomes of each: its offset, `duplicate of` an offset, or
 * the error.
 */
function play(script: string): string {
  const table = createProducerTable()
  let nextOffset = 0n
  return script
    .trim()
    .split('\n')
    .map((line) => {
      const [, epoch, sequence, count] = /^(\d+)\/(\d+)x(\d+)/.exec(line.trim())!.map(Number) as [
        0,
        number,
        number,
        number,
      ]
      const header = readBatchHeader(
        batch(
          Array.from({ length: count }, () => 'v'),
          { producerId: 1n, producerEpoch: epoch, baseSequence: sequence },
        ),
      )
      const draft = table.draft()
      const said = `${epoch}/${sequence}x${count}`
      try {
        const original = draft.check(header, 'events-0')
        if (original !== undefined) return `${said} duplicate of ${original.baseOffset}`
        draft.record(header, nextOffset, 0n, 0)
        draft.commit()
        const answer = `${said} at ${nextOffset}`
        nextOffset += BigInt(count)
        return answer
      } catch (error) {
        return `${said} ${(error as { code: string }).code}`
      }
    })
    .join('\n')
}

const script = (text: string) => {
  const expected = text
    .trim()
    .split('\n')
    .map((line) => line.trim())
    .join('\n')
  expect(play(text)).toBe(expected)
}

describe('an idempotent producer', () => {
  it('has its sequence checked: repetitions are recognised, gaps refused', () => {
    script(`
      0/0x3 at 0
      0/3x2 at 3
      0/3x2 duplicate of 3
      0/0x3 duplicate of 0
      0/6x1 OUT_OF_ORDER_SEQUENCE_NUMBER
      0/5x1 at 5
      0/6x1 at 6
    `)
  })

  it('is recognised by its last five batches, not by older ones nor by another split of the same sequences', () => {
    script(`
      0/0x1 at 0
      0/1x1 at 1
      0/2x1 at 2
      0/3x1 at 3
      0/4x1 at 4
      0/5x1 at 5
      0/1x1 duplicate of 1
      0/0x1 OUT_OF_ORDER_SEQUENCE_NUMBER
      0/4x2 OUT_OF_ORDER_SEQUENCE_NUMBER
    `)
  })

  it('starts a new epoch at sequence 0, and the old epoch is fenced', () => {
    script(`
      0/0x2 at 0
      1/2x1 OUT_OF_ORDER_SEQUENCE_NUMBER
      1/0x1 at 2
      0/2x1 INVALID_PRODUCER_EPOCH
      0/0x2 INVALID_PRODUCER_EPOCH
      1/1x1 at 3
    `)
  })

  it('may start anywhere where nothing is known of it', () => {
    script(`
      4/17x2 at 0
      4/19x1 at 2
    `)
  })

  it('goes from the greatest sequence to 0', () => {
    script(`
      0/2147483645x2 at 0
      0/2147483647x2 at 2
      0/1x1 at 4
      0/2147483647x2 duplicate of 2
    `)
    expect(addSequence(2147483647, 1)).toBe(0)
    expect(addSequence(2147483640, 10)).toBe(2)
  })
})

describe('the producer table', () => {
  it('forgets who was not heard of, and nobody else', () => {
    const table = createProducerTable()
    const entry = (producerId: bigint, lastSeenMs: number) => ({
      producerId,
      producerEpoch: 0,
      lastSeenMs,
      batches: [{ firstSequence: 0, lastSequence: 0, baseOffset: 0n, lastOffset: 0n, timestamp: 0n }],
    })
    table.put(entry(1n, 1000))
    table.put(entry(2n, 1001))
    expect(table.expire(1000)).toBe(1)
    expect(table.describe().map(({ producerId }) => producerId)).toEqual([2n])
  })

  it('survives a snapshot; a snapshot with any wrong byte is refused', () => {
    const table = createProducerTable()
    for (let i = 0; i < 8; i++) {
      table.replay(readBatchHeader(batch(['a', 'b'], { producerId: 5n, producerEpoch: 2, baseSequence: i * 2 })))
    }
    const bytes = encodeProducers(table)
    expect([...decodeProducers(bytes)!.entries()]).toEqual([...table.entries()])
    for (let at = 0; at < bytes.length; at++) {
      const wrong = Buffer.from(bytes)
      wrong[at]! ^= 0x10
      expect(decodeProducers(wrong), `byte ${at}`).toBeUndefined()
    }
    for (let length = 0; length < bytes.length; length++) {
      expect(decodeProducers(bytes.subarray(0, length))).toBeUndefined()
    }
  })
})
