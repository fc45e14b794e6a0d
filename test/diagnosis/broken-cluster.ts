// The Apache Kafka that is broken: three brokers, each a voter of the quorum too. Clients reach each broker, and its followers reach
// broker 1, through relays that can be cut. Broker 3 has a second log directory on a small disk of its own, where the machine allows it.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ApacheCluster, fetchDistribution, runTool, startApache, type ToolName } from '@selfmonitor/apache'
import type { Remedy } from '@selfmonitor/monitor'
import { type Network, startCuttableRelay } from '../support/cuttable-relay.ts'
import { freePorts } from '../support/ports.ts'
import { missingSmallDisk, mountSmallDisk, type SmallDisk } from '../support/small-disk.ts'

const host = '127.0.0.1'

export interface BrokenCluster {
  readonly kafka: ApacheCluster
  /** Of the brokers, as they advertise it. */
  readonly bootstrapServers: string
  /** A folder for the test's own files. */
  readonly folder: string
  /** Between clients and each broker, the first is broker 1's. */
  readonly clientNetworks: readonly Network[]
  /** Between broker 1 and the replicas that follow it. */
  readonly replicaNetwork: Network
  /** Of broker 3; null where this machine does not let one be mounted. */
  readonly smallDisk: SmallDisk | null
  /** The address that a broker's clients are given when it starts the next time; null is the right one. */
  advertise(nodeId: number, address: string | null): Promise<void>
  /** Runs the command of a verdict as it is, with Kafka's own tools. @returns its output */
  type(remedy: Remedy): Promise<string>
  close(): Promise<void>
}

export async function startBrokenCluster(): Promise<BrokenCluster> {
  const folder = await mkdtemp(join(tmpdir(), 'selfmonitor-diagnosis-'))
  const cleanups: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true, force: true })]
  const close = async () => {
    for (const cleanup of cleanups.toReversed()) await cleanup()
  }
  try {
    const smallDisk = missingSmallDisk() === null ? await mountSmallDisk(join(folder, 'small-disk'), 48) : null
    if (smallDisk !== null) cleanups.push(() => smallDisk.unmount())
    const ports = await freePorts(6)
    const clientPorts = ports.slice(0, 3)
    const replicaPorts = ports.slice(3)
    const clientRelays = await Promise.all(clientPorts.map(startCuttableRelay))
    const replicaRelay = await startCuttableRelay(replicaPorts[0]!)
    cleanups.push(() => Promise.all([...clientRelays, replicaRelay].map((relay) => relay.close())))
    const advertised = (nodeId: number, client = `${host}:${clientRelays[nodeId - 1]!.port}`): string =>
      `PLAINTEXT://${client},REPLICATION://${host}:${nodeId === 1 ? replicaRelay.port : replicaPorts[nodeId - 1]}`
    const kafka = await startApache({
      dataDir: join(folder, 'kafka'),
      brokers: 3,
      port: 0,
      config: ({ nodeId, controllerPort, dataDir }) => {
        const at = nodeId - 1
        return {
          ...settings,
          listeners: `PLAINTEXT://${host}:${clientPorts[at]},REPLICATION://${host}:${replicaPorts[at]},CONTROLLER://${host}:${controllerPort}`,
          'advertised.listeners': advertised(nodeId),
          'log.dirs': nodeId === 3 && smallDisk !== null ? `${dataDir}/data,${smallDisk.path}/data` : `${dataDir}/data`,
        }
      },
    })
    cleanups.push(async () => {
      // Their data goes: none needs to leave in order.
      await Promise.all([1, 2, 3].map((id) => kafka.stopNode(id, 'SIGKILL')))
      await kafka.close()
    })
    const distribution = await fetchDistribution()
    return {
      kafka,
      bootstrapServers: clientRelays.map(({ port }) => `${host}:${port}`).join(','),
      folder,
      clientNetworks: clientRelays,
      replicaNetwork: replicaRelay,
      smallDisk,
      async advertise(nodeId, address) {
        const file = join(folder, 'kafka', `node-${nodeId}`, 'server.properties')
        const text = await readFile(file, 'utf8')
        const line = `advertised.listeners=${advertised(nodeId, address ?? undefined)}`
        await writeFile(file, text.replace(/^advertised\.listeners=.*$/m, line))
      },
      async type({ command }) {
        const [tool, ...words] = command?.split(' ') ?? []
        const { exitCode, stdout, stderr } = await runTool(distribution, tool as ToolName, words)
        if (exitCode !== 0) throw new Error(`${command} ended with ${exitCode}: ${stdout}${stderr}`)
        return stdout
      },
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

const settings = {
  'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,REPLICATION:PLAINTEXT,CONTROLLER:PLAINTEXT',
  'inter.broker.listener.name': 'REPLICATION',
  'default.replication.factor': '3',
  'min.insync.replicas': '2',
  'offsets.topic.num.partitions': '3',
  'transaction.state.log.num.partitions': '3',
  // The test moves the leaders back.
  'auto.leader.rebalance.enable': 'false',
  // Kafka's own decisions, made within seconds.
  'broker.session.timeout.ms': '4000',
  'broker.heartbeat.interval.ms': '1000',
  'replica.lag.time.max.ms': '3000',
  'log.cleaner.backoff.ms': '200',
  // A disk that fails is noticed when the offsets are written down.
  'log.flush.offset.checkpoint.interval.ms': '1000',
  // As of brokers before KIP-890, and of those that are asked to tolerate older clients: a record may come after its transaction's end.
  'transaction.partition.verification.enable': 'false',
} as const
