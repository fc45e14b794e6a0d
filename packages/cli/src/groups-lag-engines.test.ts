// `selfmonitor groups lag` against a live cluster.
import { Kafka, logLevel } from 'kafkajs'
import { expect, it } from 'vitest'
import { describeEngines } from '../../../test/support/engines.ts'
import { selfmonitor } from './test-io.ts'
import { liveCommands } from './test-support/live-commands.ts'

describeEngines('the lag of groups', (engine) => {
  const live = liveCommands(engine, 'clilag')
  const { id, cli } = live

  it('is told in messages and seconds, for topics and partitions, once and while watching', async () => {
    const [topic, group] = [`${id}.orders`, `${id}-billing`]
    await live.cluster.createTopics([
      { name: topic, partitions: 2, replicationFactor: 1, config: { 'retention.ms': '-1' } },
    ])
    const producer = new Kafka({ brokers: engine.bootstrapServers.split(','), logLevel: logLevel.NOTHING }).producer()
    await producer.connect()
    const old = String(Date.now() - 3_605_000)
    await producer.send({
      topic,
      messages: Array.from({ length: 10 }, (_, n) => ({ value: 'x', partition: n % 2, timestamp: old })),
    })
    await producer.disconnect()
    await live.cluster.commitOffsets(group, [
      { topic, partition: 0, to: 2n },
      { topic, partition: 1, to: 5n },
    ])
    const rows = JSON.parse((await cli('groups', 'lag', group, '--interval', '1s', '-o', 'json')).stdout)
    expect(rows).toMatchObject([
      {
        group,
        topic,
        partition: null,
        messages: '3',
        inPerSecond: 0,
        outPerSecond: 0,
        catchUpSeconds: 'never',
        members: 0,
      },
    ])
    expect(rows[0].seconds).toBeGreaterThanOrEqual(3_600)
    expect((await cli('groups', 'lag', group, '--partitions', '--interval', '1s')).stdout).toMatch(
      /^GROUP +TOPIC +LAG +BEHIND +IN\/s +OUT\/s +CATCH UP +STATE\n\S+ +\S+orders\[0\] +3 +1h \d+s +0\.0 +0\.0 +never +no members\n$/,
    )
    const controller = new AbortController()
    let looks = 0
    const watched = await selfmonitor(['groups', 'lag', group, '--watch', '--interval', '1s'], {
      env: live.env,
      signal: controller.signal,
      onOutput: () => ++looks === 2 && controller.abort(),
    })
    expect(watched).toMatchObject({ code: 0, stderr: '' })
    expect(watched.stdout).toMatch(
      new RegExp(`^\\S+Z {2}${group} {2}${topic} {2}lag=3 {2}behind=36\\d\\d\\.\\ds {2}in=unknown/s`),
    )
    expect((await cli('groups', 'lag', `${group}x`)).stderr).toContain(`Did you mean ${group}?`)
  })
})
