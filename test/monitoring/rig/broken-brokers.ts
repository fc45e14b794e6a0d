// Conditions of the brokers, the exporter and the network, one after the other: each disturbs the others.
import type { Scenario } from './healthy-brokers.ts'
import { type Rig, untilIsr } from './rig.ts'

/** Alerts that a broker's end may bring along. */
const afterABroker = [
  ...['KafkaBrokerDown', 'KafkaUnderReplicatedPartitions', 'KafkaUnderMinIsr', 'KafkaOfflinePartitions'],
  ...['KafkaIsrShrinking', 'KafkaExporterStale', 'KafkaBrokerRestarts'],
]

export const brokenBrokers: readonly Scenario[] = [
  {
    title: 'the network between one replica of the exporter and Kafka cut',
    alerts: ['KafkaExporterStale'],
    async run(rig) {
      await rig.quiet('KafkaExporterStale', 'KafkaClusterUnreachable')
      rig.real.monitorNetwork.cut()
      await rig.fires('KafkaExporterStale')
      // The other replica still reads everything.
      await rig.pipeline.quiet(['KafkaClusterUnreachable'])
      rig.real.monitorNetwork.restore()
      await rig.resolves('KafkaExporterStale')
    },
  },
  {
    title: 'replicas cut off from their leader, while all brokers run',
    alerts: ['KafkaUnderReplicatedPartitions', 'KafkaIsrShrinking'],
    also: ['KafkaUnderMinIsr'],
    async run(rig) {
      await rig.quiet('KafkaUnderReplicatedPartitions', 'KafkaIsrShrinking', 'KafkaBrokerDown')
      const { replicaNetwork } = rig.real
      const writing = rig.keepWriting('followed', 10, 100)
      try {
        replicaNetwork.cut()
        await rig.fires('KafkaUnderReplicatedPartitions')
        await rig.pipeline.quiet(['KafkaBrokerDown'])
        const shrinking = shrinkAgainAndAgain(rig)
        await rig.fires('KafkaIsrShrinking').finally(shrinking.stop)
      } finally {
        replicaNetwork.restore()
        await writing.stop()
      }
      await Promise.all([rig.resolves('KafkaUnderReplicatedPartitions'), rig.resolves('KafkaIsrShrinking')])
    },
  },
  {
    title: 'a broker that stops, three times',
    alerts: ['KafkaBrokerDown', 'KafkaBrokerRestarts'],
    also: afterABroker,
    async run(rig) {
      const { kafka } = rig.real
      await rig.quiet('KafkaBrokerDown', 'KafkaBrokerRestarts')
      await kafka.stopNode(2)
      await rig.fires('KafkaBrokerDown')
      await rig.pipeline.inhibited('KafkaUnderReplicatedPartitions', 'KafkaBrokerDown')
      await kafka.startNode(2)
      await rig.resolves('KafkaBrokerDown')
      for (const _ of [2, 3]) {
        await kafka.stopNode(2, 'SIGKILL')
        await kafka.startNode(2)
        await untilIsr(rig.cluster, 'tripled', (isr) => isr.length === 3, 'complete')
      }
      await rig.fires('KafkaBrokerRestarts')
      // It is over when the hour is: two minutes here, in which the next scenarios run.
    },
  },
  {
    title: 'a disk that is full',
    alerts: ['KafkaLogDirectoryOffline'],
    also: [...afterABroker, 'KafkaDiskUsage', 'KafkaDiskAlmostFull'],
    disk: true,
    async run(rig) {
      const { kafka, smallDisk } = rig.real
      await rig.quiet('KafkaLogDirectoryOffline')
      await smallDisk!.fill(1)
      await rig.fires('KafkaLogDirectoryOffline')
      await smallDisk!.fill(0)
      await kafka.stopNode(3)
      await kafka.startNode(3)
      await rig.resolves('KafkaLogDirectoryOffline')
    },
  },
  {
    title: 'two of three brokers that stop, and one of them comes back without the latest records',
    alerts: ['KafkaUnderMinIsr', 'KafkaOfflinePartitions', 'KafkaUncleanElection'],
    also: afterABroker,
    async run(rig) {
      const { kafka } = rig.real
      await rig.quiet('KafkaUnderMinIsr', 'KafkaOfflinePartitions', 'KafkaUncleanElection')
      for (const topic of ['paired', 'unclean'])
        await untilIsr(rig.cluster, topic, (isr) => isr.length === 2, 'complete')
      await kafka.stopNode(3, 'SIGKILL')
      await untilIsr(rig.cluster, 'unclean', (isr) => isr.join() === '2', '2 alone')
      await untilIsr(rig.cluster, 'paired', (isr) => isr.join() === '2', '2 alone')
      await rig.write('unclean', 10)
      await kafka.stopNode(2, 'SIGKILL')
      await Promise.all([rig.fires('KafkaUnderMinIsr'), rig.fires('KafkaOfflinePartitions')])
      await kafka.startNode(3)
      await rig.fires('KafkaUncleanElection')
      await kafka.startNode(2)
      await Promise.all([
        rig.resolves('KafkaUnderMinIsr'),
        rig.resolves('KafkaOfflinePartitions'),
        rig.resolves('KafkaUncleanElection'),
      ])
    },
  },
  {
    title: 'the only controller stopped, then all brokers',
    alerts: ['KafkaNoController', 'KafkaClusterUnreachable'],
    // Its broker is gone with it, and nothing tells the others.
    also: [...afterABroker, 'KafkaNoController'],
    async run(rig) {
      const { kafka } = rig.real
      await rig.quiet('KafkaNoController', 'KafkaClusterUnreachable')
      await kafka.stopNode(1, 'SIGKILL')
      await rig.fires('KafkaNoController')
      await Promise.all([2, 3].map((id) => kafka.stopNode(id, 'SIGKILL')))
      await rig.fires('KafkaClusterUnreachable')
      await rig.pipeline.inhibited('KafkaNoController', 'KafkaClusterUnreachable')
      await Promise.all([1, 2, 3].map((id) => kafka.startNode(id)))
      await Promise.all([rig.resolves('KafkaNoController'), rig.resolves('KafkaClusterUnreachable')])
    },
  },
  {
    title: 'no exporter',
    alerts: ['KafkaExporterAbsent'],
    // Without its metrics no broker can be counted.
    also: ['KafkaBrokerDown'],
    async run(rig) {
      await rig.quiet('KafkaExporterAbsent')
      await rig.pipeline.stopExporters()
      await rig.fires('KafkaExporterAbsent')
      await rig.pipeline.startExporters()
      await rig.resolves('KafkaExporterAbsent')
    },
  },
  {
    title: 'an hour after the last restart',
    alerts: ['KafkaBrokerRestarts'],
    run: (rig) => rig.resolves('KafkaBrokerRestarts'),
  },
]

/** The replicas that follow broker 1 are cut off, and come back, until it is stopped. */
function shrinkAgainAndAgain({ real: { replicaNetwork }, cluster }: Rig): { stop(): Promise<void> } {
  let isOver = false
  const running = (async () => {
    while (!isOver) {
      replicaNetwork.restore()
      await untilIsr(cluster, 'followed', (isr) => isr.length === 3, 'complete')
      replicaNetwork.cut()
      await untilIsr(cluster, 'followed', (isr) => isr.length === 1, 'its leader alone')
    }
  })()
  // Thrown when it is stopped.
  running.catch(() => {})
  return {
    async stop() {
      isOver = true
      await running
    },
  }
}
