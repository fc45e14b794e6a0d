import { describe, expect, it } from 'vitest'
import { whereToReadOn } from './positions.ts'

const log = { sameTopic: true, earliest: 100n, latest: 200n, from: 'earliest' } as const

describe('a group whose position is not in the log', () => {
  it.each([
    ['continues with the oldest remaining record when retention was faster', { position: 50n }, 100n, true],
    ['does so also when it begins at the latest', { position: 50n, from: 'latest' as const }, 100n, true],
    ['begins anew when the log ends before it', { position: 201n }, 100n, false],
    ['begins at the end when `from` is latest', { position: 201n, from: 'latest' as const }, 200n, false],
    ['begins anew in another topic, even at an offset that it has', { position: 150n, sameTopic: false }, 100n, false],
  ])('%s', (_title, given, to, forward) => {
    expect(whereToReadOn({ ...log, ...given })).toMatchObject({ to, forward })
  })

  it.each([
    ['continues where the logs diverge', { offset: 120n, leaderEpoch: 3 }, 120n, 3],
    [
      'continues with the oldest remaining record when they diverge before it',
      { offset: 90n, leaderEpoch: 3 },
      100n,
      -1,
    ],
    ['begins anew when the log never had its epoch', 'never' as const, 100n, -1],
  ])('%s after a truncation', (_title, epochEnd, to, leaderEpoch) => {
    expect(whereToReadOn({ ...log, position: 150n, epochEnd })).toMatchObject({ to, leaderEpoch, forward: false })
  })

  it('stays where it is when its epoch reaches that far', () => {
    expect(whereToReadOn({ ...log, position: 150n, epochEnd: { offset: 150n, leaderEpoch: 3 } })).toBeNull()
  })

  it.each([100n, 150n, 200n])('stays at %s, which the log holds', (position) => {
    expect(whereToReadOn({ ...log, position })).toBeNull()
  })
})
