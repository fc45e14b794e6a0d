// The broker without its sockets: the real dispatcher, handlers, logs, groups and metadata, fed with frames one by one.
import { inspect } from 'node:util'
import { ProtocolError } from '@selfmonitor/protocol'
import { handlers } from '../../packages/broker/src/api/handlers.ts'
import { makeManualClock } from '../../packages/broker/src/clock.ts'
import { nodeFs } from '../../packages/broker/src/log/index.ts'
import { openContext } from '../../packages/broker/src/open-context.ts'
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
  const broker = await openContext(
    {
      clusterId: 'AAECAwQFBgcICQoLDA0ODw',
      dataDir: dir,
      metadataDir: `${dir}/metadata`,
      logsDir: `${dir}/logs`,
      brokers: [{ brokerId: 1, host: '127.0.0.1', port: 9092 }],
      staticConfig: new Map(Object.entries(config)),
      fs: nodeFs,
      clock,
      logger,
    },
    [],
  )
  const { metadata, logs, groups } = broker
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
        // Handlers that wait for time, for records or for other members are left waiting, and time advances.
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
