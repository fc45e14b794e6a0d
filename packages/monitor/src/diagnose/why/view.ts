// The evidence with what several rules ask of it, and how a reason is made.
import type { SurveyedMember } from '@selfmonitor/cluster'
import type { Evidence, Remedy } from '../types.ts'
import { evidence, shellWord } from '../words.ts'
import type { Certainty, EventEvidence, Reason, ReasonCode } from './types.ts'

/** The evidence with what several rules ask of it. */
export interface View extends EventEvidence {
  /** `orders[3]@17` */
  readonly place: string
  readonly committed: bigint | null
  /** The committed offset is past the record. */
  readonly passed: boolean
  readonly members: readonly SurveyedMember[]
  /** The member that has the partition. */
  readonly owner: SurveyedMember | undefined
  /** Whether a consumer can still be given the record. */
  readonly exists: boolean
  /** Between the first look and the last. */
  readonly observedMs: number
  /** Messages that the group has got through in the partition meanwhile. */
  readonly moved: bigint
  /** The same in the topic's other partitions. */
  readonly movedElsewhere: bigint
}

export function viewOf(given: EventEvidence): View {
  const [first, last] = [given.looks[0]!, given.looks.at(-1)!]
  const committed = last.committed.get(given.partition) ?? null
  const moves = [...last.committed].map(([partition, offset]) => ({
    partition,
    by: offset - (first.committed.get(partition) ?? offset),
  }))
  const members = given.group?.members ?? []
  return {
    ...given,
    place: `${given.topic}[${given.partition}]@${given.offset}`,
    committed,
    passed: committed !== null && committed > given.offset,
    members,
    owner: members.find(({ assignment }) =>
      assignment.some(({ topic, partitions }) => topic === given.topic && partitions.includes(given.partition)),
    ),
    exists: given.record.kind === 'there' || given.record.kind === 'open' || given.record.kind === 'unreadable',
    observedMs: last.atMs - first.atMs,
    moved: moves.find(({ partition }) => partition === given.partition)?.by ?? 0n,
    movedElsewhere: moves
      .filter(({ partition }) => partition !== given.partition)
      .reduce((sum, { by }) => sum + (by > 0n ? by : 0n), 0n),
  }
}

export type Rule = (view: View) => Reason | null

export function reason(
  code: ReasonCode,
  certainty: Certainty,
  message: string,
  facts: readonly Evidence[],
  remedy: Remedy,
  heading = 'a-consumer-group-lags',
): Reason {
  return { code, certainty, message, evidence: facts, remedy, runbook: `docs/runbooks/kafka-operations.md#${heading}` }
}

export const describeGroup = ({ groupId }: View): string => `selfmonitor groups describe ${shellWord(groupId)}`

export const committedFact = ({ committed, groupId, offsetsProblem }: View): Evidence =>
  offsetsProblem !== null
    ? evidence('committed', null, `the committed offset could not be read: ${offsetsProblem.message}`)
    : committed === null
      ? evidence('committed', null, `${groupId} has committed nothing for the partition`)
      : evidence('committed', committed, `${groupId} has committed ${committed}`)
