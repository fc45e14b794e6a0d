// Histories of a sink, as the offsets of a log that each file has; what a restore makes of their first offsets, counts and contents.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sweep } from './sweep.ts'

interface File {
  readonly firstOffset: bigint
  readonly folder: string
  readonly count: number
  readonly offsets: readonly number[]
}

const file = (offsets: readonly number[], folder = 'partition=0'): File => ({
  firstOffset: BigInt(offsets[0]!),
  folder,
  count: offsets.length,
  offsets,
})
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => from + at)

/** Records are equal when they have the same content. */
async function follow(files: readonly File[], contentOf = (offset: number): unknown => offset) {
  const sorted = files.toSorted((a, b) => Number(a.firstOffset - b.firstOffset) || (a.folder < b.folder ? -1 : 1))
  return await sweep(sorted, async (own, tail) => {
    const before = tail.files
      .flatMap(({ file: { offsets }, step }) => offsets.slice(step.kind === 'copies' ? step.records : 0))
      .slice(tail.skip)
    const most = Math.min(before.length, own.count)
    return range(0, most).every((at) => contentOf(before[at]!) === contentOf(own.offsets[at]!))
  })
}
const steps = async (...args: Parameters<typeof follow>) => (await follow(...args)).map(({ step }) => step)

describe('the files of a partition', () => {
  it('follow each other', async () => {
    expect(await steps([file(range(0, 10)), file(range(10, 20)), file(range(20, 21))])).toEqual([
      { kind: 'next' },
      { kind: 'next' },
      { kind: 'next' },
    ])
  })

  it('leave a gap where one is missing, or where an offset never had a record', async () => {
    const found = await steps([file(range(5, 10)), file(range(20, 30)), file([30, 31, 33]), file([34])])
    expect(found.filter(({ kind }) => kind === 'gap')).toEqual([
      { kind: 'gap', from: 10n, to: 20n },
      { kind: 'gap', from: 33n, to: 34n },
    ])
  })

  it('have records twice where the sink began again', async () => {
    const files = [
      file(range(0, 100)),
      file(range(50, 120)),
      file(range(50, 120)),
      file(range(90, 95)),
      file(range(120, 130)),
    ]
    expect(await steps(files)).toEqual([
      { kind: 'next' },
      { kind: 'copies', records: 50 },
      { kind: 'copies', records: 70 },
      { kind: 'copies', records: 5 },
      { kind: 'next' },
    ])
  })

  it('are not taken for copies when records of other folders only look the same', async () => {
    const files = [file([0, 2], 'c=de'), file([1], 'c=fr'), file([3], 'c=de')]
    expect(await steps(files, () => 'the same')).toEqual([{ kind: 'next' }, { kind: 'among' }, { kind: 'next' }])
  })

  it('are copies in another folder where the next offset proves it', async () => {
    const files = [file(range(0, 10), 'hour=1'), file(range(5, 12), 'hour=2'), file(range(12, 13), 'hour=2')]
    expect(await steps(files)).toEqual([{ kind: 'next' }, { kind: 'copies', records: 5 }, { kind: 'next' }])
  })

  it('of several folders leave no gap when all are there', async () => {
    const histories = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 60 })
    await fc.assert(
      fc.asyncProperty(histories, fc.integer({ min: 1, max: 7 }), async (folders, flush) => {
        const open = new Map<number, number[]>()
        const files: File[] = []
        for (const [offset, folder] of folders.entries()) {
          const own = open.get(folder) ?? []
          own.push(offset)
          open.set(folder, own)
          if (own.length === flush) {
            files.push(file(own, `f=${folder}`))
            open.delete(folder)
          }
        }
        for (const [folder, own] of open) files.push(file(own, `f=${folder}`))
        const found = await steps(files)
        expect(found.filter(({ kind }) => kind === 'gap' || kind === 'copies')).toEqual([])
      }),
    )
  })

  it('restore every record of a sink that was stopped and began again at any place', async () => {
    const runs = fc.array(
      fc.record({ back: fc.integer({ min: 0, max: 12 }), records: fc.integer({ min: 1, max: 12 }) }),
      {
        minLength: 1,
        maxLength: 8,
      },
    )
    await fc.assert(
      fc.asyncProperty(runs, async (history) => {
        const files = new Map<number, File>()
        let end = 0
        for (const { back, records } of history) {
          const from = Math.max(0, end - back)
          // The same name is the same object, which the sink writes again.
          files.set(from, file(range(from, from + records)))
          end = from + records
        }
        const found = await follow([...files.values()])
        const restored = found.flatMap(({ file: { offsets }, step }) =>
          offsets.slice(step.kind === 'copies' ? step.records : 0),
        )
        const all = new Set([...files.values()].flatMap(({ offsets }) => offsets))
        expect(restored).toEqual([...all].sort((a, b) => a - b))
      }),
    )
  })
})
