// What a classic group answers, as transcripts: `>` is a request (or time passing), the lines below it are the effects.
// See test-support/transcript.ts for the notation.
import { describe, it } from 'vitest'
import { behaves } from './test-support/transcript.ts'

describe('joining', () => {
  it('gives a new member its id first, and a generation once the initial delay is over (KIP-394)', () => {
    behaves(
      `
      > join a
        a: MEMBER_ID_REQUIRED (the member has to join again with the id in the answer) as a-1
      > state
        Empty generation 0 [], pending [a-1], next deadline in 10000 ms
      > join a
        log group g prepares to rebalance after generation 0: member a-1 joined
      > state
        PreparingRebalance generation 0 [a-1 joining], next deadline in 3000 ms
      > after 3000
        log group g reached generation 1: 1 members, assignor range, leader a-1
        a: joined generation 1 as a-1 with range, leads [a-1]
      > state
        CompletingRebalance generation 1 [a-1], next deadline in 10000 ms
      > sync a a:0,1,2
        log group g is stable at generation 1
        write generation 1 a-1:0,1,2
        a: assigned 0,1,2
      > heartbeat a
        a: ok
      > state
        Stable generation 1 [a-1], next deadline in 10000 ms
    `,
    )
  })

  it('admits a member of an old client without an id at once', () => {
    behaves(
      `
      > join a version=3
        log group g prepares to rebalance after generation 0: member a-1 joined
      > state
        PreparingRebalance generation 0 [a-1 joining], next deadline in 3000 ms
    `,
    )
  })

  it('extends the initial delay when more members come, so that they share the first generation', () => {
    behaves(
      `
      > join a version=3
        log group g prepares to rebalance after generation 0: member a-1 joined
      > after 2000
      > join b version=3
      > after 1000
      > state
        PreparingRebalance generation 0 [a-1 joining, b-1 joining], next deadline in 3000 ms
      > after 3000
        log group g reached generation 1: 2 members, assignor range, leader a-1
        a: joined generation 1 as a-1 with range, leads [a-1 b-1]
        b: joined generation 1 as b-1 with range, follows a-1
      > sync b
      > sync a a:0,1 b:2
        log group g is stable at generation 1
        write generation 1 a-1:0,1 b-1:2
        a: assigned 0,1
        b: assigned 2
    `,
    )
  })

  it('never extends the initial delay beyond the rebalance timeout', () => {
    behaves(
      `
      > join a version=3 rebalance=4000
        log group g prepares to rebalance after generation 0: member a-1 joined
      > after 2900
      > join b version=3 rebalance=4000
      > after 1000
      > join c version=3 rebalance=4000
      > after 100
        log group g reached generation 1: 3 members, assignor range, leader a-1
        a: joined generation 1 as a-1 with range, leads [a-1 b-1 c-1]
        b: joined generation 1 as b-1 with range, follows a-1
        c: joined generation 1 as c-1 with range, follows a-1
    `,
    )
  })

  it('expects the members of a stable group to rejoin when another one joins', () => {
    behaves(
      `
      > join a version=3
        log group g prepares to rebalance after generation 0: member a-1 joined
      > after 0
        log group g reached generation 1: 1 members, assignor range, leader a-1
        a: joined generation 1 as a-1 with range, leads [a-1]
      > sync a a:0,1,2
        log group g is stable at generation 1
        write generation 1 a-1:0,1,2
        a: assigned 0,1,2
      > join b
        b: MEMBER_ID_REQUIRED (the member has to join again with the id in the answer) as b-1
      > join b
        log group g prepares to rebalance after generation 1: member b-1 joined
      > heartbeat a
        a: REBALANCE_IN_PROGRESS (the group waits for its members to rejoin)
      > commit a
        a: ok
      > join a
        log group g reached generation 2: 2 members, assignor range, leader a-1
        a: joined generation 2 as a-1 with range, leads [a-1 b-1]
        b: joined generation 2 as b-1 with range, follows a-1
      > commit a
        a: REBALANCE_IN_PROGRESS (the assignment is not known yet)
      > sync b
      > sync a a:0,1 b:2
        log group g is stable at generation 2
        write generation 2 a-1:0,1 b-1:2
        a: assigned 0,1
        b: assigned 2
      > heartbeat a generation=1
        a: ILLEGAL_GENERATION (generation 1, the group is at 2)
      > commit a generation=1
        a: ILLEGAL_GENERATION (generation 1, the group is at 2)
      > sync a generation=1
        a: ILLEGAL_GENERATION (generation 1, the group is at 2)
    `,
      { initialRebalanceDelayMs: 0 },
    )
  })

  it('drops an id that was given out and not used in the session timeout, and does not wait for it longer', () => {
    behaves(
      `
      > join a version=3
        log group g prepares to rebalance after generation 0: member a-1 joined
      > after 0
        log group g reached generation 1: 1 members, assignor range, leader a-1
        a: joined generation 1 as a-1 with range, leads [a-1]
      > sync a a:0
        log group g is stable at generation 1
        write generation 1 a-1:0
        a: assigned 0
      > join b
        b: MEMBER_ID_REQUIRED (the member has to join again with the id in the answer) as b-1
      > join a
        log group g prepares to rebalance after generation 1: leader a-1 rejoined
      > state
        PreparingRebalance generation 1 [a-1 joining], pending [b-1], next deadline in 10000 ms
      > after 10000
        log group g: the pending member b-1 did not join in its session timeout
        log group g reached generation 2: 1 members, assignor range, leader a-1
        a: joined generation 2 as a-1 with range, leads [a-1]
      > join b
        b: UNKNOWN_MEMBER_ID (its id expired 0 ms ago: it did not join in its session timeout) as b-1
    `,
      { initialRebalanceDelayMs: 0 },
    )
  })

  it('refuses a session timeout outside the limits', () => {
    behaves(
      `
      > join a session=5999
        a: INVALID_SESSION_TIMEOUT (session timeout 5999 ms is not within 6000 and 1800000 ms)
      > join a session=1800001
        a: INVALID_SESSION_TIMEOUT (session timeout 1800001 ms is not within 6000 and 1800000 ms)
      > join a session=6000
        a: MEMBER_ID_REQUIRED (the member has to join again with the id in the answer) as a-1
    `,
    )
  })

  it('refuses an empty group id, and a member id that it does not know', () => {
    behaves(
      `
      > join a group=
        a: INVALID_GROUP_ID (the group id is empty)
      > join a-7
        a-7: UNKNOWN_MEMBER_ID (the group has no member a-7) as a-7
    `,
    )
  })

  it('takes the session timeout for the rebalance timeout of a client that sends none', () => {
    behaves(
      `
      > join a version=0 rebalance=-1 session=7000
        log group g prepares to rebalance after generation 0: member a-1 joined
      > after 0
        log group g reached generation 1: 1 members, assignor range, leader a-1
        a: joined generation 1 as a-1 with range, leads [a-1]
      > state
        CompletingRebalance generation 1 [a-1], next deadline in 7000 ms
    `,
      { initialRebalanceDelayMs: 0 },
    )
  })
})

describe('assignors', () => {
  it('chooses the assignor that all support and most members prefer', () => {
    behaves(
      `
      > join a version=3 protocols=range,sticky,roundrobin
        log group g prepares to rebalance after generation 0: member a-1 joined
      > join b version=3 protocols=sticky,range
      > join c version=3 protocols=sticky,range
      > after 6000
        log group g reached generation 1: 3 members, assignor sticky, leader a-1
        a: joined generation 1 as a-1 with sticky, leads [a-1 b-1 c-1]
        b: joined generation 1 as b-1 with sticky, follows a-1
        c: joined generation 1 as c-1 with sticky, follows a-1
    `,
    )
  })

  it('never chooses an assignor that one member lacks, whatever the votes', () => {
    behaves(
      `
      > join a version=3 protocols=range,sticky
        log group g prepares to rebalance after generation 0: member a-1 joined
      > join b version=3 protocols=range,sticky
      > join c version=3 protocols=sticky
      > after 6000
        log group g reached generation 1: 3 members, assignor sticky, leader a-1
        a: joined generation 1 as a-1 with sticky, leads [a-1 b-1 c-1]
        b: joined generation 1 as b-1 with sticky, follows a-1
        c: joined generation 1 as c-1 with sticky, follows a-1
    `,
    )
  })

  it('refuses a member without a common assignor, of another protocol type, or without any', () => {
    behaves(
      `
      > join a version=3 protocols=range
        log group g prepares to rebalance after generation 0: member a-1 joined
      > join b version=3 protocols=sticky
        b: INCONSISTENT_GROUP_PROTOCOL (the member offers consumer [sticky], the group uses consumer [range]) as nobody
      > join c version=3 type=connect
        c: INCONSISTENT_GROUP_PROTOCOL (the member offers connect [range], the group uses consumer [range]) as nobody
      > join d version=3 protocols=
        d: INCONSISTENT_GROUP_PROTOCOL (the member offers consumer [], the group uses consumer [range]) as nobody
    `,
    )
  })

  it('refuses a first member that names no protocol', () => {
    behaves(
      `
      > join a version=3 protocols=
        a: INCONSISTENT_GROUP_PROTOCOL (the member offers no protocol: consumer []) as nobody
      > join b version=3 type=
        b: INCONSISTENT_GROUP_PROTOCOL (the member offers no protocol: (no type) [range]) as nobody
    `,
    )
  })

  it('refuses a sync for another assignor or protocol type than the group has', () => {
    behaves(
      `
      > join a version=3 protocols=range
        log group g prepares to rebalance after generation 0: member a-1 joined
      > after 0
        log group g reached generation 1: 1 members, assignor range, leader a-1
        a: joined generation 1 as a-1 with range, leads [a-1]
      > sync a a:0 protocol=sticky
        a: INCONSISTENT_GROUP_PROTOCOL (assignor sticky, the group has chosen range)
      > sync a a:0 type=connect
        a: INCONSISTENT_GROUP_PROTOCOL (protocol type connect, the group has consumer)
      > sync a a:0 protocol=range type=consumer
        log group g is stable at generation 1
        write generation 1 a-1:0
        a: assigned 0
    `,
      { initialRebalanceDelayMs: 0 },
    )
  })
})

describe('rejoining', () => {
  it('answers a follower that rejoins unchanged with the present generation, without a rebalance', () => {
    behaves(
      `
      > join a version=3
        log group g prepares to rebalance after generation 0: member a-1 joined
      > join b version=3
      > after 0
        log group g reached generation 1: 2 members, assignor range, leader a-1
        a: joined generation 1 as a-1 with range, leads [a-1 b-1]
        b: joined generation 1 as b-1 with range, follows a-1
      # the answer was lost: the same join again
      > join b
        b: joined generation 1 as b-1 with range, follows a-1
      > join a
        a: joined generation 1 as a-1 with range, leads [a-1 b-1]
      > sync b
      > sync a a:0 b:1
        log group g is stable at generation 1
        write generation 1 a-1:0 b-1:1
        a: assigned 0
        b: assigned 1
      > join b
        b: joined generation 1 as b-1 with range, follows a-1
      > sync b
        b: assigned 1
    `,
      { initialRebalanceDelayMs: 0 },
    )
  })

  it('rebalances when the leader rejoins, because it may want another assignment', () => {
    behaves(
      `
      > join a version=3
        log group g prepares to rebalance after generation 0: member a-1 joined
      > join b version=3
      > after 0
        log group g reached generation 1: 2 members, assignor range, leader a-1
        a: joined generation 1 as a-1 with range, leads [a-1 b-1]
        b: joined generation 1 as b-1 with range, follows a-1
      > sync b
      > sync a a:0 b:1
        log group g is stable at generation 1
        write generation 1 a-1:0 b-1:1
        a: assigned 0
        b: assigned 1
      > join a
        log group g prepares to rebalance after generation 1: leader a-1 rejoined
      > join b
        log group g reached generation 2: 2 members, assignor range, leader a-1
        a: joined generation 2 as a-1 with range, leads [a-1 b-1]
        b: joined generation 2 as b-1 with range, follows a-1
    `,
      { initialRebalanceDelayMs: 0 },
    )
  })

  it('rebalances when a member changes its subscription, and hands on its reason (KIP-800)', () => {
    behaves(
      `
      > join a version=3
        log group g prepares to rebalance after generation 0: member a-1 joined
      > join b version=3
      > after 0
        log group g reached generation 1: 2 members, assignor range, leader a-1
        a: joined generation 1 as a-1 with range, leads [a-1 b-1]
        b: joined generation 1 as b-1 with range, follows a-1
      > sync b
      > sync a a:0 b:1
        log group g is stable at generation 1
        write generation 1 a-1:0 b-1:1
        a: assigned 0
        b: assigned 1
      > join b topics=orders,payments reason=new-topic
        log group g prepares to rebalance after generation 1: member b-1 changed its metadata; client's reason: new-topic
      > join a
        log group g reached generation 2: 2 members, assignor range, leader a-1
        a: joined generation 2 as a-1 with range, leads [a-1 b-1]
        b: joined generation 2 as b-1 with range, follows a-1
    `,
      { initialRebalanceDelayMs: 0 },
    )
  })

  it('cancels the syncs that wait when a member changes while the leader assigns', () => {
    behaves(
      `
      > join a version=3
        log group g prepares to rebalance after generation 0: member a-1 joined
      > join b version=3
      > after 0
        log group g reached generation 1: 2 members, assignor range, leader a-1
        a: joined generation 1 as a-1 with range, leads [a-1 b-1]
        b: joined generation 1 as b-1 with range, follows a-1
      > sync b
      > join b topics=payments
        b: REBALANCE_IN_PROGRESS (another rebalance began before the leader sent the assignment)
        log group g prepares to rebalance after generation 1: member b-1 changed its metadata
      > sync a a:0 b:1
        a: REBALANCE_IN_PROGRESS (the group waits for its members to rejoin)
      > join a
        log group g reached generation 2: 2 members, assignor range, leader a-1
        a: joined generation 2 as a-1 with range, leads [a-1 b-1]
        b: joined generation 2 as b-1 with range, follows a-1
    `,
      { initialRebalanceDelayMs: 0 },
    )
  })

  it('answers the join of an abandoned connection when its member joins again', () => {
    behaves(
      `
      > join a version=3
        log group g prepares to rebalance after generation 0: member a-1 joined
      > join a-1
        a: REBALANCE_IN_PROGRESS (the member joined again) as a-1
      > after 3000
        log group g reached generation 1: 1 members, assignor range, leader a-1
        a-1: joined generation 1 as a-1 with range, leads [a-1]
    `,
    )
  })

  it('elects another leader when the old one does not rejoin', () => {
    behaves(
      `
      > join a version=3 rebalance=8000
        log group g prepares to rebalance after generation 0: member a-1 joined
      > join b version=3 rebalance=8000
      > after 0
        log group g reached generation 1: 2 members, assignor range, leader a-1
        a: joined generation 1 as a-1 with range, leads [a-1 b-1]
        b: joined generation 1 as b-1 with range, follows a-1
      > sync b
      > sync a a:0 b:1
        log group g is stable at generation 1
        write generation 1 a-1:0 b-1:1
        a: assigned 0
        b: assigned 1
      > join b topics=payments rebalance=8000
        log group g prepares to rebalance after generation 1: member b-1 changed its metadata
      > after 8000
        log group g continues without members that did not rejoin: a-1
        log group g reached generation 2: 1 members, assignor range, leader b-1
        b: joined generation 2 as b-1 with range, leads [b-1]
      > heartbeat a
        a: UNKNOWN_MEMBER_ID (expelled 0 ms ago: it did not rejoin in the rebalance timeout)
      > sync b b:0,1
        log group g is stable at generation 2
        write generation 2 b-1:0,1
        b: assigned 0,1
    `,
      { initialRebalanceDelayMs: 0 },
    )
  })
})

describe('timeouts', () => {
  it('expires a silent member and says for how long it has been gone', () => {
    behaves(
      `
      > join a version=3
        log group g prepares to rebalance after generation 0: member a-1 joined
      > join b version=3
      > after 0
        log group g reached generation 1: 2 members, assignor range, leader a-1
        a: joined generation 1 as a-1 with range, leads [a-1 b-1]
        b: joined generation 1 as b-1 with range, follows a-1
      > sync b
      > sync a a:0,1 b:2
        log group g is stable at generation 1
        write generation 1 a-1:0,1 b-1:2
        a: assigned 0,1
        b: assigned 2
      > after 5000
      > heartbeat a
        a: ok
      > after 5312
        log group g: the session of member b-1 expired
        log group g prepares to rebalance after generation 1: member b-1: session expired
      > heartbeat b
        b: UNKNOWN_MEMBER_ID (session expired 312 ms ago)
      > sync b
        b: UNKNOWN_MEMBER_ID (session expired 312 ms ago)
      > commit b
        b: UNKNOWN_MEMBER_ID (session expired 312 ms ago)
      > leave b
        leave: b-1 UNKNOWN_MEMBER_ID (session expired 312 ms ago)
      > join b
        b: UNKNOWN_MEMBER_ID (session expired 312 ms ago) as b-1
      > join a
        log group g reached generation 2: 1 members, assignor range, leader a-1
        a: joined generation 2 as a-1 with range, leads [a-1]
      > join b new=1
        b: MEMBER_ID_REQUIRED (the member has to join again with the id in the answer) as b-2
    `,
      { initialRebalanceDelayMs: 0 },
    )
  })

  it('keeps the session of a member alive by its commits', () => {
    behaves(
      `
      > join a version=3
        log group g prepares to rebalance after generation 0: member a-1 joined
      > after 0
        log group g reached generation 1: 1 members, assignor range, leader a-1
        a: joined generation 1 as a-1 with range, leads [a-1]
      > sync a a:0
        log group g is stable at generation 1
        write generation 1 a-1:0
        a: assigned 0
      > after 9000
      > commit a
        a: ok
      > after 9000
      > state
        Stable generation 1 [a-1], next deadline in 1000 ms
    `,
      { initialRebalanceDelayMs: 0 },
    )
  })

  it('continues without a member that only heartbeats and does not rejoin in the rebalance timeout', () => {
    behaves(
      `
      > join a version=3 rebalance=15000
        log group g prepares to rebalance after generation 0: member a-1 joined
      > join b version=3 rebalance=15000
      > after 0
        log group g reached generation 1: 2 members, assignor range, leader a-1
        a: joined generation 1 as a-1 with range, leads [a-1 b-1]
        b: joined generation 1 as b-1 with range, follows a-1
      > sync b
      > sync a a:0 b:1
        log group g is stable at generation 1
        write generation 1 a-1:0 b-1:1
        a: assigned 0
        b: assigned 1
      > join b topics=payments rebalance=15000
        log group g prepares to rebalance after generation 1: member b-1 changed its metadata
      > after 8000
      > heartbeat a
        a: REBALANCE_IN_PROGRESS (the group waits for its members to rejoin)
      > after 7000
        log group g continues without members that did not rejoin: a-1
        log group g reached generation 2: 1 members, assignor range, leader b-1
        b: joined generation 2 as b-1 with range, leads [b-1]
      > heartbeat a
        a: UNKNOWN_MEMBER_ID (expelled 0 ms ago: it did not rejoin in the rebalance timeout)
    `,
      { initialRebalanceDelayMs: 0 },
    )
  })

  it('removes a member that does not sync in the rebalance timeout', () => {
    behaves(
      `
      > join a version=3 rebalance=15000
        log group g prepares to rebalance after generation 0: member a-1 joined
      > join b version=3 rebalance=15000
      > after 0
        log group g reached generation 1: 2 members, assignor range, leader a-1
        a: joined generation 1 as a-1 with range, leads [a-1 b-1]
        b: joined generation 1 as b-1 with range, follows a-1
      > sync a a:0 b:1
        log group g is stable at generation 1
        write generation 1 a-1:0 b-1:1
        a: assigned 0
      > after 8000
      > heartbeat a
        a: ok
      > heartbeat b
        b: ok
      > after 7000
        log group g prepares to rebalance after generation 1: members did not sync in time: b-1
      > heartbeat a
        a: REBALANCE_IN_PROGRESS (the group waits for its members to rejoin)
      > heartbeat b
        b: UNKNOWN_MEMBER_ID (expelled 0 ms ago: it did not sync in the rebalance timeout)
    `,
      { initialRebalanceDelayMs: 0 },
    )
  })

  it('starts over when the leader does not sync in the rebalance timeout', () => {
    behaves(
      `
      > join a version=3 rebalance=15000
        log group g prepares to rebalance after generation 0: member a-1 joined
      > join b version=3 rebalance=15000
      > after 0
        log group g reached generation 1: 2 members, assignor range, leader a-1
        a: joined generation 1 as a-1 with range, leads [a-1 b-1]
        b: joined generation 1 as b-1 with range, follows a-1
      > sync b
      > after 8000
      > heartbeat a
        a: ok
      > after 7000
        b: REBALANCE_IN_PROGRESS (another rebalance began before the leader sent the assignment)
        log group g prepares to rebalance after generation 1: members did not sync in time: a-1
      > heartbeat a
        a: UNKNOWN_MEMBER_ID (expelled 0 ms ago: it did not sync in the rebalance timeout)
      > state
        PreparingRebalance generation 1 [b-1], next deadline in 10000 ms
    `,
      { initialRebalanceDelayMs: 0 },
    )
  })

  it('does not expire members whose joins wait, however long the rebalance takes', () => {
    behaves(
      `
      > join a version=3
        log group g prepares to rebalance after generation 0: member a-1 joined
      > join b version=3 session=50000
      > after 0
        log group g reached generation 1: 2 members, assignor range, leader a-1
        a: joined generation 1 as a-1 with range, leads [a-1 b-1]
        b: joined generation 1 as b-1 with range, follows a-1
      > sync b
      > sync a a:0 b:1
        log group g is stable at generation 1
        write generation 1 a-1:0 b-1:1
        a: assigned 0
        b: assigned 1
      > join a
        log group g prepares to rebalance after generation 1: leader a-1 rejoined
      > after 30000
      > state
        PreparingRebalance generation 1 [a-1 joining, b-1], next deadline in 20000 ms
      > join b topics=payments
        log group g reached generation 2: 2 members, assignor range, leader a-1
        a: joined generation 2 as a-1 with range, leads [a-1 b-1]
        b: joined generation 2 as b-1 with range, follows a-1
    `,
      { initialRebalanceDelayMs: 0 },
    )
  })

  it('gives up a new member whose first join has waited five minutes', () => {
    behaves(
      `
      > join a version=3 rebalance=400000 session=400000
        log group g prepares to rebalance after generation 0: member a-1 joined
      > after 0
        log group g reached generation 1: 1 members, assignor range, leader a-1
        a: joined generation 1 as a-1 with range, leads [a-1]
      > sync a a:0
        log group g is stable at generation 1
        write generation 1 a-1:0
        a: assigned 0
      > join b version=3
        log group g prepares to rebalance after generation 1: member b-1 joined
      > after 300000
        log group g: the session of member b-1 expired
        b: UNKNOWN_MEMBER_ID (session expired: its first join waited too long) as nobody
      > join a
        log group g reached generation 2: 1 members, assignor range, leader a-1
        a: joined generation 2 as a-1 with range, leads [a-1]
    `,
      { initialRebalanceDelayMs: 0 },
    )
  })

  it('becomes empty, at a new generation, when its last member expires', () => {
    behaves(
      `
      > join a version=3
        log group g prepares to rebalance after generation 0: member a-1 joined
      > after 0
        log group g reached generation 1: 1 members, assignor range, leader a-1
        a: joined generation 1 as a-1 with range, leads [a-1]
      > sync a a:0
        log group g is stable at generation 1
        write generation 1 a-1:0
        a: assigned 0
      > after 10000
        log group g: the session of member a-1 expired
        log group g prepares to rebalance after generation 1: member a-1: session expired
        log group g is empty at generation 2
        write generation 2 without members
      > state
        Empty generation 2 []
      > commit generation=-1
        a simple consumer: ok
    `,
      { initialRebalanceDelayMs: 0 },
    )
  })
})

describe('leaving', () => {
  it('rebalances among those who stay', () => {
    behaves(
      `
      > join a version=3
        log group g prepares to rebalance after generation 0: member a-1 joined
      > join b version=3
      > after 0
        log group g reached generation 1: 2 members, assignor range, leader a-1
        a: joined generation 1 as a-1 with range, leads [a-1 b-1]
        b: joined generation 1 as b-1 with range, follows a-1
      > sync b
      > sync a a:0 b:1
        log group g is stable at generation 1
        write generation 1 a-1:0 b-1:1
        a: assigned 0
        b: assigned 1
      > leave b
        log group g prepares to rebalance after generation 1: member b-1 left
        leave: b-1 ok
      > heartbeat a
        a: REBALANCE_IN_PROGRESS (the group waits for its members to rejoin)
      > heartbeat b
        b: UNKNOWN_MEMBER_ID (left 0 ms ago)
      > join a
        log group g reached generation 2: 1 members, assignor range, leader a-1
        a: joined generation 2 as a-1 with range, leads [a-1]
      > sync a a:0,1
        log group g is stable at generation 2
        write generation 2 a-1:0,1
        a: assigned 0,1
    `,
      { initialRebalanceDelayMs: 0 },
    )
  })

  it('takes several at once, and answers each', () => {
    behaves(
      `
      > join a version=3
        log group g prepares to rebalance after generation 0: member a-1 joined
      > join b version=3
      > join c version=3
      > after 0
        log group g reached generation 1: 3 members, assignor range, leader a-1
        a: joined generation 1 as a-1 with range, leads [a-1 b-1 c-1]
        b: joined generation 1 as b-1 with range, follows a-1
        c: joined generation 1 as c-1 with range, follows a-1
      > leave b x c
        log group g prepares to rebalance after generation 1: member b-1 left, member c-1 left
        leave: b-1 ok; x UNKNOWN_MEMBER_ID (the group has no member x); c-1 ok
      > state
        PreparingRebalance generation 1 [a-1], next deadline in 10000 ms
    `,
      { initialRebalanceDelayMs: 0 },
    )
  })

  it('is empty when the last one leaves, also while it waits in a join', () => {
    behaves(
      `
      > join a version=3
        log group g prepares to rebalance after generation 0: member a-1 joined
      > leave a-1
        a: UNKNOWN_MEMBER_ID (left) as nobody
        leave: a-1 ok
      > state
        PreparingRebalance generation 0 [], next deadline in 3000 ms
      > after 3000
        log group g is empty at generation 1
        write generation 1 without members
      > state
        Empty generation 1 []
    `,
    )
  })

  it('lets a pending member go, which may complete the rebalance', () => {
    behaves(
      `
      > join a version=3
        log group g prepares to rebalance after generation 0: member a-1 joined
      > after 0
        log group g reached generation 1: 1 members, assignor range, leader a-1
        a: joined generation 1 as a-1 with range, leads [a-1]
      > sync a a:0
        log group g is stable at generation 1
        write generation 1 a-1:0
        a: assigned 0
      > join b
        b: MEMBER_ID_REQUIRED (the member has to join again with the id in the answer) as b-1
      > join a
        log group g prepares to rebalance after generation 1: leader a-1 rejoined
      > leave b
        log group g reached generation 2: 1 members, assignor range, leader a-1
        a: joined generation 2 as a-1 with range, leads [a-1]
        leave: b-1 ok
    `,
      { initialRebalanceDelayMs: 0 },
    )
  })
})

describe('size', () => {
  it('rejects members beyond group.max.size', () => {
    behaves(
      `
      > join a version=3
        log group g prepares to rebalance after generation 0: member a-1 joined
      > join b version=3
      > join c version=3
        c: GROUP_MAX_SIZE_REACHED (the group is full (group.max.size=2)) as nobody
      > after 0
        log group g reached generation 1: 2 members, assignor range, leader a-1
        a: joined generation 1 as a-1 with range, leads [a-1 b-1]
        b: joined generation 1 as b-1 with range, follows a-1
      > sync b
      > sync a a:0 b:1
        log group g is stable at generation 1
        write generation 1 a-1:0 b-1:1
        a: assigned 0
        b: assigned 1
      > join c
        c: GROUP_MAX_SIZE_REACHED (the group is full (group.max.size=2)) as nobody
      > heartbeat a
        a: ok
    `,
      { maxSize: 2, initialRebalanceDelayMs: 0 },
    )
  })

  it('loses the last members to rejoin when the limit is below the size', () => {
    behaves(
      `
      > join a version=3 rebalance=7000
        log group g prepares to rebalance after generation 0: member a-1 joined
      > join b version=3 rebalance=7000
      > after 0
        log group g reached generation 1: 2 members, assignor range, leader a-1
        a: joined generation 1 as a-1 with range, leads [a-1 b-1]
        b: joined generation 1 as b-1 with range, follows a-1
      > sync b
      > sync a a:0 b:1
        log group g is stable at generation 1
        write generation 1 a-1:0 b-1:1
        a: assigned 0
        b: assigned 1
      > limit 1
      > join b topics=payments rebalance=7000
        log group g prepares to rebalance after generation 1: member b-1 changed its metadata
      > join a rebalance=7000
        a: GROUP_MAX_SIZE_REACHED (the group is full (group.max.size=1)) as nobody
        log group g reached generation 2: 1 members, assignor range, leader b-1
        b: joined generation 2 as b-1 with range, leads [b-1]
      > heartbeat a
        a: UNKNOWN_MEMBER_ID (rejected 0 ms ago: the group is full (group.max.size=1))
    `,
      { initialRebalanceDelayMs: 0 },
    )
  })
})

describe('commits', () => {
  it('are open to anyone while the group is empty, else only to its members', () => {
    behaves(
      `
      > commit generation=-1
        a simple consumer: ok
      > join a version=3
        log group g prepares to rebalance after generation 0: member a-1 joined
      > commit generation=-1
        a simple consumer: UNKNOWN_MEMBER_ID (the group is PreparingRebalance: only its members may commit)
      > after 0
        log group g reached generation 1: 1 members, assignor range, leader a-1
        a: joined generation 1 as a-1 with range, leads [a-1]
      > sync a a:0
        log group g is stable at generation 1
        write generation 1 a-1:0
        a: assigned 0
      > commit generation=-1
        a simple consumer: UNKNOWN_MEMBER_ID (the group is Stable: only its members may commit)
      > commit x
        x: UNKNOWN_MEMBER_ID (the group has no member x)
      > commit a generation=-1
        a: ILLEGAL_GENERATION (generation -1, the group is at 1)
      > commit a
        a: ok
    `,
      { initialRebalanceDelayMs: 0 },
    )
  })
})

describe('a write that fails', () => {
  it('voids the generation, so that the members rejoin', () => {
    behaves(
      `
      > join a version=3
        log group g prepares to rebalance after generation 0: member a-1 joined
      > join b version=3
      > after 0
        log group g reached generation 1: 2 members, assignor range, leader a-1
        a: joined generation 1 as a-1 with range, leads [a-1 b-1]
        b: joined generation 1 as b-1 with range, follows a-1
      > sync b
      > sync a a:0 b:1
        log group g is stable at generation 1
        write generation 1 a-1:0 b-1:1
        a: assigned 0
        b: assigned 1
      > write-failed
        log group g prepares to rebalance after generation 1: the assignment could not be written
      > heartbeat a
        a: REBALANCE_IN_PROGRESS (the group waits for its members to rejoin)
      > join a
      > join b
        log group g reached generation 2: 2 members, assignor range, leader a-1
        a: joined generation 2 as a-1 with range, leads [a-1 b-1]
        b: joined generation 2 as b-1 with range, follows a-1
    `,
      { initialRebalanceDelayMs: 0 },
    )
  })
})
