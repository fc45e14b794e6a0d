// Conditions that disturb no broker: they are caused at the same time.
import { setTimeout as delay } from 'node:timers/promises'
import type { Expected } from './pipeline.ts'
import { type Rig, untilLag } from './rig.ts'
import type { Driven } from './rows.ts'
import { until } from './until.ts'

export interface Scenario {
  readonly title: string
  /** Alerts that it proves. */
  readonly alerts: readonly Driven[]
  /** Alerts that may be sent as well, because they follow from the same cause. */
  readonly also?: readonly string[]
  /** Needs a small disk, which not every machine lets one mount. */
  readonly disk?: true
  readonly run: (rig: Rig) => Promise<void>
}

export const healthyBrokers: readonly Scenario[] = [
  {
    title: 'a consumer that is slower than its producer',
    alerts: ['KafkaConsumerLag', 'KafkaConsumerLagSeconds', 'KafkaConsumerLagGrowing'],
    // The group has an objective, and has no month behind it in which it kept it.
    also: ['KafkaErrorBudgetBurnsFast', 'KafkaErrorBudgetBurnsSlowly'],
    async run(rig) {
      await rig.createTopic('orders')
      await rig.write('orders', 1)
      let isSlow = true
      const { promise: hurried, resolve: hurry } = Promise.withResolvers<void>()
      const pause = () => Promise.race([delay(200), hurried])
      const handle = () => (isSlow ? pause() : Promise.resolve())
      const first = await rig.join('slow-billing', 'orders')
      await untilLag(rig, 'slow-billing', (lag) => lag === 0n, '0')
      await first.disconnect()
      await rig.join('slow-billing', 'orders', { handle, commitEvery: 10 })
      await rig.quiet('KafkaConsumerLag', 'KafkaConsumerLagSeconds', 'KafkaConsumerLagGrowing')
      const writing = rig.keepWriting('orders', 150, 500)
      await Promise.all([
        rig.fires('KafkaConsumerLag'),
        rig.fires('KafkaConsumerLagSeconds'),
        rig.fires('KafkaConsumerLagGrowing'),
      ])
      await writing.stop()
      isSlow = false
      hurry()
      await Promise.all([
        rig.resolves('KafkaConsumerLag'),
        rig.resolves('KafkaConsumerLagSeconds'),
        rig.resolves('KafkaConsumerLagGrowing'),
      ])
    },
  },
  {
    title: 'a consumer that waits in its handler and commits nothing',
    alerts: ['KafkaConsumerStuck'],
    async run(rig) {
      await rig.createTopic('mails')
      await rig.write('mails', 1)
      const { promise: released, resolve: release } = Promise.withResolvers<void>()
      let handled = 0
      const handle = async () => {
        handled += 1
        if (handled > 1) await released
      }
      await rig.join('stuck-mailer', 'mails', { handle, sessionTimeout: 120_000 })
      await untilLag(rig, 'stuck-mailer', (lag) => lag === 0n, '0')
      await rig.quiet('KafkaConsumerStuck')
      await rig.write('mails', 5)
      await rig.fires('KafkaConsumerStuck')
      release()
      await rig.resolves('KafkaConsumerStuck')
    },
  },
  {
    title: 'a group whose members have gone',
    alerts: ['KafkaGroupEmptyWithLag'],
    async run(rig) {
      await rig.createTopic('archive')
      await rig.write('archive', 1)
      const member = await rig.join('gone-archiver', 'archive')
      await untilLag(rig, 'gone-archiver', (lag) => lag === 0n, '0')
      await rig.quiet('KafkaGroupEmptyWithLag')
      await member.disconnect()
      await rig.write('archive', 42)
      await rig.fires('KafkaGroupEmptyWithLag')
      await rig.join('gone-archiver', 'archive')
      await rig.resolves('KafkaGroupEmptyWithLag')
    },
  },
  {
    title: 'a group that rebalances again and again',
    alerts: ['KafkaGroupFlapping'],
    async run(rig) {
      await rig.createTopic('searches', { partitions: 2 })
      await rig.join('flapping-search', 'searches')
      await rig.quiet('KafkaGroupFlapping')
      let isOver = false
      const flapping = (async () => {
        while (!isOver) {
          const member = await rig.join('flapping-search', 'searches')
          await delay(500)
          await member.disconnect()
        }
      })()
      flapping.catch(() => {})
      await rig.fires('KafkaGroupFlapping').finally(() => {
        isOver = true
      })
      await flapping
      await rig.resolves('KafkaGroupFlapping')
    },
  },
  {
    title: 'a group that is slower than the retention',
    alerts: ['KafkaConsumerLagNearRetention', 'KafkaMessagesLost'],
    // It has no member while its messages are deleted.
    also: ['KafkaGroupEmptyWithLag'],
    async run(rig) {
      const retentionMs = 60_000
      await rig.createTopic('visits', { config: { 'retention.ms': `${retentionMs}`, 'segment.ms': '10000' } })
      await rig.write('visits', 1)
      const member = await rig.join('late-report', 'visits')
      await untilLag(rig, 'late-report', (lag) => lag === 0n, '0')
      await rig.quiet('KafkaConsumerLagNearRetention', 'KafkaMessagesLost')
      await member.disconnect()
      await rig.write('visits', 60, retentionMs * 0.6)
      await rig.fires('KafkaConsumerLagNearRetention')
      await rig.fires('KafkaMessagesLost')
      await rig.join('late-report', 'visits')
      await Promise.all([rig.resolves('KafkaConsumerLagNearRetention'), rig.resolves('KafkaMessagesLost')])
    },
  },
  {
    title: 'a topic that is deleted and created again',
    alerts: ['KafkaTopicRecreated'],
    async run(rig) {
      await rig.createTopic('profiles')
      await rig.write('profiles', 10)
      await until('the exporter has seen profiles', async () => {
        const found = await rig.pipeline.query('kafka_topic_id_info{topic="profiles"}')
        return found.length > 0 ? { met: undefined } : { not: found }
      })
      await rig.quiet('KafkaTopicRecreated')
      await rig.admin.deleteTopics({ topics: ['profiles'] })
      await until('profiles is gone', async () => {
        const names = (await rig.cluster.listTopics()).map(({ name }) => name)
        return names.includes('profiles') ? { not: names } : { met: undefined }
      })
      await rig.createTopic('profiles')
      await rig.fires('KafkaTopicRecreated')
      await rig.resolves('KafkaTopicRecreated')
    },
  },
  {
    title: 'a topic whose producers fall silent',
    alerts: ['KafkaNoMessages'],
    async run(rig) {
      await rig.createTopic('heartbeats')
      const writing = rig.keepWriting('heartbeats', 1, 200)
      const always = 'min_over_time(selfmonitor:topic_messages:rate15m{topic="heartbeats"}[30s]) > 0'
      const lately = 'count_over_time(selfmonitor:topic_messages:rate15m{topic="heartbeats"}[45s]) > 40'
      await until('heartbeats has had messages all the time', async () => {
        const found = await rig.pipeline.query(`${always} and ${lately}`)
        return found.length > 0 ? { met: undefined } : { not: found }
      })
      await rig.quiet('KafkaNoMessages')
      await writing.stop()
      await rig.fires('KafkaNoMessages')
      // It went on firing when the silence had become a part of what is compared with. Prometheus is asked about the last minutes, because
      // the moment passes while a slow machine asks.
      const firing = 'ALERTS{alertname="KafkaNoMessages", alertstate="firing"}'
      const before = 'min_over_time(selfmonitor:topic_messages:rate15m{topic="heartbeats"}[30s] offset 25s) == 0'
      await until('KafkaNoMessages has fired while the day before had silence in it', async () => {
        const found = await rig.pipeline.query(`max_over_time((${firing} and on () (${before}))[2m:1s])`)
        return found.length > 0 ? { met: undefined } : { not: found }
      })
      rig.keepWriting('heartbeats', 1, 200)
      await rig.resolves('KafkaNoMessages')
    },
  },
  {
    title: 'a transaction that is not ended',
    alerts: ['KafkaHangingTransaction'],
    async run(rig) {
      await rig.createTopic('transfers')
      await rig.write('transfers', 1)
      await rig.quiet('KafkaHangingTransaction')
      const producer = rig.kafka.producer({
        ...{ transactionalId: 'transfers-1', transactionTimeout: 600_000, idempotent: true, maxInFlightRequests: 1 },
      })
      await producer.connect()
      try {
        const transaction = await producer.transaction()
        await transaction.send({ topic: 'transfers', messages: [{ value: 'open' }] })
        await rig.fires('KafkaHangingTransaction')
        await transaction.abort()
        await rig.resolves('KafkaHangingTransaction')
      } finally {
        await producer.disconnect()
      }
    },
  },
  {
    title: 'acknowledged messages of the probe that are deleted before consumers with read_committed get them',
    alerts: ['KafkaEndToEndLoss'],
    // The transaction that holds them back, and the objectives of the probe.
    also: ['KafkaHangingTransaction', 'KafkaErrorBudgetBurnsFast', 'KafkaErrorBudgetBurnsSlowly'],
    run: loseMessagesOfTheProbe,
  },
  {
    title: 'certificates that are not renewed',
    alerts: ['KafkaCertificateExpiring', 'KafkaCertificateExpiresSoon'],
    async run(rig) {
      await rig.quiet('KafkaCertificateExpiring', 'KafkaCertificateExpiresSoon')
      await useCertificate(rig, 10)
      await rig.fires('KafkaCertificateExpiring')
      await useCertificate(rig, 2)
      await rig.fires('KafkaCertificateExpiresSoon')
      await rig.pipeline.inhibited('KafkaCertificateExpiring', 'KafkaCertificateExpiresSoon')
      await useCertificate(rig, 300)
      await Promise.all([rig.resolves('KafkaCertificateExpiring'), rig.resolves('KafkaCertificateExpiresSoon')])
    },
  },
  {
    title: 'Schema Registry stopped',
    alerts: ['KafkaSchemaRegistryDown'],
    async run(rig) {
      await rig.quiet('KafkaSchemaRegistryDown')
      await rig.registry.stop()
      await rig.fires('KafkaSchemaRegistryDown')
      await rig.registry.start()
      await rig.resolves('KafkaSchemaRegistryDown')
    },
  },
  {
    title: 'connectors and tasks that fail, and a Connect that stops',
    alerts: ['KafkaConnectorFailed', 'KafkaConnectTaskFailed', 'KafkaServiceDown'],
    async run({ connect, quiet, fires, resolves }) {
      const healthy = connect.connectors
      await quiet('KafkaConnectorFailed', 'KafkaConnectTaskFailed', 'KafkaServiceDown')
      connect.connectors = {
        archive: { state: 'FAILED', tasks: ['FAILED'] },
        search: { state: 'RUNNING', tasks: ['FAILED', 'FAILED'] },
      }
      await Promise.all([fires('KafkaConnectorFailed'), fires('KafkaConnectTaskFailed')])
      connect.connectors = healthy
      await Promise.all([resolves('KafkaConnectorFailed'), resolves('KafkaConnectTaskFailed')])
      await connect.stop()
      await fires('KafkaServiceDown')
      await connect.start()
      await resolves('KafkaServiceDown')
    },
  },
  {
    title: 'a disk that fills up',
    alerts: ['KafkaDiskUsage', 'KafkaDiskAlmostFull'],
    disk: true,
    async run(rig) {
      const disk = rig.real.smallDisk!
      await rig.quiet('KafkaDiskUsage', 'KafkaDiskAlmostFull')
      await disk.fill(0.85)
      await rig.fires('KafkaDiskUsage')
      await disk.fill(0.95)
      await rig.fires('KafkaDiskAlmostFull')
      await rig.pipeline.inhibited('KafkaDiskUsage', 'KafkaDiskAlmostFull')
      await disk.fill(0)
      await Promise.all([rig.resolves('KafkaDiskUsage'), rig.resolves('KafkaDiskAlmostFull')])
    },
  },
]

/** Also drives the alerts about availability (messages are lost) and latency (messages come late, when the transaction ends). */
async function loseMessagesOfTheProbe(rig: Rig): Promise<void> {
  const topic = '_selfmonitor-probe'
  const counted = (name: string, least: number) =>
    until<number>(`the probe has ${name} ${least} messages`, async () => {
      const [found] = await rig.pipeline.query(`kafka_e2e_messages_${name}_total`)
      return found !== undefined && found.value >= least ? { met: found.value } : { not: found }
    })
  const burnOf = (name: string): Expected => ({
    alert: 'KafkaErrorBudgetBurnsFast',
    labels: { cluster: 'proof', sloth_id: `kafka-${name}` },
    summary: new RegExp(`^kafka uses up the error budget of ${name} too fast: [0-9.]+% is bad$`),
  })
  const [available, fast] = [burnOf('availability'), burnOf('latency')]
  const probe = await rig.pipeline.startProbe()
  const before = await counted('consumed', 20)
  const producer = rig.kafka.producer({
    ...{ transactionalId: 'probe-1', transactionTimeout: 600_000, idempotent: true, maxInFlightRequests: 1 },
  })
  await producer.connect()
  try {
    await rig.quiet('KafkaEndToEndLoss')
    await rig.pipeline.quiet(['KafkaErrorBudgetBurnsFast'], () => available.labels)
    await rig.pipeline.quiet(['KafkaErrorBudgetBurnsFast'], () => fast.labels)
    const transaction = await producer.transaction()
    await transaction.send({ topic, messages: [0, 1, 2].map((partition) => ({ partition, value: 'open' })) })
    const produced = await counted('produced', before)
    await counted('produced', produced + 15)
    // What is in the log now has been acknowledged and has not been read: it is gone.
    await rig.cluster.deleteRecords([0, 1, 2].map((partition) => ({ topic, partition, offset: -1n })))
    await Promise.all([rig.fires('KafkaEndToEndLoss'), rig.pipeline.fires(available)])
    const [{ value: consumed } = { value: 0 }] = await rig.pipeline.query('kafka_e2e_messages_consumed_total')
    await transaction.abort()
    // The probe continues behind what was deleted.
    await counted('consumed', consumed + 20)
    await rig.pipeline.fires(fast)
    await rig.resolves('KafkaEndToEndLoss')
    await Promise.all([rig.pipeline.resolves(available), rig.pipeline.resolves(fast)])
  } finally {
    await producer.disconnect()
    await probe.stop()
    await rig.admin.deleteTopics({ topics: [topic] })
  }
}

/** Broker 1 reads another certificate, as after a renewal. */
async function useCertificate(rig: Rig, days: number): Promise<void> {
  const path = await rig.real.certificateOf(days)
  await rig.admin.alterConfigs({
    validateOnly: false,
    resources: [
      {
        type: 4, // BROKER
        name: '1',
        configEntries: [{ name: 'listener.name.monitor.ssl.keystore.location', value: path }],
      },
    ],
  })
}
