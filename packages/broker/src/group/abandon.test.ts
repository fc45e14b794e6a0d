// Members whose connection is gone while their join or sync waits, as transcripts; see test-support/transcript.ts.
import { describe, it } from 'vitest'
import { behaves } from './test-support/transcript.ts'

const stable = `
      > join a version=3
        log group g prepares to rebalance after generation 0: member a-1 joined
      > after 3000
        log group g reached generation 1: 1 members, assignor range, leader a-1
        a: joined generation 1 as a-1 with range, leads [a-1]
      > sync a a:0
        log group g is stable at generation 1
        write generation 1 a-1:0
        a: assigned 0
`

describe('a member whose connection closes while it waits', () => {
  it('is dropped when it was never admitted, so that a service killed again and again costs one session timeout', () => {
    behaves(`${stable}
      # The process is killed, and its successors are killed while they wait for it to expire.
      > join b version=3
        log group g prepares to rebalance after generation 1: member b-1 joined
      > hang-up b
        log group g: member b-1 closed its connection before it was admitted
        b: UNKNOWN_MEMBER_ID (removed: its connection closed during its first join) as nobody
      > join c version=3
      > hang-up c
        log group g: member c-1 closed its connection before it was admitted
        c: UNKNOWN_MEMBER_ID (removed: its connection closed during its first join) as nobody
      > join d version=3
      > after 10000
        log group g: the session of member a-1 expired
        log group g reached generation 2: 1 members, assignor range, leader d-1
        d: joined generation 2 as d-1 with range, leads [d-1]
    `)
  })

  it('is given a session to come back when it is known, and a rejoin in time loses nothing', () => {
    behaves(`${stable}
      > join b version=3
        log group g prepares to rebalance after generation 1: member b-1 joined
      > join a
        log group g reached generation 2: 2 members, assignor range, leader a-1
        a: joined generation 2 as a-1 with range, leads [a-1 b-1]
        b: joined generation 2 as b-1 with range, follows a-1
      > sync b
      > hang-up b
        b: REBALANCE_IN_PROGRESS (the connection closed)
        log group g: member b-1 closed its connection while it waited
      > sync a a:0 b:1
        log group g is stable at generation 2
        write generation 2 a-1:0 b-1:1
        a: assigned 0
      > join b
        b: joined generation 2 as b-1 with range, follows a-1
      > sync b
        b: assigned 1
    `)
  })

  it('expires like a silent one when it does not come back', () => {
    behaves(`${stable}
      > join b version=3
        log group g prepares to rebalance after generation 1: member b-1 joined
      > join a
        log group g reached generation 2: 2 members, assignor range, leader a-1
        a: joined generation 2 as a-1 with range, leads [a-1 b-1]
        b: joined generation 2 as b-1 with range, follows a-1
      > sync b
      > after 4000
      > heartbeat b
        b: ok
      > hang-up b
        b: REBALANCE_IN_PROGRESS (the connection closed)
        log group g: member b-1 closed its connection while it waited
      > heartbeat a
        a: ok
      > after 9000
      > heartbeat a
        a: ok
      > state
        CompletingRebalance generation 2 [a-1, b-1], next deadline in 1000 ms
    `)
  })

  it('keeps the place of a static member, which comes back under its instance id', () => {
    behaves(
      `
      > join a version=5 instance=one
        log group g prepares to rebalance after generation 0: member one-1 (instance one) joined
      > hang-up a
        a: REBALANCE_IN_PROGRESS (the connection closed) as one-1
        log group g: member one-1 closed its connection while it waited
      > state
        PreparingRebalance generation 0 [one-1], next deadline in 3000 ms
    `,
    )
  })

  it('changes nothing once it has been answered', () => {
    behaves(`${stable}
      > hang-up a
      > state
        Stable generation 1 [a-1], next deadline in 10000 ms
    `)
  })
})
