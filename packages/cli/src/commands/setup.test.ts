// `selfmonitor setup` as Compose and Kubernetes run it: several files, a registry that comes late, again and again.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Cluster, connectCluster } from '@selfmonitor/cluster'
import { type RegistryServer, startRegistry } from '@selfmonitor/registry'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeEngines } from '../../../../test/support/engines.ts'
import { type RunResult, selfmonitor, temporaryFolder } from '../test-io.ts'

describeEngines('selfmonitor setup', (engine) => {
  const folder = temporaryFolder()
  /** Names of this run: Apache Kafka is shared with other test files. */
  const id = `setup${Date.now().toString(36)}`
  let cluster: Cluster
  const registries: RegistryServer[] = []
  const nobody = 'http://127.0.0.1:1'
  const setup = (registryUrl: string, ...words: string[]): Promise<RunResult> =>
    selfmonitor(['setup', '--wait', '20s', ...words], {
      cwd: folder.path,
      env: { KAFKA_BOOTSTRAP_SERVERS: engine.bootstrapServers, SCHEMA_REGISTRY_URL: registryUrl },
    })

  beforeAll(() => {
    cluster = connectCluster({ bootstrapServers: engine.bootstrapServers })
    const write = (name: string, text: string): void => writeFileSync(join(folder.path, name), text)
    const topic = (name: string, more = ''): string => `  ${id}.${name}: { partitions: 2, replication: 1${more} }\n`
    write('infrastructure.yaml', `version: 1\ntopics:\n${topic('offsets')}`)
    write(
      'platform.yaml',
      `version: 1\nenvironments: { development: {}, staging: {} }\ntopics:\n${topic('events', ', schema: e.avsc')}`,
    )
    write('mistaken.yaml', `version: 1\ntopics:\n  ${id}.no: { partitons: 2 }\n`)
    write('e.avsc', '{ "type": "record", "name": "Event", "fields": [{ "name": "id", "type": "string" }] }')
  })
  afterAll(async () => {
    for (const registry of registries) await registry.close()
    const mine = (await cluster.listTopics({ internal: true })).filter(({ name }) => name.includes(id))
    if (mine.length > 0) await cluster.deleteTopics(mine.map(({ name }) => name))
    await cluster.close()
    folder.remove()
  })
  const topics = async (): Promise<string[]> =>
    (await cluster.listTopics()).map(({ name }) => name).filter((name) => name.startsWith(`${id}.`))

  it('finds a mistake in the last file before it changes anything', async () => {
    expect(await setup(nobody, '-f', 'infrastructure.yaml', '-f', 'mistaken.yaml')).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/mistaken\.yaml:3:\d+ .*partitons/),
    })
    expect(await topics()).toEqual([])
  })

  it('applies a file without schemas while there is no registry, and then says which one it waits for', async () => {
    const both = await setup(nobody, '--wait', '300ms', '-f', 'infrastructure.yaml', '-f', 'platform.yaml')
    expect(both).toMatchObject({
      code: 4,
      stdout: 'infrastructure.yaml: 1 topic, 0 schemas: 1 change (development)\n',
      stderr: expect.stringMatching(
        /✔ Kafka[\s\S]*✘ cluster[\s\S]*the registry at http:\/\/127\.0\.0\.1:1 has not come up within/,
      ),
    })
    expect(await topics()).toEqual([`${id}.offsets`])
  })

  it('lets a topic have more partitions than the file says, and says what to write there', async () => {
    await cluster.createPartitions([{ topic: `${id}.offsets`, partitions: 4 }])
    expect(await setup(nobody, '-f', 'infrastructure.yaml')).toMatchObject({
      code: 0,
      stdout: '1 topic, 0 schemas: nothing to change (development)\n',
      stderr: expect.stringContaining(`${id}.offsets has 4 partitions on the cluster, and the file says 2`),
    })
  })

  it('goes on from there when it is run again, and then has nothing to do', async () => {
    const registry = await startRegistry({
      bootstrapServers: engine.bootstrapServers,
      port: 0,
      topic: `_schemas-${id}`,
    })
    registries.push(registry)
    const files = ['-f', 'infrastructure.yaml', '-f', 'platform.yaml']
    expect(await setup(registry.url, ...files)).toMatchObject({
      code: 0,
      stdout:
        'infrastructure.yaml: 1 topic, 0 schemas: nothing to change (development)\n' +
        'platform.yaml: 1 topic, 1 schema: 2 changes (development)\n',
    })
    expect(JSON.parse((await setup(registry.url, ...files, '-o', 'json')).stdout)).toEqual({
      environment: 'development',
      applied: [],
      failed: null,
      notApplied: [],
    })
    expect(await topics()).toEqual([`${id}.events`, `${id}.offsets`])
  })

  it('needs a yes outside of development, if there is something to change', async () => {
    const url = registries[0]!.url
    await cluster.deleteTopics([`${id}.events`])
    expect(await setup(url, '--env', 'staging')).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('Pass --yes'),
    })
    expect(await setup(url, '--env', 'staging', '--yes')).toMatchObject({
      code: 0,
      stdout: '1 topic, 1 schema: 1 change (staging)\n',
    })
    expect(await setup(url, '--env', 'staging')).toMatchObject({ code: 0 })
  })
})
