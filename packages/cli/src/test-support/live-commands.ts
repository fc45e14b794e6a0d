// The commands against a live cluster, in this process: a registry of ours on top of the engine, and a folder of their own.
import { type Cluster, connectCluster } from '@selfmonitor/cluster'
import { createRegistryClient, type RegistryClient, type RegistryServer, startRegistry } from '@selfmonitor/registry'
import { afterAll, beforeAll } from 'vitest'
import type { EngineUnderTest } from '../../../../test/support/engines.ts'
import { type RunResult, selfmonitor, temporaryFolder } from '../test-io.ts'

/** `registry` and what follows are there once the suite's tests run. */
export interface LiveCommands {
  /** In the names of everything that this run creates: Apache Kafka is shared with other test files. */
  readonly id: string
  readonly folder: { readonly path: string }
  readonly registry: RegistryServer
  readonly registryClient: RegistryClient
  readonly cluster: Cluster
  /** Variables with which the commands find the cluster and the registry. */
  readonly env: Readonly<Record<string, string>>
  cli(...words: string[]): Promise<RunResult>
}

/** To be called in a suite. Afterwards the topics are deleted whose names have the id. @param prefix of the id */
export function liveCommands(engine: EngineUnderTest, prefix: string): LiveCommands {
  const id = `${prefix}${Date.now().toString(36)}`
  const folder = temporaryFolder()
  let registry: RegistryServer | undefined
  let cluster: Cluster | undefined

  beforeAll(async () => {
    registry = await startRegistry({ bootstrapServers: engine.bootstrapServers, port: 0, topic: `_schemas-${id}` })
    cluster = connectCluster({ bootstrapServers: engine.bootstrapServers })
  })
  afterAll(async () => {
    const mine = (await cluster!.listTopics({ internal: true })).filter(({ name }) => name.includes(id))
    await registry?.close()
    if (mine.length > 0) await cluster!.deleteTopics(mine.map(({ name }) => name))
    await cluster?.close()
    folder.remove()
  })

  const live: LiveCommands = {
    id,
    folder,
    get registry() {
      return registry!
    },
    get registryClient() {
      return createRegistryClient({ url: registry!.url })
    },
    get cluster() {
      return cluster!
    },
    get env() {
      return { KAFKA_BOOTSTRAP_SERVERS: engine.bootstrapServers, SCHEMA_REGISTRY_URL: registry!.url }
    },
    cli: (...words) => selfmonitor(words, { cwd: folder.path, env: live.env }),
  }
  return live
}
