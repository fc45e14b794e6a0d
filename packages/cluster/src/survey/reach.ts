// Whether each broker answers where it says it is: a connection of its own, as a client that has only just read the metadata makes.

import { TLSSocket } from 'node:tls'
import type { Connection } from '@platformatic/kafka'
import { mapConcurrently } from '../batch.ts'
import { problemOf } from '../problem.ts'
import type { BrokerReach, ClusterSurvey } from '../survey-types.ts'
import { createConnections } from '../transport/connections.ts'
import { defaultTimeoutMs, type Transport } from '../transport/transport.ts'
import type { BrokerInfo, ClusterOptions } from '../types.ts'

const concurrency = 8

export const reachBrokers =
  (transport: Transport, options: ClusterOptions): ClusterSurvey['reachBrokers'] =>
  () =>
    transport.operation('reachBrokers', async () => {
      const { brokers } = await transport.refresh()
      return mapConcurrently(brokers, concurrency, (broker) => reach(transport, options, broker))
    })

async function reach(
  transport: Transport,
  options: ClusterOptions,
  { id, host, port }: BrokerInfo,
): Promise<BrokerReach> {
  const connections = createConnections(options, [], options.timeoutMs ?? defaultTimeoutMs, transport.countRequest)
  const startedAt = performance.now()
  const where = { brokerId: id, host, port }
  try {
    const connection = await connections.open({ host, port })
    const offered = await connections.versions(connection)
    return {
      ...where,
      problem: null,
      tookMs: performance.now() - startedAt,
      apiVersions: new Map([...offered].map(([key, { max }]) => [key, max])),
      certificate: certificateOf(connection),
    }
  } catch (error) {
    const tookMs = performance.now() - startedAt
    return { ...where, problem: problemOf(error), tookMs, apiVersions: null, certificate: null }
  } finally {
    await connections.close()
  }
}

function certificateOf({ socket }: Connection): BrokerReach['certificate'] {
  if (!(socket instanceof TLSSocket)) return null
  const { subject, valid_to } = socket.getPeerCertificate()
  if (valid_to === undefined) return null
  const name = Object.entries(subject ?? {}).map(([key, value]) => `${key}=${[value].flat().join('+')}`)
  return { subject: name.join(','), notAfterMs: Date.parse(valid_to) }
}
