import { describe, expect, it } from 'vitest'
import { parseOffsetsCsv, strategyFrom, toOffsetsCsv } from './reset-strategy.ts'

const noFile = (): string => {
  throw new Error('no file should be read')
}

describe('which offset reset was asked for', () => {
  it.each([
    [{ toEarliest: true }, { kind: 'earliest' }],
    [{ toLatest: true }, { kind: 'latest' }],
    [{ toCurrent: true }, { kind: 'current' }],
    [{ toOffset: 0n }, { kind: 'offset', offset: 0n }],
    [{ shiftBy: -10n }, { kind: 'shift-by', by: -10n }],
    [{ toDatetime: 5 }, { kind: 'datetime', timestampMs: 5 }],
    [{ byDuration: 60_000 }, { kind: 'duration', ms: 60_000 }],
    [{ fromGroup: 'blue' }, { kind: 'from-group', groupId: 'blue' }],
  ])('%o is %o', (options, strategy) => {
    expect(strategyFrom(options, noFile)).toEqual(strategy)
  })

  it('reads the file only when it is the strategy', () => {
    expect(strategyFrom({ fromFile: 'o.csv' }, (name) => `${name === 'o.csv' ? 'a' : 'x'},1,42\n`)).toEqual({
      kind: 'from-file',
      offsets: [{ topic: 'a', partition: 1, offset: 42n }],
    })
  })

  it('refuses none and several', () => {
    expect(() => strategyFrom({}, noFile)).toThrow(/Say where to reset the offsets to/)
    expect(() => strategyFrom({ toEarliest: true, shiftBy: 1n }, noFile)).toThrow(
      '--to-earliest and --shift-by cannot be used together.',
    )
  })
})

describe('offsets as CSV', () => {
  it('are read as Kafka’s tool writes them, quotes and empty lines allowed', () => {
    expect(parseOffsetsCsv('"user.events",0,9007199254740993\r\n\nuser.events, 1, 0\n', 'o.csv')).toEqual([
      { topic: 'user.events', partition: 0, offset: 9007199254740993n },
      { topic: 'user.events', partition: 1, offset: 0n },
    ])
  })

  it('name the file and the line of a mistake', () => {
    expect(() => parseOffsetsCsv('a,0,1\na,0\n', 'o.csv')).toThrow('o.csv:2: "a,0" is not topic,partition,offset.')
    expect(() => parseOffsetsCsv('a,-1,1', 'o.csv')).toThrow('o.csv:1')
    expect(() => parseOffsetsCsv('\n', 'o.csv')).toThrow('o.csv holds no offsets')
  })

  it('come back the same after being written', () => {
    const resets = [{ topic: 'a', partition: 3, from: 1n, to: 7n, clamped: false }]
    expect(parseOffsetsCsv(toOffsetsCsv(resets), 'o.csv')).toEqual([{ topic: 'a', partition: 3, offset: 7n }])
  })
})
