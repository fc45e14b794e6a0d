// What a member commits for a topic that is deleted and created again, when it has not noticed: the new topic has no such offset.
import { expect, it } from 'vitest'
import { describeEngines } from '../../../../test/support/engines.ts'
import { until, useEvents } from '../../../../test/support/events.ts'
import { createProblems } from '../problems.ts'
import { createKafkaClient } from './client.ts'
import { createGroupMember } from './group-member.ts'

const logger = { debug() {}, info() {}, warn() {}, error() {} }

describeEngines('a commit', (engine) => {
  const rig = useEvents(engine)

  it('for a topic that was created again meanwhile is refused, and leaves the new one without an offset', {
    timeout: 60_000,
  }, async () => {
    const topic = await rig.topic('user.events', { partitions: 1 })
    const other = await rig.topic('user.events', { partitions: 1 })
    const client = createKafkaClient({
      bootstrapServers: engine.bootstrapServers,
      clientId: 'commits',
      requestTimeoutMs: 30_000,
    })
    const member = createGroupMember({
      joinClient: client,
      client,
      group: rig.unique('commits'),
      groupInstanceId: null,
      topics: [topic, other],
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 10_000,
      logger,
      problems: createProblems(logger),
      assigned: async () => {},
      revoked: async () => {},
      lost() {},
    })
    try {
      await member.start()
      const idOf = async (name: string) => (await client.metadata([name])).get(name)?.id ?? ''
      const [before, idOfOther] = [await idOf(topic), await idOf(other)]
      const at = { topic, partition: 0, offset: 100n, leaderEpoch: 0 }
      expect(await member.commit([{ ...at, topicId: before }])).toEqual([{ topic, partition: 0, error: null }])
      expect(await member.committedOffsets([at])).toEqual([{ offset: 100n, leaderEpoch: 0 }])

      await rig.cluster.deleteTopics([topic])
      await until('the topic is gone', async () => (await idOf(topic)) === '')
      await rig.cluster.createTopics([{ name: topic, partitions: 1, replicationFactor: 1 }])
      await until('another has its name', async () => !['', before].includes(await idOf(topic)))
      await until('its offset is gone', async () => (await member.committedOffsets([at]))[0] === null)

      const both = [
        { ...at, topicId: before },
        { topic: other, partition: 0, offset: 7n, leaderEpoch: -1, topicId: idOfOther },
      ]
      expect(await member.commit(both)).toEqual([
        { topic, partition: 0, error: 'UNKNOWN_TOPIC_ID' },
        { topic: other, partition: 0, error: null },
      ])
      expect(await member.committedOffsets(both)).toEqual([null, { offset: 7n, leaderEpoch: -1 }])
      expect(await member.commit([{ ...at, offset: 3n, topicId: await idOf(topic) }])).toMatchObject([{ error: null }])
      expect(await member.committedOffsets([at])).toEqual([{ offset: 3n, leaderEpoch: 0 }])
    } finally {
      await member.leave()
      await client.close()
    }
  })
})
