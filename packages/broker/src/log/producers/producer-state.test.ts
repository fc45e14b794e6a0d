import { crc32c, readBatchHeader } from '@selfmonitor/protocol'
import { describe, expect, it } from 'vitest'
import { batch, legacySnapshot } from '../test-support/logs.ts'
import {
  decodeSnapshot,
  encodeProducers,
  outdatedSnapshots,
  snapshotFileName,
  snapshotsIn,
} from './producer-snapshot.ts'
import { addSequence, createProducerTable } from './producer-state.ts'

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
  it('has its sequence checked: repetitions are recognised, gaps are errors', () => {
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
  it('removes producers that were not seen for long, and no others', () => {
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

  it('survives a snapshot; a snapshot with any wrong byte is not used', () => {
    const table = createProducerTable()
    for (let i = 0; i < 8; i++) {
      table.replay(readBatchHeader(batch(['a', 'b'], { producerId: 5n, producerEpoch: 2, baseSequence: i * 2 })))
    }
    const bytes = encodeProducers(table)
    const decodeProducers = (bytes: Buffer) => decodeSnapshot({ name: snapshotFileName(16n), offset: 16n }, bytes)
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

describe('the snapshots of a folder', () => {
  const legacy = { name: '00000000000000000016.producers', offset: 16n }

  it('of earlier development versions are read', () => {
    expect([...decodeSnapshot(legacy, Buffer.from(legacySnapshot, 'hex'))!.entries()]).toEqual([
      {
        producerId: 5n,
        producerEpoch: 2,
        lastSeenMs: 1234,
        batches: [
          { firstSequence: 12, lastSequence: 13, baseOffset: 12n, lastOffset: 13n, timestamp: 1_700_000_000_000n },
          { firstSequence: 14, lastSequence: 15, baseOffset: 14n, lastOffset: 15n, timestamp: 1_700_000_000_000n },
        ],
      },
    ])
    expect(decodeSnapshot(legacy, Buffer.from(legacySnapshot.slice(0, -2), 'hex'))).toBeUndefined()
  })

  it('of Apache Kafka, which knows the last batch only, are read', () => {
    const table = createProducerTable()
    for (const baseSequence of [2147483645, 2147483647]) {
      table.replay(readBatchHeader(batch(['a', 'b'], { producerId: 5n, producerEpoch: 2, baseSequence })))
    }
    const whole = encodeProducers(table)
    const kafkas = Buffer.from(whole.subarray(0, 10 + 46))
    kafkas.writeUInt32BE(crc32c(kafkas.subarray(6)), 2)
    const [entry] = [...decodeSnapshot({ name: snapshotFileName(4n), offset: 4n }, kafkas)!.entries()]
    expect(entry!.batches).toEqual([...table.entries()][0]!.batches.slice(1))
  })

  it('are tried from the newest on, and all but two of them go; those of earlier development versions all', () => {
    const names = [
      '00000000000000000016.producers',
      '00000000000000000016.snapshot',
      '00000000000000000000.log',
      '00000000000000000040.snapshot',
      '00000000000000000030.snapshot',
      '00000000000000000020.producers',
    ]
    expect(snapshotsIn(names).map(({ name }) => name.slice(18))).toEqual([
      '40.snapshot',
      '30.snapshot',
      '20.producers',
      '16.snapshot',
      '16.producers',
    ])
    expect(outdatedSnapshots(names).map((name) => name.slice(18))).toEqual([
      '16.snapshot',
      '20.producers',
      '16.producers',
    ])
  })
})
