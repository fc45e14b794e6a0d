// Drills with real topics, of both engines as the source, into an embedded broker. Each check is seen to fail, too.
import { type Broker, startBroker } from '@selfmonitor/broker'
import { type Cluster, connectCluster } from '@selfmonitor/cluster'
import { encodeBatch, type RecordInput } from '@selfmonitor/protocol/records'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeEngines } from '../../../../test/support/engines.ts'
import { takeBackup } from '../take/take.ts'
import { type MemoryStore, memoryStore } from '../test-support/memory-store.ts'
import { keepReport, keptReport, keptReports } from './kept.ts'
import { ageOfCut } from './recovery-point.ts'
import type { DrillReport } from './report.ts'
import { type DrillOptions, type DrillTarget, runDrill } from './run.ts'
import { backedUpSchemas } from './schemas.ts'
import { newSigningKey, signingKey, verifyingKey, verifyReport, writeReport } from './signing.ts'

const nowhere = { principal: null, credentials: null }
const anHour = { ms: 3_600_000, setBy: 'a test' }
const nothing = { ms: 0, setBy: 'a test' }
const outcomes = ({ checks }: DrillReport) => Object.fromEntries(checks.map(({ id, outcome }) => [id, outcome]))

/** An embedded broker of its own, closed with the target. */
async function embeddedTarget(change?: (cluster: Cluster) => Cluster): Promise<DrillTarget> {
  const broker = await startBroker()
  const { bootstrapServers } = broker
  const cluster = connectCluster({ bootstrapServers })
  return {
    kind: 'embedded',
    cluster: change?.(cluster) ?? cluster,
    connection: { bootstrapServers },
    place: { addresses: [bootstrapServers], ...nowhere },
    close: async () => {
      await cluster.close()
      await broker.close()
    },
  }
}

const drillOptions = (more: Partial<DrillOptions> = {}): DrillOptions => ({
  scenario: 'cluster-lost',
  target: () => embeddedTarget(),
  source: null,
  include: () => true,
  recordChecks: [],
  storeChecks: [],
  rpo: null,
  rto: null,
  required: [],
  tool: { name: 'test', build: '0'.repeat(64) },
  operator: 'a test',
  approver: null,
  trigger: 'manual',
  remediation: { owner: null, due: null },
  nextDue: '2027-11-30',
  ...more,
})

describeEngines('a drill', (engine) => {
  const run = Date.now().toString(36)
  let cluster: Cluster
  let clusterId: string
  let topics = 0
  beforeAll(async () => {
    cluster = connectCluster({ bootstrapServers: engine.bootstrapServers })
    clusterId = (await cluster.info()).clusterId
  })
  afterAll(async () => cluster.close())

  async function newTopic(partitions: number, ...values: readonly (string | null)[]): Promise<string> {
    const name = `drill-${run}-${topics++}`
    await cluster.createTopics([{ name, partitions, replicationFactor: 1, config: { 'retention.ms': '-1' } }])
    await produce(name, ...values)
    return name
  }

  async function produce(topic: string, ...values: readonly (string | null)[]): Promise<void> {
    const identity = await cluster.initProducer()
    const appender = await cluster.appendBatches()
    for (const [at, value] of values.entries()) {
      const record: RecordInput = {
        key: Buffer.from(`k${at}`),
        value: value === null ? null : Buffer.from(value),
        timestamp: BigInt(Date.now()),
        headers: [
          { key: 'a', value: Buffer.from('1') },
          { key: 'a', value: null },
        ],
      }
      const compression = (['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const)[at % 5]!
      await appender.append(topic, 0, encodeBatch([record], { ...identity, baseSequence: at, compression }))
    }
    await appender.close()
  }

  const take = (store: MemoryStore, ...names: string[]) =>
    takeBackup(cluster, store, { tool: 'test', include: (name) => names.includes(name), segmentBytes: 300 })

  it('proves records, positions and settings in two ways, and its report is signed', async () => {
    const topic = await newTopic(2, 'a', 'b', null, 'c', 'd', 'e')
    await cluster.commitOffsets(`${topic}-group`, [
      { topic, partition: 0, to: 4n },
      { topic, partition: 1, to: 0n },
    ])
    const store = memoryStore()
    const { manifest } = await take(store, topic)
    const report = await runDrill(store, clusterId, drillOptions({ rpo: anHour, rto: anHour, required: [topic] }))
    expect(report.findings).toEqual([])
    expect(outcomes(report)).toEqual({
      store: 'passed',
      segregation: 'passed',
      restore: 'passed',
      'read-back': 'passed',
      positions: 'passed',
      settings: 'passed',
      coverage: 'passed',
      rpo: 'passed',
      rto: 'passed',
      scenario: 'passed',
    })
    expect(report).toMatchObject({
      outcome: 'passed',
      source: { clusterId, wasReached: false },
      target: { kind: 'embedded' },
      backup: { number: 1, cutAt: new Date(manifest.cutAtMs).toISOString() },
    })
    expect(report.segregation[0]).toMatchObject({ what: 'cluster id', isSegregated: true })
    expect(report.topics[0]!.partitions.map(({ records, isEqual }) => ({ records, isEqual }))).toEqual([
      { records: '6', isEqual: true },
      { records: '0', isEqual: true },
    ])
    expect(report.groups).toMatchObject([
      { partition: 0, committed: '4', position: '4', unread: '2', isVerified: true },
      { partition: 1, committed: '0', position: '0', unread: '0', isVerified: true },
    ])
    expect(report.regulations.find(({ rule }) => rule === 'DORA Art. 12(3)')).toMatchObject({ outcome: 'passed' })

    const { privatePem, publicPem } = newSigningKey()
    const file = writeReport(report, signingKey(privatePem))
    const key = await keepReport(store, report, file)
    expect(key).toMatch(new RegExp(`^${clusterId}/drills/\\d{8}T\\d{6}Z-[0-9a-f]{8}\\.json$`))
    const [name] = await keptReports(store, clusterId)
    const kept = await keptReport(store, clusterId, name!)
    expect(verifyReport(kept.file, verifyingKey(publicPem)).report).toEqual(report)
  })

  it('measures the loss against the source where it can be read', async () => {
    const topic = await newTopic(1, 'a')
    const store = memoryStore()
    const { manifest } = await take(store, topic)
    const source = { cluster, place: { addresses: [engine.bootstrapServers], ...nowhere } }
    const nothingLost = await runDrill(store, clusterId, drillOptions({ source, rpo: nothing }))
    expect(nothingLost.objectives[0]).toMatchObject({ achievedMs: 0, outcome: 'passed' })
    expect(nothingLost.segregation.map(({ isSegregated }) => isSegregated)).toEqual([true, true, true])
    await expect.poll(() => Date.now() > manifest.cutAtMs).toBe(true)
    await produce(topic, 'late')
    const lost = await runDrill(store, clusterId, drillOptions({ source, rpo: nothing }))
    expect(lost.outcome).toBe('failed')
    expect(lost.objectives[0]!.achievedMs).toBeGreaterThan(0)
    expect(lost.findings).toMatchObject([{ check: 'rpo', subject: 'RPO' }])
  })

  it('counts a topic as lost that has to be in the backup and is not, unless it is empty', async () => {
    const [topic, absent, empty] = [await newTopic(1, 'a'), await newTopic(1, 'b'), await newTopic(1)]
    const store = memoryStore()
    await take(store, topic)
    const source = { cluster, place: { addresses: [engine.bootstrapServers], ...nowhere } }
    const pointOf = async (required: readonly string[]) =>
      (await runDrill(store, clusterId, drillOptions({ source, rpo: anHour, required }))).objectives[0]!
    expect(await pointOf([topic, empty])).toMatchObject({ achievedMs: 0, outcome: 'passed' })
    const lost = await pointOf([topic, absent])
    expect(lost).toMatchObject({ outcome: 'failed', how: expect.stringContaining(`does not have ${absent}`) })
  })

  it('counts a topic as lost that was created again since the backup', async () => {
    const topic = await newTopic(1, 'a')
    const store = memoryStore()
    await take(store, topic)
    await cluster.deleteTopics([topic])
    await cluster.createTopics([{ name: topic, partitions: 1, replicationFactor: 1 }])
    await produce(topic, 'b')
    const source = { cluster, place: { addresses: [engine.bootstrapServers], ...nowhere } }
    const { objectives } = await runDrill(store, clusterId, drillOptions({ source, rpo: anHour }))
    expect(objectives[0]).toMatchObject({ outcome: 'failed', how: expect.stringContaining(topic) })
  })

  it('refuses the cluster that the backup is of, and restores nothing there', async () => {
    const topic = await newTopic(1, 'a')
    const store = memoryStore()
    await take(store, topic)
    const target = async (): Promise<DrillTarget> => ({
      kind: 'cluster',
      cluster,
      connection: { bootstrapServers: engine.bootstrapServers },
      place: { addresses: [engine.bootstrapServers], ...nowhere },
      close: async () => {},
    })
    await expect(runDrill(store, clusterId, drillOptions({ target }))).rejects.toMatchObject({
      code: 'NOT_SEGREGATED',
      message: expect.stringContaining(`cluster id ${clusterId}`),
    })
  })

  describe('in a named cluster', () => {
    let broker: Awaited<ReturnType<typeof startBroker>>
    let standby: Cluster
    beforeAll(async () => {
      broker = await startBroker()
      standby = connectCluster({ bootstrapServers: broker.bootstrapServers })
    })
    afterAll(async () => {
      await standby.close()
      await broker.close()
    })
    const into =
      (change: Partial<Cluster> = {}) =>
      async (): Promise<DrillTarget> => ({
        kind: 'cluster',
        cluster: { ...standby, ...change },
        connection: { bootstrapServers: broker.bootstrapServers },
        place: { addresses: [broker.bootstrapServers], ...nowhere },
        close: async () => {},
      })
    const names = async () => (await standby.listTopics()).map(({ name }) => name)

    it('removes what it has restored, also when it is interrupted', async () => {
      const topic = await newTopic(1, 'a')
      const store = memoryStore()
      await take(store, topic)
      expect(await runDrill(store, clusterId, drillOptions({ target: into() }))).toMatchObject({ outcome: 'passed' })
      expect(await names()).not.toContain(topic)
      const abort = new AbortController()
      const createTopics: Cluster['createTopics'] = async (topics, options) => {
        await standby.createTopics(topics, options)
        if (options?.validateOnly) return
        expect(await names()).toContain(topic)
        abort.abort(new Error('Ctrl-C'))
      }
      const drill = runDrill(store, clusterId, drillOptions({ target: into({ createTopics }), signal: abort.signal }))
      await expect(drill).rejects.toThrow('Ctrl-C')
      expect(await names()).not.toContain(topic)
    })

    it('leaves a topic that another program has created meanwhile', async () => {
      const topic = await newTopic(1, 'a')
      const store = memoryStore()
      await take(store, topic)
      const createTopics: Cluster['createTopics'] = async (topics, options) => {
        if (!options?.validateOnly) {
          await standby.createTopics([{ name: topic, partitions: 1, replicationFactor: 1 }])
        }
        await standby.createTopics(topics, options)
      }
      // A check over the records follows the failed restore, as with the command.
      const check = { wants: () => true, onRecord: () => undefined, finish: async () => {} }
      const options = drillOptions({ target: into({ createTopics }), recordChecks: [check] })
      expect(await runDrill(store, clusterId, options)).toMatchObject({ outcome: 'failed' })
      expect(await names()).toContain(topic)
    })
  })

  it('fails with a flipped bit, and with a segment that is missing', async () => {
    const topic = await newTopic(1, 'a', 'b', 'c', 'd', 'e', 'f')
    const store = memoryStore()
    await take(store, topic)
    const segments = [...store.objects.keys()].filter((key) => key.endsWith('.log.zst')).sort()
    const second = segments[1]!
    const whole = store.objects.get(second)!
    const flipped = Buffer.from(whole)
    flipped[flipped.length - 5]! ^= 1
    store.objects.set(second, flipped)
    const damaged = await runDrill(store, clusterId, drillOptions())
    expect(outcomes(damaged)).toMatchObject({ store: 'failed', restore: 'failed', scenario: 'failed' })
    expect(damaged.findings[0]).toMatchObject({ check: 'store', subject: second })
    expect(damaged.outcome).toBe('failed')
    store.objects.delete(second)
    const missing = await runDrill(store, clusterId, drillOptions())
    expect(missing.outcome).toBe('failed')
    expect(missing.findings[0]!.message).toContain('it is missing')
  })

  it('finds what the target lost, and a position that would skip a record', async () => {
    const topic = await newTopic(1, 'a', 'b', 'c', 'd')
    await cluster.commitOffsets(`${topic}-group`, [{ topic, partition: 0, to: 2n }])
    const store = memoryStore()
    await take(store, topic)
    // After the restore has compared everything: another writer adds a record, and the group's position moves.
    const target = (): Promise<DrillTarget> =>
      embeddedTarget((real) => ({
        ...real,
        topicConfigs: real.topicConfigs,
        alterTopicConfigs: async (...given) => {
          await real.alterTopicConfigs(...given)
          const identity = await real.initProducer()
          const appender = await real.appendBatches()
          await appender.append(
            topic,
            0,
            encodeBatch([{ value: Buffer.from('x'), timestamp: 0n }], { ...identity, baseSequence: 0 }),
          )
          await appender.close()
          await real.commitOffsets(`${topic}-group`, [{ topic, partition: 0, to: 3n }])
        },
      }))
    const report = await runDrill(store, clusterId, drillOptions({ target }))
    expect(outcomes(report)).toMatchObject({
      store: 'passed',
      restore: 'passed',
      'read-back': 'failed',
      positions: 'failed',
    })
    expect(report.findings.map(({ message }) => message)).toEqual([
      expect.stringMatching(/^a client reads 5 records .* the backup has 4/),
      'it would skip records: it is at 3, and its next record is at 2',
      expect.stringContaining('the check read-back did not pass'),
      expect.stringContaining('the check positions did not pass'),
    ])
    // Positions of one group: the records and the group are two findings, the scenario names both checks.
    expect(report.groups[0]).toMatchObject({ position: '3', isVerified: false })
  })
})

describe('schemas and times', () => {
  let broker: Broker
  let cluster: Cluster
  beforeAll(async () => {
    broker = await startBroker()
    cluster = connectCluster({ bootstrapServers: broker.bootstrapServers })
  })
  afterAll(async () => {
    await cluster.close()
    await broker.close()
  })

  it('schemas come from the topic of the registry where the backup has no others', async () => {
    await cluster.createTopics([
      { name: '_schemas', partitions: 1, replicationFactor: 1, config: { 'cleanup.policy': 'compact' } },
    ])
    const appender = await cluster.appendBatches()
    const record = (version: number, value: object | null): RecordInput => ({
      key: Buffer.from(JSON.stringify({ keytype: 'SCHEMA', subject: 'orders-value', version, magic: 1 })),
      value: value === null ? null : Buffer.from(JSON.stringify(value)),
      timestamp: BigInt(Date.now()),
    })
    const one = { subject: 'orders-value', version: 1, id: 7, schema: '"string"', deleted: false }
    const records = [record(1, one), record(2, { ...one, version: 2, id: 8 }), record(2, null)]
    await appender.append('_schemas', 0, encodeBatch(records, { ...(await cluster.initProducer()), baseSequence: 0 }))
    await appender.close()
    const store = memoryStore()
    await takeBackup(cluster, store, { tool: 'test' })
    expect(await backedUpSchemas(store, broker.clusterId)).toEqual({
      from: 'topic _schemas',
      versions: [{ ...one, schemaType: 'AVRO', references: [] }],
    })
  })

  it('a partition that the last run did not read is as old as the run that did', async () => {
    await cluster.createTopics([{ name: 'old', partitions: 1, replicationFactor: 1 }])
    const store = memoryStore()
    const first = await takeBackup(cluster, store, { tool: 'test', now: () => 1_000 })
    const { manifest } = await takeBackup(cluster, store, { tool: 'test', now: () => 5_000, include: () => false })
    expect(first.manifest.cutAtMs).toBe(1_000)
    expect(ageOfCut(manifest, 7_000)).toMatchObject({ lossMs: 6_000, offsets: null })
  })
})

describe('the file of a report', () => {
  let broker: Broker
  let report: DrillReport
  beforeAll(async () => {
    broker = await startBroker()
    const cluster = connectCluster({ bootstrapServers: broker.bootstrapServers })
    await cluster.createTopics([{ name: 'orders', partitions: 1, replicationFactor: 1 }])
    const store = memoryStore()
    await takeBackup(cluster, store, { tool: 'test' })
    report = await runDrill(store, broker.clusterId, drillOptions())
    await cluster.close()
  })
  afterAll(async () => broker.close())
  const { privatePem, publicPem, keyId } = newSigningKey()

  it('is refused when one letter differs, when another key signed it, and when nobody did', () => {
    const file = writeReport(report, signingKey(privatePem))
    const changed = Buffer.from(file.toString().replace('"operator":"a test"', '"operator":"A test"'))
    const key = verifyingKey(publicPem)
    expect(() => verifyReport(changed, key)).toThrow(/was changed after it was signed/)
    const other = newSigningKey()
    expect(() => verifyReport(file, verifyingKey(other.publicPem))).toThrow(`signed with key ${keyId}`)
    expect(() => verifyReport(writeReport(report, null), key)).toThrow(/is not signed/)
    expect(() => verifyingKey(privatePem)).toThrow(/private key/)
    expect(() => signingKey('nothing')).toThrow(/not a private key as PEM/)
  })

  it('is refused when a field is there twice, whatever a parser makes of it', () => {
    const file = writeReport(report, signingKey(privatePem)).toString()
    const twice = file.replace('"outcome":"passed"', '"outcome":"failed","outcome":"passed"')
    expect(() => verifyReport(Buffer.from(twice), verifyingKey(publicPem))).toThrow(/canonical form/)
    const pretty = Buffer.from(JSON.stringify(JSON.parse(file), null, 2))
    expect(() => verifyReport(pretty, verifyingKey(publicPem))).toThrow(/canonical form/)
  })

  it('of a newer version is refused with that reason', () => {
    const newer = writeReport({ ...report, version: 2 as 1 }, null)
    expect(() => verifyReport(newer, verifyingKey(publicPem))).toThrow(/has version 2/)
  })
})
