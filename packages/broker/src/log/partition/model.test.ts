// Random appends, reads, deletions, crashes and restarts, against a model that is a list of records.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { batch, readAll, recordsOf, startLogs } from '../test-support/logs.ts'

type Step =
  | { readonly kind: 'append'; readonly sizes: readonly number[]; readonly batches: number }
  | { readonly kind: 'repeat' }
  | { readonly kind: 'gap' }
  | { readonly kind: 'read'; readonly at: number; readonly maxBytes: number }
  | { readonly kind: 'delete'; readonly at: number }
  | { readonly kind: 'retention' }
  | { readonly kind: 'restart' }
  | { readonly kind: 'crash' }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      sizes: fc.array(fc.nat(200), { minLength: 1, maxLength: 4 }),
      batches: fc.integer({ min: 1, max: 6 }),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'repeat' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'gap' as const }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('read' as const), at: fc.nat(100), maxBytes: fc.nat(3000) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('delete' as const), at: fc.nat(100) }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'retention' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'restart' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'crash' as const }) },
)

describe('a partition log', () => {
  it('behaves as a list of records whatever happens to the broker', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 40 }),
        fc.constantFrom(0, 2000, 1_000_000),
        async (steps, tailCacheBytes) => {
          const broker = await startLogs(
            { segmentBytes: 4000, indexIntervalBytes: 300, retentionBytes: 20_000 },
            { tailCacheBytes, maxOpenFiles: 3, indexCacheBytes: 500 },
          )
          let log = await broker.log()
          const model: string[] = []
          let start = 0
          let last: { values: string[]; sequence: number; offset: number } | undefined
          let sequence = 0

          for (const step of steps) {
            switch (step.kind) {
              case 'append': {
                const sent = Array.from({ length: step.batches }, (_, at) => {
                  const values = step.sizes.map((size, index) => `${model.length}/${at}/${index}/${'x'.repeat(size)}`)
                  last = { values, sequence, offset: model.length + at * values.length }
                  sequence += values.length
                  return { ...last, done: log.append(numbered(values, last.sequence)) }
                })
                for (const { values, offset, done } of sent) {
                  expect((await done).baseOffset).toBe(BigInt(offset))
                  model.push(...values)
                }
                break
              }
              case 'repeat':
                if (last === undefined) break
                expect(await log.append(numbered(last.values, last.sequence))).toMatchObject({
                  duplicate: true,
                  baseOffset: BigInt(last.offset),
                })
                break
              case 'gap':
                if (last === undefined) break
                await expect(log.append(numbered(['gap'], sequence + 3))).rejects.toMatchObject({
                  code: 'OUT_OF_ORDER_SEQUENCE_NUMBER',
                })
                break
              case 'read': {
                const offset = start + Math.floor((step.at / 101) * (model.length - start + 1))
                const { records, sizeBytes } = await log.read(BigInt(offset), {
                  maxBytes: step.maxBytes,
                  minOneBatch: true,
                })
                const found = recordsOf(records)
                if (offset === model.length) expect(found).toEqual([])
                else expect(found.some(([at]) => at === BigInt(offset))).toBe(true)
                for (const [at, value] of found) expect(value).toBe(model[Number(at)])
                expect(sizeBytes).toBe(records.reduce((sum, { length }) => sum + length, 0))
                break
              }
              case 'delete': {
                start = Math.max(start, Math.floor((step.at / 100) * model.length))
                expect(await log.deleteRecordsBefore(BigInt(start))).toBe(BigInt(start))
                break
              }
              case 'retention':
                await broker.manager.runRetentionRound()
                expect(log.logStartOffset).toBeGreaterThanOrEqual(BigInt(start))
                expect(log.sizeBytes).toBeLessThan(20_000 + 4000)
                start = Number(log.logStartOffset)
                break
              case 'restart':
              case 'crash':
                await broker[step.kind]()
                log = await broker.log()
                break
              default:
                step satisfies never
            }
            expect([log.logStartOffset, log.highWatermark]).toEqual([BigInt(start), BigInt(model.length)])
          }
          expect(await readAll(log)).toEqual(model.slice(start).map((value, index) => [BigInt(start + index), value]))
          expect(broker.logger.lines.filter(({ level }) => level === 'error')).toEqual([])
          await broker.manager.close()
        },
      ),
      { numRuns: 150 },
    )
  }, 120_000)
})

function numbered(values: readonly string[], baseSequence: number): Buffer {
  return batch(values, { producerId: 1n, producerEpoch: 0, baseSequence })
}
