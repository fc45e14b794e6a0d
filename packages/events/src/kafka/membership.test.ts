import { describe, expect, it } from 'vitest'
import {
  afterError,
  differenceTo,
  type Membership,
  noMembership,
  withGeneration,
  withoutPartitions,
  withPartitions,
} from './membership.ts'

const partitions = (...numbers: readonly number[]) => numbers.map((partition) => ({ topic: 't', partition }))

const member: Membership = {
  memberId: 'm-1',
  generation: 3,
  owned: partitions(0, 1),
  leading: true,
  joined: true,
}

describe('a membership', () => {
  it('takes over and gives up only what an assignment changes', () => {
    const joined = withGeneration(noMembership, { memberId: 'm-1', generation: 1, leading: false })
    expect(differenceTo(joined, partitions(0, 1))).toEqual({ added: partitions(0, 1), revoked: [] })
    const owning = withPartitions(joined, partitions(0, 1))
    expect(differenceTo(owning, partitions(1, 2))).toEqual({ added: partitions(2), revoked: partitions(0) })
    expect(withoutPartitions(owning, partitions(0)).owned).toEqual(partitions(1))
  })

  it('joins again under the id that the coordinator gave it', () => {
    const { membership, lost } = afterError(noMembership, 'MEMBER_ID_REQUIRED', 'm-7')
    expect([membership, lost]).toEqual([{ ...noMembership, memberId: 'm-7' }, []])
  })

  it('loses its partitions when the coordinator does not know it, and joins as a new member', () => {
    const { membership, lost } = afterError(member, 'UNKNOWN_MEMBER_ID', '')
    expect(lost).toEqual(member.owned)
    expect(membership).toMatchObject({ memberId: '', generation: -1, owned: [], joined: false })
  })

  it('loses its partitions and keeps its name when the group has a newer generation', () => {
    const { membership, lost } = afterError(member, 'ILLEGAL_GENERATION', '')
    expect(lost).toEqual(member.owned)
    expect(membership).toMatchObject({ memberId: 'm-1', generation: -1, owned: [], joined: false })
  })

  it('loses its partitions and keeps its name when another member has its instance id', () => {
    const { membership, lost } = afterError(member, 'FENCED_INSTANCE_ID', '')
    expect(lost).toEqual(member.owned)
    expect(membership).toMatchObject({ memberId: 'm-1', owned: [], joined: false })
  })

  it.each(['REBALANCE_IN_PROGRESS', 'NOT_COORDINATOR', null])('does not change after %s', (error) => {
    expect(afterError(member, error, '')).toEqual({ membership: member, lost: [] })
  })
})
