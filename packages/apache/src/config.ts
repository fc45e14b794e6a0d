// The configuration of one local node, as a pure function: the roles, ports and replication that fit 1 or 3 brokers.

import type { NodeLayout } from './types.ts'

/**
 * `server.properties` of one node that is broker and controller at once.
 *
 * The quorum is static (`controller.quorum.voters`) on purpose: its addresses are then read from this file at every
 * start, so that a data folder survives a change of ports, which a dynamic quorum (KIP-853) records on disk.
 */
export function serverProperties(
  node: NodeLayout,
  all: readonly NodeLayout[],
  extra: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const replicas = String(Math.min(3, all.length))
  const minIsr = all.length >= 3 ? '2' : '1'
  return {
    'process.roles': 'broker,controller',
    'node.id': String(node.nodeId),
    'controller.quorum.voters': all.map((n) => `${n.nodeId}@${n.host}:${n.controllerPort}`).join(','),
    listeners: `PLAINTEXT://${node.host}:${node.port},CONTROLLER://${node.host}:${node.controllerPort}`,
    'advertised.listeners': `PLAINTEXT://${node.host}:${node.port}`,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'log.dirs': `${node.dataDir}/data`,
    'offsets.topic.replication.factor': replicas,
    'transaction.state.log.replication.factor': replicas,
    'transaction.state.log.min.isr': minIsr,
    'share.coordinator.state.topic.replication.factor': replicas,
    'share.coordinator.state.topic.min.isr': minIsr,
    // As in Kafka's own server.properties for development: a first consumer does not wait three seconds.
    'group.initial.rebalance.delay.ms': '0',
    // The cleaner's default of 128 MB is half of a small heap, and its node ends with OutOfMemoryError while starting.
    'log.cleaner.dedupe.buffer.size': '16777216',
    ...extra,
  }
}

/** Text of a Java properties file. Backslashes (paths on Windows) are escaped. */
export function renderProperties(properties: Readonly<Record<string, string>>): string {
  return Object.entries(properties)
    .map(([key, value]) => `${key}=${value.replaceAll('\\', '\\\\')}\n`)
    .join('')
}
