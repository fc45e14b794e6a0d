// What a drill supposes to be lost, and what has to hold without it.

export const scenarioIds = ['cluster-lost', 'topic-deleted'] as const

export type ScenarioId = (typeof scenarioIds)[number]

export interface Scenario {
  readonly id: ScenarioId
  readonly title: string
  readonly takenAway: string
  readonly hasToHold: string
  /** Checks that have to pass, none of them skipped. */
  readonly needs: readonly string[]
}

export const scenarios: Readonly<Record<ScenarioId, Scenario>> = {
  'cluster-lost': {
    id: 'cluster-lost',
    title: 'The cluster is lost',
    takenAway: 'All brokers of the source with their disks. Nothing of what is restored comes from them.',
    hasToHold: 'The newest backup restores into another cluster, and every group continues where it was.',
    needs: ['store', 'restore', 'read-back', 'positions'],
  },
  'topic-deleted': {
    id: 'topic-deleted',
    title: 'A topic was deleted',
    takenAway: 'One topic with its records and the positions of its groups.',
    hasToHold: 'The backup has the topic, and it restores without the others.',
    needs: ['restore', 'read-back', 'positions'],
  },
}
