// What a drill supposes to be lost, and what has to hold without it.

export const scenarioIds = ['cluster-lost', 'topic-deleted', 'bucket-region-lost', 'key-lost', 'registry-lost'] as const

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
  'bucket-region-lost': {
    id: 'bucket-region-lost',
    title: 'The region of the bucket is lost',
    takenAway: 'The store that backups are written to. The drill does not open it.',
    hasToHold: 'A copy of it elsewhere has a whole backup, and that one restores.',
    needs: ['store', 'restore', 'read-back', 'positions'],
  },
  'key-lost': {
    id: 'key-lost',
    title: 'A key of the backups is lost',
    takenAway: 'Each of the identities, one after the other.',
    hasToHold: 'Without any one identity another one opens everything.',
    needs: ['keys', 'restore', 'read-back'],
  },
  'registry-lost': {
    id: 'registry-lost',
    title: 'The Schema Registry is lost',
    takenAway: 'The registry. Schemas come from the backup alone.',
    hasToHold: 'The backup has every schema that a restored value names, and values can be decoded with it.',
    needs: ['restore', 'read-back', 'schemas'],
  },
}
