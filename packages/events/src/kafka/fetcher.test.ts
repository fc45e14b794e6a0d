import { afterEach, describe, expect, it } from 'vitest'
import { until } from '../../../../test/support/events.ts'
import { createProblems } from '../problems.ts'
import { createFetcher, type Fetcher } from './fetcher.ts'
import { scriptedCluster } from './test-support/scripted-cluster.ts'

const logger = { debug() {}, info() {}, warn() {}, error() {} }

describe('the fetcher', () => {
  let fetcher: Fetcher
  afterEach(() => fetcher.close())

  it('serves all partitions in turn when more of them are full than fit into a response', async () => {
    const partitions = 40
    const cluster = scriptedCluster('t', partitions)
    // Every partition always has more than an answer takes of it: an answer holds eight of them.
    const value = Buffer.alloc(1024 * 1024)
    for (const log of cluster.partitions) for (let i = 0; i < 8; i++) log.append(value)
    const positions = Array<bigint>(partitions).fill(0n)
    const rounds = 15
    fetcher = createFetcher({
      client: cluster.client,
      logger,
      problems: createProblems(logger),
      position: ({ partition }) =>
        cluster.fetches.length >= rounds ? null : { offset: positions[partition]!, leaderEpoch: -1 },
      deliver({ partition }, { next }) {
        positions[partition] = next
      },
      misplaced: () => {},
    })
    for (let partition = 0; partition < partitions; partition++) fetcher.add({ topic: 't', partition }, cluster.topicId)
    await until('the answers', () => cluster.fetches.length >= rounds && positions.reduce((a, b) => a + b) === 120n)
    // Fifteen answers of eight partitions each are three turns for each of forty.
    expect(positions).toEqual(Array(partitions).fill(3n))
  })
})
