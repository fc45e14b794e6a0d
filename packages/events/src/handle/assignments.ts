// The partitions that are this member's, each with the signal of its handlers.
import { nameOf, type TopicPartition } from '../kafka/index.ts'

/** One assignment of a partition; the next one of the same partition is another object. */
export interface Assignment extends TopicPartition {
  /** Aborted when the results of its handlers no longer count. */
  readonly handlers: AbortController
}

/** By `nameOf`. */
export type Assignments = Map<string, Assignment>

export function addAssignment(assignments: Assignments, { topic, partition }: TopicPartition): void {
  assignments.set(nameOf({ topic, partition }), { topic, partition, handlers: new AbortController() })
}

export function assignmentOf(assignments: Assignments, partition: TopicPartition): Assignment | undefined {
  return assignments.get(nameOf(partition))
}

/** @returns what it was; undefined when it was not assigned */
export function removeAssignment(assignments: Assignments, partition: TopicPartition): Assignment | undefined {
  const assignment = assignmentOf(assignments, partition)
  assignments.delete(nameOf(partition))
  return assignment
}

/** @returns whether the partition is still assigned, and by the same assignment as now */
export function ownership(assignments: Assignments, partition: TopicPartition, stopping: AbortSignal): () => boolean {
  const assignment = assignmentOf(assignments, partition)
  return () => !stopping.aborted && assignment !== undefined && assignmentOf(assignments, partition) === assignment
}
