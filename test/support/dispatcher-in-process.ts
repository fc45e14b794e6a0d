// The broker without its sockets: the real dispatcher, handlers, logs, groups and metadata, fed with frames one by one.
import { inspect } from 'node:util'
import { ProtocolError } from '@selfmonitor/protocol'
import { handlers } from '../../packages/broker/src/api/handlers.ts'
import type { BrokerContext } from '../../packages/broker/src/broker-context.ts'
import { makeManualClock } from '../../packages/broker/src/clock.ts'
import { createFetchState } from '../../packages/broker/src/fetch-sessions/state.ts'
import { groupConfigOf, openGroupCoordinator, topicGroupLog } from '../../packages/broker/src/group/index.ts'
import { openLogManager, toLogConfig } from '../../packages/broker/src/log/index.ts'
import { openMetadataStore } from '../../packages/broker/src/metadata/index.ts'
import { CloseConnection } from '../../packages/broker/src/request/handler.ts'
import { makeDispatcher, makeFaults, makeRequestLog } from '../../packages/broker/src/server/index.ts'

export interface DispatcherInProcess {
  readonly topicId: string
  /** Handles one request, as far as it gets without time passing. Never rejects: what must not happen is noted. */
  handle(frame: Buffer, shown: Buffer): Promise<void>
  readonly answered: number
  readonly refused: number
  /** Errors that no client may cause, with the frame that did. */
  readonly unexpected: readonly string[]
  close(): Promise<void>
}

export async function dispatcherInProcess(
  dir: string,
  topicName: string,
  config: Readonly<Record<string, string>>,
): Promise<DispatcherInProcess> {
  const clock = makeManualClock()
  const unexpected: string[] = []
  let underWay = ''
  const unwanted = (context: object, message: string) =>
    void unexpected.push(`${message}: ${inspect(context)} after ${underWay}`)
  const logger = { debug() {}, info() {}, warn() {}, error: unwanted }
  const metadata = await openMetadataStore({
    dir: `${dir}/metadata`,
    brokerIds: [1],
    staticConfig: new Map(Object.entries(config)),
    logger,
  })
  const logs = await openLogManager({
    dir: `${dir}/logs`,
    clock,
    logger,
    configOf: (topic) => toLogConfig(metadata.topic(topic)!.config),
    ownerOf: () => 'current',
  })
  const groups = await openGroupCoordinator({
    config: groupConfigOf(metadata.brokerConfig),
    clock,
    logger,
    log: topicGroupLog(metadata, logs),
    topic(name) {
      const topic = metadata.topic(name)
      return topic && { id: topic.id, partitions: topic.partitions.length }
    },
  })
  metadata.onChange((change) => {
    if (change.kind === 'topic-deleted') return logs.deleteTopic(change.topic.name, change.topic.id)
    if (change.kind === 'topic-config-changed') logs.configChanged(change.topic.name)
    return undefined
  })
  const brokers = [{ brokerId: 1, host: '127.0.0.1', port: 9092 }]
  const broker: BrokerContext = {
    clusterId: 'AAECAwQFBgcICQoLDA0ODw',
    dataDir: dir,
    clock,
    logger,
    config: metadata.brokerConfig,
    metadata,
    logs,
    groups,
    fetches: createFetchState(),
    brokers,
    coordinatorOf: () => brokers[0]!,
  }
  const { prepare } = makeDispatcher({ broker, handlers, faults: makeFaults(), requests: makeRequestLog() })
  const [topic] = await metadata.createTopics([{ name: topicName, assignments: [[1], [1], [1]], configs: new Map() }])
  let connection = 0
  let answered = 0
  let refused = 0

  function refuse(error: unknown): void {
    refused++
    if (error instanceof ProtocolError || error instanceof CloseConnection) return
    unexpected.push(`${inspect(error)} after ${underWay}`)
  }

  return {
    topicId: topic!.id,
    unexpected,
    get answered() {
      return answered
    },
    get refused() {
      return refused
    },

    async handle(frame, shown) {
      underWay = shown.toString('hex').slice(0, 2000)
      const ended = new AbortController()
      const peer = {
        brokerId: 1,
        clientHost: '/127.0.0.1',
        connection: { id: String(connection++), clientSoftwareName: '', clientSoftwareVersion: '' },
        signal: ended.signal,
      }
      try {
        const settled = prepare(frame, peer)
          .run()
          .then(() => void answered++, refuse)
        // Handlers that wait for time, for records or for other members are left waiting, and time goes on.
        if (await Promise.race([settled, patience()])) {
          ended.abort()
          clock.advance(1000)
        }
      } catch (error) {
        refuse(error)
      }
    },

    async close() {
      await groups.close()
      await logs.close()
      await metadata.close()
    },
  }
}

/** Usually longer than a write to disk takes; nothing depends on it. */
function patience(): Promise<true> {
  return new Promise((resolve) => setTimeout(resolve, 5, true))
}
