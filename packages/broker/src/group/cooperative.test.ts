// Cooperative rebalancing (KIP-429) as a transcript. The protocol lives in the clients: they keep what they own while
// they rejoin, the leader first only takes away, and who had to give up a partition rejoins so that it can be handed on.
// The group's part is to carry both rounds, one after the other, without making anyone rejoin who need not.
import { describe, it } from 'vitest'
import { behaves } from './test-support/transcript.ts'

describe('two-phase revocation', () => {
  it('moves one partition from a to c in two generations, while b keeps its own throughout', () => {
    behaves(
      `
      > join a version=3 protocols=cooperative-sticky topics=owns-0-1
        log group g prepares to rebalance after generation 0: member a-1 joined
      > join b version=3 protocols=cooperative-sticky topics=owns-2
      > after 0
        log group g reached generation 1: 2 members, assignor cooperative-sticky, leader a-1
        a: joined generation 1 as a-1 with cooperative-sticky, leads [a-1 b-1]
        b: joined generation 1 as b-1 with cooperative-sticky, follows a-1
      > sync b
      > sync a a:0,1 b:2
        log group g is stable at generation 1
        write generation 1 a-1:0,1 b-1:2
        a: assigned 0,1
        b: assigned 2
      # c comes: everybody rejoins with what they own
      > join c version=3 protocols=cooperative-sticky topics=owns-none
        log group g prepares to rebalance after generation 1: member c-1 joined
      > heartbeat a
        a: REBALANCE_IN_PROGRESS (the group waits for its members to rejoin)
      > join a protocols=cooperative-sticky topics=owns-0-1
      > commit b
        b: ok
      > join b protocols=cooperative-sticky topics=owns-2
        log group g reached generation 2: 3 members, assignor cooperative-sticky, leader a-1
        a: joined generation 2 as a-1 with cooperative-sticky, leads [a-1 b-1 c-1]
        b: joined generation 2 as b-1 with cooperative-sticky, follows a-1
        c: joined generation 2 as c-1 with cooperative-sticky, follows a-1
      # first round: a loses partition 1, nobody has it yet
      > sync a a:0 b:2 c:
        log group g is stable at generation 2
        write generation 2 a-1:0 b-1:2 c-1:
        a: assigned 0
      > sync b
        b: assigned 2
      > sync c
        c: assigned nothing
      > commit a
        a: ok
      # a has revoked it and rejoins with its smaller claim
      > join a protocols=cooperative-sticky topics=owns-0
        log group g prepares to rebalance after generation 2: member a-1 changed its metadata
      > heartbeat b
        b: REBALANCE_IN_PROGRESS (the group waits for its members to rejoin)
      > heartbeat c
        c: REBALANCE_IN_PROGRESS (the group waits for its members to rejoin)
      > join c protocols=cooperative-sticky topics=owns-none
      > join b protocols=cooperative-sticky topics=owns-2
        log group g reached generation 3: 3 members, assignor cooperative-sticky, leader a-1
        a: joined generation 3 as a-1 with cooperative-sticky, leads [a-1 b-1 c-1]
        b: joined generation 3 as b-1 with cooperative-sticky, follows a-1
        c: joined generation 3 as c-1 with cooperative-sticky, follows a-1
      # second round: c gets it
      > sync c
      > sync b
      > sync a a:0 b:2 c:1
        log group g is stable at generation 3
        write generation 3 a-1:0 b-1:2 c-1:1
        a: assigned 0
        b: assigned 2
        c: assigned 1
      > heartbeat b
        b: ok
      > state
        Stable generation 3 [a-1, b-1, c-1], next deadline in 10000 ms
    `,
      { initialRebalanceDelayMs: 0 },
    )
  })

  it('starts the second round from a follower that revoked, because its metadata changed', () => {
    behaves(
      `
      > join a version=3 protocols=cooperative-sticky topics=owns-none
        log group g prepares to rebalance after generation 0: member a-1 joined
      > join b version=3 protocols=cooperative-sticky topics=owns-0-1
      > after 0
        log group g reached generation 1: 2 members, assignor cooperative-sticky, leader a-1
        a: joined generation 1 as a-1 with cooperative-sticky, leads [a-1 b-1]
        b: joined generation 1 as b-1 with cooperative-sticky, follows a-1
      > sync b
      > sync a a: b:0
        log group g is stable at generation 1
        write generation 1 a-1: b-1:0
        a: assigned nothing
        b: assigned 0
      > join b protocols=cooperative-sticky topics=owns-0
        log group g prepares to rebalance after generation 1: member b-1 changed its metadata
      > join a protocols=cooperative-sticky topics=owns-none
        log group g reached generation 2: 2 members, assignor cooperative-sticky, leader a-1
        a: joined generation 2 as a-1 with cooperative-sticky, leads [a-1 b-1]
        b: joined generation 2 as b-1 with cooperative-sticky, follows a-1
      > sync b
      > sync a a:1 b:0
        log group g is stable at generation 2
        write generation 2 a-1:1 b-1:0
        a: assigned 1
        b: assigned 0
    `,
      { initialRebalanceDelayMs: 0 },
    )
  })
})
