// Without an address, and without a platform of this project, a command finds what listens on the default port: it may be another
// project's.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Broker, startBroker } from '@selfmonitor/broker'
import { type Cluster, connectCluster } from '@selfmonitor/cluster'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { defaults } from './framework/settings.ts'
import { type RunResult, selfmonitor, temporaryFolder } from './test-io.ts'

describe('the default address', () => {
  const folder = temporaryFolder()
  const data = temporaryFolder()
  const original = { ...defaults }
  let broker: Broker
  let cluster: Cluster
  const cli = (words: string[], env: Record<string, string> = {}): Promise<RunResult> =>
    selfmonitor([...words, '--timeout', '5s'], { cwd: folder.path, env })
  const topics = async (): Promise<string[]> => (await cluster.listTopics()).map(({ name }) => name)

  beforeAll(async () => {
    broker = await startBroker({ dataDir: join(data.path, 'embedded') })
    cluster = connectCluster({ bootstrapServers: broker.bootstrapServers })
    // A port that is free for this test takes the place of 9092; no registry listens on 1.
    Object.assign(defaults, { kafkaPort: Number(broker.bootstrapServers.split(':').at(-1)), registryPort: 1 })
    writeFileSync(
      join(folder.path, 'platform.yaml'),
      'version: 1\ntopics:\n  orders: { partitions: 1, replication: 1 }\n',
    )
  })
  afterAll(async () => {
    Object.assign(defaults, original)
    await cluster.close()
    await broker.close()
    folder.remove()
    data.remove()
  })
  const isDefault = (address = broker.bootstrapServers): string =>
    `Kafka ${address} is the default, not a platform of this project; --bootstrap-servers names another.\n`

  it('is read from, and said once', async () => {
    expect(await cli(['topics', 'list', '-o', 'json'])).toEqual({ code: 0, stdout: '[]\n', stderr: isDefault() })
    const named = { KAFKA_BOOTSTRAP_SERVERS: broker.bootstrapServers }
    expect(await cli(['topics', 'list', '-o', 'json'], named)).toMatchObject({ stderr: '' })
    expect((await cli(['status'])).stderr).toMatch(/Kafka .* is the default.*\nRegistry .*:1 is the default/)
  })

  it('is not changed without a yes, in development either', async () => {
    for (const words of [['setup'], ['topics', 'create', 'orders'], ['events', 'emit', 'orders', '--data', '{}']]) {
      const { code, stderr } = await cli(words)
      expect({ code, stderr }, words.join(' ')).toEqual({
        code: 2,
        stderr: expect.stringMatching(
          / at 127\.0\.0\.1:\d+, the default, not a platform of this project: this needs confirmation.*\n +Pass --yes/,
        ),
      })
      expect(stderr.split(isDefault())).toHaveLength(2)
    }
    expect(await topics()).toEqual([])
    expect(await cli(['setup', '--yes'])).toMatchObject({ code: 0, stderr: expect.stringContaining(isDefault()) })
    expect(await topics()).toEqual(['orders'])
  })

  it('is not blamed for an address that a variable or an option set', async () => {
    const words = ['events', 'emit', 'orders', '--data', '{}']
    const variable = await cli(words, { KAFKA_BOOTSTRAP_SERVERS: '127.0.0.1:1' })
    expect(variable.stderr).toMatch(
      /at 127\.0\.0\.1:1, from KAFKA_BOOTSTRAP_SERVERS .*or set KAFKA_BOOTSTRAP_SERVERS to/,
    )
    const option = await cli([...words, '--bootstrap-servers', '127.0.0.1:1'])
    expect(option.stderr).toMatch(/at 127\.0\.0\.1:1, from --bootstrap-servers .*or set --bootstrap-servers to/)
  })

  it('is changed as before when it is named', async () => {
    await cluster.deleteTopics(['orders'])
    const { code, stderr } = await cli(['setup'], { KAFKA_BOOTSTRAP_SERVERS: broker.bootstrapServers })
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.not.stringContaining('default') })
    expect(await topics()).toEqual(['orders'])
  })
})
