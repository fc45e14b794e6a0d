import { describe, expect, it } from 'vitest'
import { whereToReadOn } from './positions.ts'

const log = { sameTopic: true, earliest: 100n, latest: 200n, from: 'earliest' } as const

describe('a group whose position is not in the log', () => {
  it.each([
    ['goes on with the oldest that is left when retention was faster', { position: 50n }, 100n, true],
    ['does so also when it begins at the latest', { position: 50n, from: 'latest' as const }, 100n, true],
    ['begins anew when the log ends before it', { position: 201n }, 100n, false],
    ['begins anew at the end when it is told to', { position: 201n, from: 'latest' as const }, 200n, false],
    ['begins anew in another topic, even at an offset that it has', { position: 150n, sameTopic: false }, 100n, false],
  ])('%s', (_title, given, to, forward) => {
    expect(whereToReadOn({ ...log, ...given })).toMatchObject({ to, forward })
  })

  it.each([100n, 150n, 200n])('stays at %s, which the log holds', (position) => {
    expect(whereToReadOn({ ...log, position })).toBeNull()
  })
})
