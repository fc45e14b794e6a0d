import type { Cluster, TopicInfo } from '@selfmonitor/cluster'
import { describe, expect, it } from 'vitest'
import { viewTopics } from './topic-view.ts'

const topic = (leader: number): TopicInfo => ({
  name: 'orders',
  id: 'AAAAAAAAAAAAAAAAAAAAAA',
  internal: false,
  partitions: [
    { partition: 0, leader: 1, replicas: [1], isr: [1], offlineReplicas: [] },
    { partition: 1, leader, replicas: [2], isr: [2], offlineReplicas: [] },
  ],
})

/** A cluster that says first that broker 2 leads partition 1, and knows at the second look that nobody does. */
function dyingBroker(): Cluster {
  return {
    listTopics: async () => [topic(-1)],
    topicConfigs: async () => new Map(),
    logDirs: async () => [],
    listOffsets: async (partitions: readonly { topic: string; partition: number }[], when: string) => {
      if (partitions.some(({ partition }) => partition === 1)) {
        throw Object.assign(new Error('no leader'), { code: 'LEADER_NOT_AVAILABLE' })
      }
      return partitions.map((place) => ({ ...place, offset: when === 'latest' ? 5n : 0n }))
    },
  } as unknown as Cluster
}

describe('topics while a broker dies', () => {
  it('are shown, the partition that has just lost its leader without offsets', async () => {
    const [view] = await viewTopics(dyingBroker(), [topic(2)])
    expect(view!.partitions.map(({ leader, latestOffset }) => [leader, latestOffset])).toEqual([
      [1, 5n],
      [-1, null],
    ])
    expect(view!.records).toBe(5n)
    // The last replica in sync is still listed as such, and nobody can read or write the partition.
    expect(view).toMatchObject({ offline: 1, underReplicated: 0 })
  })
})
