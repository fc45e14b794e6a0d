// Static membership (KIP-345) as transcripts: a member with an instance id keeps its place when its process restarts.
import { describe, it } from 'vitest'
import { behaves } from './test-support/transcript.ts'

describe('a static member', () => {
  it('needs no second join for its id', () => {
    behaves(
      `
      > join a instance=i1
        log group g prepares to rebalance after generation 0: member i1-1 (instance i1) joined
      > state
        PreparingRebalance generation 0 [i1-1 joining], next deadline in 3000 ms
    `,
    )
  })

  it('that restarts gets its old assignment without a rebalance, and its former self is fenced', () => {
    behaves(
      `
      > join a instance=i1
        log group g prepares to rebalance after generation 0: member i1-1 (instance i1) joined
      > join b instance=i2
      > after 0
        log group g reached generation 1: 2 members, assignor range, leader i1-1
        a: joined generation 1 as i1-1 with range, leads [i1-1 i2-1]
        b: joined generation 1 as i2-1 with range, follows i1-1
      > sync b instance=i2
      > sync a a:0 b:1 instance=i1
        log group g is stable at generation 1
        write generation 1 i1-1:0 i2-1:1
        a: assigned 0
        b: assigned 1
      > join b new=1 instance=i2
        log group g: static member i2 came back as i2-2 without a rebalance
        write generation 1 i1-1:0 i2-2:1
        b: joined generation 1 as i2-2 with range, follows i1-1
      > sync b instance=i2
        b: assigned 1
      > heartbeat i2-1 instance=i2
        i2-1: FENCED_INSTANCE_ID (instance i2 is now member i2-2)
      > commit i2-1 instance=i2
        i2-1: FENCED_INSTANCE_ID (instance i2 is now member i2-2)
      > sync i2-1 instance=i2
        i2-1: FENCED_INSTANCE_ID (instance i2 is now member i2-2)
      > join i2-1 instance=i2
        i2-1: FENCED_INSTANCE_ID (instance i2 is now member i2-2) as i2-1
      > leave i2-1 instance=i2
        leave: i2-1 FENCED_INSTANCE_ID (instance i2 is now member i2-2)
      > heartbeat a instance=i1
        a: ok
      > heartbeat b instance=i2
        b: ok
    `,
      { initialRebalanceDelayMs: 0 },
    )
  })

  it('that leads, and restarts, is asked to skip the assignment (KIP-814)', () => {
    behaves(
      `
      > join a instance=i1
        log group g prepares to rebalance after generation 0: member i1-1 (instance i1) joined
      > join b instance=i2
      > after 0
        log group g reached generation 1: 2 members, assignor range, leader i1-1
        a: joined generation 1 as i1-1 with range, leads [i1-1 i2-1]
        b: joined generation 1 as i2-1 with range, follows i1-1
      > sync b
      > sync a a:0 b:1
        log group g is stable at generation 1
        write generation 1 i1-1:0 i2-1:1
        a: assigned 0
        b: assigned 1
      > join a new=1 instance=i1
        log group g: static member i1 came back as i1-2 without a rebalance
        write generation 1 i2-1:1 i1-2:0
        a: joined generation 1 as i1-2 with range, leads [i2-1 i1-2] and skips the assignment
      > sync a
        a: assigned 0
    `,
      { initialRebalanceDelayMs: 0 },
    )
  })

  it('that leads, and restarts with an old client, does not act as the leader', () => {
    behaves(
      `
      > join a instance=i1 version=8
        log group g prepares to rebalance after generation 0: member i1-1 (instance i1) joined
      > join b instance=i2 version=8
      > after 0
        log group g reached generation 1: 2 members, assignor range, leader i1-1
        a: joined generation 1 as i1-1 with range, leads [i1-1 i2-1]
        b: joined generation 1 as i2-1 with range, follows i1-1
      > sync b
      > sync a a:0 b:1
        log group g is stable at generation 1
        write generation 1 i1-1:0 i2-1:1
        a: assigned 0
        b: assigned 1
      > join a new=1 instance=i1 version=8
        log group g: static member i1 came back as i1-2 without a rebalance
        write generation 1 i2-1:1 i1-2:0
        a: joined generation 1 as i1-2 with range, follows i1-1
      > sync a
        a: assigned 0
    `,
      { initialRebalanceDelayMs: 0 },
    )
  })

  it('that restarts with other assignors rebalances the group when the choice changes', () => {
    behaves(
      `
      > join a instance=i1 protocols=range,sticky
        log group g prepares to rebalance after generation 0: member i1-1 (instance i1) joined
      > join b instance=i2 protocols=range,sticky
      > after 0
        log group g reached generation 1: 2 members, assignor range, leader i1-1
        a: joined generation 1 as i1-1 with range, leads [i1-1 i2-1]
        b: joined generation 1 as i2-1 with range, follows i1-1
      > sync b
      > sync a a:0 b:1
        log group g is stable at generation 1
        write generation 1 i1-1:0 i2-1:1
        a: assigned 0
        b: assigned 1
      > join b new=1 instance=i2 protocols=sticky
        log group g prepares to rebalance after generation 1: static member i2 came back as i2-2 and changes the assignor
      > join a instance=i1 protocols=range,sticky
        log group g reached generation 2: 2 members, assignor sticky, leader i1-1
        a: joined generation 2 as i1-1 with sticky, leads [i1-1 i2-2]
        b: joined generation 2 as i2-2 with sticky, follows i1-1
    `,
      { initialRebalanceDelayMs: 0 },
    )
  })

  it('that restarts while the leader assigns voids that assignment', () => {
    behaves(
      `
      > join a instance=i1
        log group g prepares to rebalance after generation 0: member i1-1 (instance i1) joined
      > join b instance=i2
      > after 0
        log group g reached generation 1: 2 members, assignor range, leader i1-1
        a: joined generation 1 as i1-1 with range, leads [i1-1 i2-1]
        b: joined generation 1 as i2-1 with range, follows i1-1
      > sync b
      > join b new=1 instance=i2
        b: FENCED_INSTANCE_ID (instance i2 is now member i2-2)
        log group g prepares to rebalance after generation 1: static member i2 came back as i2-2
      > sync a a:0 b:1
        a: REBALANCE_IN_PROGRESS (the group waits for its members to rejoin)
      > join a instance=i1
        log group g reached generation 2: 2 members, assignor range, leader i1-1
        a: joined generation 2 as i1-1 with range, leads [i1-1 i2-2]
        b: joined generation 2 as i2-2 with range, follows i1-1
    `,
      { initialRebalanceDelayMs: 0 },
    )
  })

  it('that joins twice at the same time fences the first', () => {
    behaves(
      `
      > join a instance=i1
        log group g prepares to rebalance after generation 0: member i1-1 (instance i1) joined
      > join a new=1 instance=i1
        a: FENCED_INSTANCE_ID (instance i1 is now member i1-2) as i1-1
      > after 3000
        log group g reached generation 1: 1 members, assignor range, leader i1-2
        a: joined generation 1 as i1-2 with range, leads [i1-2]
    `,
    )
  })

  it('that was replaced has no timers left', () => {
    behaves(
      `
      > join a instance=i1
        log group g prepares to rebalance after generation 0: member i1-1 (instance i1) joined
      > after 0
        log group g reached generation 1: 1 members, assignor range, leader i1-1
        a: joined generation 1 as i1-1 with range, leads [i1-1]
      > sync a a:0
        log group g is stable at generation 1
        write generation 1 i1-1:0
        a: assigned 0
      > after 9000
      > join a new=1 instance=i1
        log group g: static member i1 came back as i1-2 without a rebalance
        write generation 1 i1-2:0
        a: joined generation 1 as i1-2 with range, leads [i1-2] and skips the assignment
      > after 9000
      > state
        Stable generation 1 [i1-2], next deadline in 1000 ms
    `,
      { initialRebalanceDelayMs: 0 },
    )
  })

  it('is expected for its whole session, also beyond the rebalance timeout', () => {
    behaves(
      `
      > join a instance=i1 rebalance=7000 session=20000
        log group g prepares to rebalance after generation 0: member i1-1 (instance i1) joined
      > join b instance=i2 rebalance=7000 session=20000
      > after 0
        log group g reached generation 1: 2 members, assignor range, leader i1-1
        a: joined generation 1 as i1-1 with range, leads [i1-1 i2-1]
        b: joined generation 1 as i2-1 with range, follows i1-1
      > sync b
      > sync a a:0 b:1
        log group g is stable at generation 1
        write generation 1 i1-1:0 i2-1:1
        a: assigned 0
        b: assigned 1
      > join a instance=i1 topics=payments rebalance=7000 session=20000
        log group g prepares to rebalance after generation 1: member i1-1 changed its metadata
      > after 7000
        log group g reached generation 2: 2 members, assignor range, leader i1-1
        a: joined generation 2 as i1-1 with range, leads [i1-1 i2-1]
      > sync a a:0 b:1
        log group g is stable at generation 2
        write generation 2 i1-1:0 i2-1:1
        a: assigned 0
      > state
        Stable generation 2 [i1-1, i2-1], next deadline in 7000 ms
      > join b new=1 instance=i2 rebalance=7000 session=20000
        log group g: static member i2 came back as i2-2 without a rebalance
        write generation 2 i1-1:0 i2-2:1
        b: joined generation 2 as i2-2 with range, follows i1-1
      > sync b
        b: assigned 1
    `,
      { initialRebalanceDelayMs: 0 },
    )
  })

  it('whose whole group is away blocks the rebalance until a session ends or one returns', () => {
    behaves(
      `
      > join a instance=i1 rebalance=7000 session=30000
        log group g prepares to rebalance after generation 0: member i1-1 (instance i1) joined
      > join b instance=i2 rebalance=7000 session=30000
      > join c version=3 rebalance=7000 session=30000
      > after 0
        log group g reached generation 1: 3 members, assignor range, leader i1-1
        a: joined generation 1 as i1-1 with range, leads [i1-1 i2-1 c-1]
        b: joined generation 1 as i2-1 with range, follows i1-1
        c: joined generation 1 as c-1 with range, follows i1-1
      > sync b
      > sync c
      > sync a a:0 b:1 c:2
        log group g is stable at generation 1
        write generation 1 i1-1:0 i2-1:1 c-1:2
        a: assigned 0
        b: assigned 1
        c: assigned 2
      > leave c
        log group g prepares to rebalance after generation 1: member c-1 left
        leave: c-1 ok
      > after 7000
        log group g cannot complete its rebalance: no member has rejoined
      > join b new=1 instance=i2 rebalance=7000 session=30000
      > after 7000
        log group g reached generation 2: 2 members, assignor range, leader i2-2
        b: joined generation 2 as i2-2 with range, leads [i1-1 i2-2]
      > state
        CompletingRebalance generation 2 [i1-1, i2-2], next deadline in 7000 ms
    `,
      { initialRebalanceDelayMs: 0 },
    )
  })

  it('is removed by an administrator by its instance id alone', () => {
    behaves(
      `
      > join a instance=i1
        log group g prepares to rebalance after generation 0: member i1-1 (instance i1) joined
      > after 0
        log group g reached generation 1: 1 members, assignor range, leader i1-1
        a: joined generation 1 as i1-1 with range, leads [i1-1]
      > sync a a:0
        log group g is stable at generation 1
        write generation 1 i1-1:0
        a: assigned 0
      > leave instance=i9
        leave: i9 UNKNOWN_MEMBER_ID (the group has no member with instance id i9)
      > leave instance=i1
        log group g prepares to rebalance after generation 1: member i1-1 left
        log group g is empty at generation 2
        write generation 2 without members
        leave: i1 ok
      > state
        Empty generation 2 []
      > heartbeat a instance=i1
        a: UNKNOWN_MEMBER_ID (left 0 ms ago)
    `,
      { initialRebalanceDelayMs: 0 },
    )
  })

  it('with a member id that does not belong to its instance id is fenced, with an unknown instance id unknown', () => {
    behaves(
      `
      > join a instance=i1
        log group g prepares to rebalance after generation 0: member i1-1 (instance i1) joined
      > join b instance=i2
      > after 0
        log group g reached generation 1: 2 members, assignor range, leader i1-1
        a: joined generation 1 as i1-1 with range, leads [i1-1 i2-1]
        b: joined generation 1 as i2-1 with range, follows i1-1
      > join a instance=i2
        a: FENCED_INSTANCE_ID (instance i2 is now member i2-1) as i1-1
      > join a instance=i3
        a: UNKNOWN_MEMBER_ID (the group has no member with instance id i3) as i1-1
      > heartbeat a instance=i2
        a: FENCED_INSTANCE_ID (instance i2 is now member i2-1)
    `,
      { initialRebalanceDelayMs: 0 },
    )
  })
})
