// The Apache Kafka that the alerts are proven on: three brokers, of which the first is the only controller, so that the metadata still
// changes when the other two are stopped. Each runs the JMX agent with the chart's rules. A listener with TLS, and the one that replicas
// fetch from, are reached through relays, so that a network can be cut. Broker 3 has a second log directory on a small disk of its own, where the machine allows it.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ApacheCluster, startApache } from '@selfmonitor/apache'
import { type Network, startCuttableRelay } from '../../support/cuttable-relay.ts'
import { fetchJmxAgent, jmxRules } from '../../support/jmx-agent.ts'
import { freePorts } from '../../support/ports.ts'
import { createAuthority } from '../../support/secure-apache.ts'
import { missingSmallDisk, mountSmallDisk, type SmallDisk } from '../../support/small-disk.ts'

const host = '127.0.0.1'
const nodeIds = [1, 2, 3] as const

export interface RealCluster {
  readonly kafka: ApacheCluster
  /** The listeners with TLS, through the relays. */
  readonly monitorServers: string
  /** Of the authority that issued the brokers' certificates. */
  readonly ca: string
  /** `host:port` of each JMX agent. */
  readonly jmxTargets: readonly string[]
  /** Between the listeners with TLS and who connects to them. */
  readonly monitorNetwork: Network
  /** Between broker 1 and the replicas that follow it. */
  readonly replicaNetwork: Network
  /** A PEM file with a key and a certificate of this many days, for `listener.name.monitor.ssl.keystore.location`. */
  certificateOf(days: number): Promise<string>
  /** Of broker 3; null where this machine does not let one be mounted. */
  readonly smallDisk: SmallDisk | null
  close(): Promise<void>
}

export async function startRealCluster(): Promise<RealCluster> {
  const folder = await mkdtemp(join(tmpdir(), 'selfmonitor-alerts-'))
  const cleanups: (() => Promise<void>)[] = [() => rm(folder, { recursive: true, force: true })]
  const close = async () => {
    for (const cleanup of cleanups.toReversed()) await cleanup()
  }
  try {
    const smallDisk = missingSmallDisk() === null ? await mountSmallDisk(join(folder, 'small-disk'), 48) : null
    if (smallDisk !== null) cleanups.push(() => smallDisk.unmount())
    const [controllerPort, ...others] = await freePorts(10)
    const monitorPorts = others.slice(0, 3)
    const replicaPorts = others.slice(3, 6)
    const jmxPorts = others.slice(6)
    const relays = await Promise.all(monitorPorts.map(startCuttableRelay))
    const replicaRelays = await Promise.all(replicaPorts.map(startCuttableRelay))
    cleanups.push(async () => void (await Promise.all([...relays, ...replicaRelays].map((relay) => relay.close()))))
    const agent = await fetchJmxAgent()
    const agentRules = join(folder, 'jmx.yaml')
    await writeFile(agentRules, await jmxRules())
    const ca = await createAuthority('Monitor CA', 365)
    await writeFile(join(folder, 'ca.pem'), ca.cert)
    const certificateOf = async (days: number) => {
      const { key, cert } = await ca.issue('kafka-broker', ['localhost'], [host], days)
      const path = join(folder, `broker-${days}-days-${process.hrtime.bigint()}.pem`)
      await writeFile(path, key + cert + ca.cert, { mode: 0o600 })
      return path
    }
    const keystore = await certificateOf(300)

    const kafka = await startApache({
      dataDir: join(folder, 'kafka'),
      brokers: 3,
      port: 0,
      heapMb: 320,
      jvmArguments: ({ nodeId }) => [`-javaagent:${agent}=${host}:${jmxPorts[nodeId - 1]}:${agentRules}`],
      config: ({ nodeId, port, dataDir }) => {
        const isController = nodeId === 1
        const at = nodeId - 1
        const plain = `PLAINTEXT://${host}:${port}`
        const listeners = `${plain},MONITOR://${host}:${monitorPorts[at]},REPLICATION://${host}:${replicaPorts[at]}`
        return {
          ...brokerSettings,
          'process.roles': isController ? 'broker,controller' : 'broker',
          'controller.quorum.voters': `1@${host}:${controllerPort}`,
          listeners: isController ? `${listeners},CONTROLLER://${host}:${controllerPort}` : listeners,
          'advertised.listeners': `${plain},MONITOR://${host}:${relays[at]!.port},REPLICATION://${host}:${replicaRelays[at]!.port}`,
          'listener.security.protocol.map':
            'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,MONITOR:SSL,REPLICATION:PLAINTEXT',
          'inter.broker.listener.name': 'REPLICATION',
          'listener.name.monitor.ssl.keystore.type': 'PEM',
          'listener.name.monitor.ssl.keystore.location': keystore,
          ...(nodeId === 3 && smallDisk !== null ? { 'log.dirs': `${dataDir}/data,${smallDisk.path}/data` } : {}),
        }
      },
    })
    cleanups.push(async () => {
      // Their data goes: none needs the controller to leave in order.
      await Promise.all(nodeIds.map((id) => kafka.stopNode(id, 'SIGKILL')))
      await kafka.close()
    })
    return {
      kafka,
      monitorServers: relays.map(({ port }) => `${host}:${port}`).join(','),
      ca: ca.cert,
      jmxTargets: jmxPorts.map((port) => `${host}:${port}`),
      monitorNetwork: {
        cut() {
          for (const relay of relays) relay.cut()
        },
        restore() {
          for (const relay of relays) relay.restore()
        },
      },
      replicaNetwork: replicaRelays[0]!,
      certificateOf,
      smallDisk,
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** Kafka's own decisions, made within seconds. */
const brokerSettings = {
  'broker.session.timeout.ms': '6000',
  'broker.heartbeat.interval.ms': '1000',
  'replica.lag.time.max.ms': '3000',
  'log.retention.check.interval.ms': '1000',
  'unclean.leader.election.interval.ms': '1000',
  'auto.create.topics.enable': 'false',
  'offsets.topic.num.partitions': '3',
  'transaction.state.log.num.partitions': '2',
} as const
