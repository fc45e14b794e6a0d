// The table of topic settings beside those that a broker describes, on both engines.
import { connectCluster } from '@selfmonitor/cluster'
import { expect, it } from 'vitest'
import { describeEngines } from '../../../test/support/engines.ts'
import { isKnownSetting } from './topic-settings.ts'

describeEngines('topic settings', (engine) => {
  it('that a broker describes are all known to a platform file', async () => {
    const cluster = connectCluster({ bootstrapServers: engine.bootstrapServers })
    const topic = `settings-${process.pid}-${engine.name}`
    try {
      await cluster.createTopics([{ name: topic, partitions: 1, replicationFactor: 1 }])
      const settings = (await cluster.topicConfigs([topic])).get(topic)!
      expect(settings.length).toBeGreaterThan(30)
      expect(settings.map(({ name }) => name).filter((name) => !isKnownSetting(name))).toEqual([])
    } finally {
      await cluster.deleteTopics([topic]).catch(() => {})
      await cluster.close()
    }
  })
})
