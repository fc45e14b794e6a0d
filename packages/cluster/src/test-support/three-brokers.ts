// An embedded broker that presents itself as three, with the topic `orders` of 60 partitions, for the tests of one file.
import { type Broker, startBroker } from '@selfmonitor/broker'
import { afterAll, afterEach, beforeAll } from 'vitest'
import { connectCluster } from '../cluster.ts'
import type { Cluster } from '../types.ts'

export interface ThreeBrokers {
  readonly broker: Broker
  readonly cluster: Cluster
  /** The requests of one API that were sent in this test. */
  requests(api: string): ReturnType<Broker['requests']['list']>
}

/** Call it in `describe`; what it returns may be used once the tests run. */
export function useThreeBrokers(): ThreeBrokers {
  let broker: Broker
  let cluster: Cluster
  beforeAll(async () => {
    broker = await startBroker({ brokers: 3 })
    cluster = connectCluster({ bootstrapServers: broker.bootstrapServers, timeoutMs: 5_000 })
    await cluster.createTopics([{ name: 'orders', partitions: 60, replicationFactor: 1 }])
  })
  afterAll(async () => {
    await cluster?.close()
    await broker?.close()
  })
  afterEach(() => {
    broker.faults.clear()
    broker.requests.clear()
  })
  return {
    get broker() {
      return broker
    },
    get cluster() {
      return cluster
    },
    requests: (api) => broker.requests.list().filter((entry) => entry.api === api),
  }
}
