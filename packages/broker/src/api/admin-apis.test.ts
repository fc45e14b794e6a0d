// The admin APIs at every version, on the embedded broker and on Apache Kafka: what is expected here holds for both.
import { randomUUID } from 'node:crypto'
import { type ApiName, apis, errorCodes, type Uuid, zeroUuid } from '@selfmonitor/protocol'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { describeEngines } from '../../../../test/support/engines.ts'
import { type RawClient, rawClient } from '../test-support/raw-client.ts'

const topicResource = 2
const brokerResource = 4

function versionsOf(name: ApiName): number[] {
  const { min, max } = apis[name].versions
  return Array.from({ length: max - min + 1 }, (_, index) => min + index)
}

describeEngines('admin APIs', (engine) => {
  let client: RawClient
  const names: string[] = []
  beforeEach(async () => {
    client = await rawClient(engine.bootstrapServers)
  })
  afterEach(async () => {
    await client.call('DeleteTopics', 1, { topicNames: names.splice(0), timeoutMs: 10_000 })
    client.close()
  })

  function newName(): string {
    const name = `admin-${randomUUID()}`
    names.push(name)
    return name
  }
  async function create(options: { partitions?: number; configs?: Record<string, string> } = {}): Promise<string> {
    const name = newName()
    const configs = Object.entries(options.configs ?? {}).map(([key, value]) => ({ name: key, value }))
    const topic = { name, numPartitions: options.partitions ?? 1, replicationFactor: 1, configs }
    const { topics } = await client.call('CreateTopics', 2, { topics: [topic], timeoutMs: 10_000 })
    expect(topics[0]!.errorCode).toBe(0)
    // Kafka's brokers get a new topic a little after the controller has it.
    await until(async () => (await metadata(name)).errorCode === 0)
    return name
  }
  async function metadata(name: string) {
    return (await client.call('Metadata', 12, { topics: [{ name }], allowAutoTopicCreation: false })).topics[0]!
  }
  async function until(condition: () => Promise<boolean>): Promise<void> {
    const deadline = Date.now() + 20_000
    while (!(await condition())) {
      if (Date.now() > deadline) throw new Error('the condition was never met')
    }
  }
  async function settingOf(topic: string, key: string): Promise<string | null> {
    const resources = [{ resourceType: topicResource, resourceName: topic, configurationKeys: [key] }]
    return (await client.call('DescribeConfigs', 1, { resources })).results[0]!.configs[0]!.value
  }

  it.each(versionsOf('CreateTopics'))(
    'creates a topic with partitions and settings: CreateTopics v%i',
    async (version) => {
      const name = newName()
      const topic = { name, numPartitions: 3, replicationFactor: 1, configs: [{ name: 'retention.ms', value: '1234' }] }
      const { topics } = await client.call('CreateTopics', version, { topics: [topic], timeoutMs: 10_000 })
      expect(topics).toHaveLength(1)
      expect(topics[0]).toMatchObject({ name, errorCode: 0, errorMessage: null })
      if (version >= 5) {
        expect(topics[0]).toMatchObject({ numPartitions: 3, replicationFactor: 1 })
        const retention = topics[0]!.configs!.find((config) => config.name === 'retention.ms')
        expect(retention).toMatchObject({ value: '1234', readOnly: false, configSource: 1, isSensitive: false })
        expect(topics[0]!.configs!.find((config) => config.name === 'cleanup.policy')!.configSource).not.toBe(1)
      }
      await until(async () => (await metadata(name)).partitions.length === 3)
      if (version >= 7) expect((await metadata(name)).topicId).toBe(topics[0]!.topicId)
      expect(await settingOf(name, 'retention.ms')).toBe('1234')
    },
  )

  it('creates nothing when it is only asked to validate', async () => {
    const name = newName()
    const topic = { name, numPartitions: 3, replicationFactor: 1 }
    const { topics } = await client.call('CreateTopics', 7, { topics: [topic], timeoutMs: 10_000, validateOnly: true })
    expect(topics[0]).toMatchObject({ errorCode: 0, numPartitions: 3 })
    expect((await metadata(name)).errorCode).toBe(errorCodes.UNKNOWN_TOPIC_OR_PARTITION)
  })

  const topic = (name: string, more: object = {}) => ({ name, numPartitions: 1, replicationFactor: 1, ...more })
  const assigned = (...brokers: number[][]) => ({
    numPartitions: -1,
    replicationFactor: -1,
    assignments: brokers.map((brokerIds, partitionIndex) => ({ partitionIndex, brokerIds })),
  })
  const config = (name: string, value: string | null) => ({ configs: [{ name, value }] })
  it.each<[string, number, string, object]>([
    ['', errorCodes.INVALID_TOPIC_EXCEPTION, 'Topic name is invalid: the empty string is not allowed', {}],
    ['..', errorCodes.INVALID_TOPIC_EXCEPTION, "Topic name is invalid: '..' is not allowed", {}],
    ['a b', errorCodes.INVALID_TOPIC_EXCEPTION, 'one or more characters other than ASCII alphanumerics', {}],
    ['x'.repeat(250), errorCodes.INVALID_TOPIC_EXCEPTION, 'is longer than the max allowed length 249', {}],
    [
      't0',
      errorCodes.INVALID_PARTITIONS,
      'Number of partitions was set to an invalid non-positive value.',
      { numPartitions: 0 },
    ],
    ['r0', errorCodes.INVALID_REPLICATION_FACTOR, 'Replication factor must be larger than 0', { replicationFactor: 0 }],
    [
      'r9',
      errorCodes.INVALID_REPLICATION_FACTOR,
      'The target replication factor of 9 cannot be reached',
      { replicationFactor: 9 },
    ],
    [
      'p9',
      errorCodes.POLICY_VIOLATION,
      'Excessively large number of partitions per request.',
      { numPartitions: 100_000 },
    ],
    ['u1', errorCodes.INVALID_CONFIG, 'Unknown topic config name: nope', config('nope', '1')],
    [
      'u2',
      errorCodes.INVALID_CONFIG,
      'Null value not supported for topic configs: retention.ms',
      config('retention.ms', null),
    ],
    ['u3', errorCodes.INVALID_CONFIG, 'Value must be at least -1', config('retention.ms', '-2')],
    [
      'm1',
      errorCodes.INVALID_REPLICA_ASSIGNMENT,
      'includes broker 77, but no such broker is registered',
      assigned([77]),
    ],
    ['m2', errorCodes.INVALID_REPLICA_ASSIGNMENT, 'includes an empty replica list', assigned([])],
    ['m3', errorCodes.INVALID_REPLICA_ASSIGNMENT, 'includes the broker 1 more than once', assigned([1, 1])],
    ['m4', errorCodes.INVALID_REQUEST, 'numPartitions was not set to -1', { ...assigned([1]), numPartitions: 1 }],
    [
      'm5',
      errorCodes.INVALID_REQUEST,
      'replication factor was not set to -1',
      { ...assigned([1]), replicationFactor: 1 },
    ],
  ])('refuses to create %j: %i %s', async (name, errorCode, message, more) => {
    const topics = [topic(name, more)]
    const answer = await client.call('CreateTopics', 7, { topics, timeoutMs: 10_000, validateOnly: true })
    expect(answer.topics[0]).toMatchObject({ name, errorCode, errorMessage: expect.stringContaining(message) })
  })

  it('refuses a topic that is named twice, and creates the others', async () => {
    const [twice, once] = [newName(), newName()]
    const topics = [topic(twice), topic(once), topic(twice, { numPartitions: 2 })]
    const answer = await client.call('CreateTopics', 7, { topics, timeoutMs: 10_000 })
    const codes = Object.fromEntries(answer.topics.map(({ name, errorCode }) => [name, errorCode]))
    expect(codes).toEqual({ [twice]: errorCodes.INVALID_REQUEST, [once]: 0 })
  })

  it('refuses a topic that exists, and one whose name collides with it', async () => {
    const name = `${newName()}.x`
    names.push(name)
    await client.call('CreateTopics', 7, { topics: [topic(name)], timeoutMs: 10_000 })
    const twin = name.replace('.x', '_x')
    const { topics } = await client.call('CreateTopics', 7, { topics: [topic(name), topic(twin)], timeoutMs: 10_000 })
    const byName = Object.fromEntries(topics.map((answer) => [answer.name, answer]))
    expect(byName[name]).toMatchObject({
      errorCode: errorCodes.TOPIC_ALREADY_EXISTS,
      errorMessage: `Topic '${name}' already exists.`,
    })
    expect(byName[twin]).toMatchObject({
      errorCode: errorCodes.INVALID_TOPIC_EXCEPTION,
      errorMessage: `Topic '${twin}' collides with existing topic: ${name}`,
    })
  })

  it.each(versionsOf('DeleteTopics'))('deletes a topic by name: DeleteTopics v%i', async (version) => {
    const name = await create()
    const missing = `${name}-missing`
    const request =
      version < 6 ? { topicNames: [name, missing] } : { topics: [name, missing].map((wanted) => ({ name: wanted })) }
    const { responses } = await client.call('DeleteTopics', version, { ...request, timeoutMs: 10_000 })
    expect(responses.map((response) => [response.name, response.errorCode]).sort()).toEqual([
      [name, 0],
      [missing, errorCodes.UNKNOWN_TOPIC_OR_PARTITION],
    ])
    await until(async () => (await metadata(name)).errorCode === errorCodes.UNKNOWN_TOPIC_OR_PARTITION)
  })

  it('deletes a topic by its id, and says which ids it does not know', async () => {
    const name = await create()
    const { topicId } = await metadata(name)
    const unknown: Uuid = 'abcdefghijklmnopqrstuA'
    const ids = [topicId, unknown, zeroUuid].map((id) => ({ name: null, topicId: id }))
    const { responses } = await client.call('DeleteTopics', 6, { topics: ids, timeoutMs: 10_000 })
    const codes = Object.fromEntries(responses.map((response) => [response.topicId, response.errorCode]))
    expect(codes).toEqual({
      [topicId]: 0,
      [unknown]: errorCodes.UNKNOWN_TOPIC_ID,
      [zeroUuid]: errorCodes.INVALID_REQUEST,
    })
  })

  it.each(versionsOf('CreatePartitions'))(
    'adds partitions and never takes one away: CreatePartitions v%i',
    async (version) => {
      const name = await create({ partitions: 2 })
      const grow = async (count: number, wanted = name) => {
        const topics = [{ name: wanted, count, assignments: null }]
        const { results } = await client.call('CreatePartitions', version, { topics, timeoutMs: 10_000 })
        return results.map(({ errorCode, errorMessage }) => [errorCode, errorMessage])
      }
      expect(await grow(4)).toEqual([[0, null]])
      await until(async () => (await metadata(name)).partitions.length === 4)
      expect(await grow(4)).toEqual([[errorCodes.INVALID_PARTITIONS, 'Topic already has 4 partition(s).']])
      const less = `The topic ${name} currently has 4 partition(s); 1 would not be an increase.`
      expect(await grow(1)).toEqual([[errorCodes.INVALID_PARTITIONS, less]])
      expect((await grow(9, `${name}-missing`))[0]![0]).toBe(errorCodes.UNKNOWN_TOPIC_OR_PARTITION)
    },
  )

  it.each(versionsOf('DescribeConfigs'))(
    'lists every setting with its default: DescribeConfigs v%i',
    async (version) => {
      const name = await create({ configs: { 'retention.ms': '1234' } })
      const { results } = await client.call('DescribeConfigs', version, {
        resources: [{ resourceType: topicResource, resourceName: name, configurationKeys: null }],
        includeSynonyms: true,
        ...(version >= 3 && { includeDocumentation: true }),
      })
      expect(results[0]).toMatchObject({ errorCode: 0, resourceType: topicResource, resourceName: name })
      const byName = new Map(results[0]!.configs.map((setting) => [setting.name, setting]))
      // 33 in Apache Kafka 4.2, 37 in 4.4.
      expect(byName.size).toBeGreaterThanOrEqual(33)
      const retention = byName.get('retention.ms')!
      const segment = byName.get('segment.bytes')!
      expect(retention).toMatchObject({ value: '1234', readOnly: false, isSensitive: false })
      expect(segment).toMatchObject({ value: '1073741824', readOnly: false, isSensitive: false })
      if (version >= 1) {
        expect([retention.configSource, segment.configSource]).toEqual([1, 5])
        expect(retention.synonyms[0]).toEqual({ name: 'retention.ms', value: '1234', source: 1 })
        expect(segment.synonyms).toEqual([{ name: 'log.segment.bytes', value: '1073741824', source: 5 }])
      }
      if (version >= 3) {
        expect([retention.configType, segment.configType]).toEqual([5, 3])
        expect(retention.documentation).toMatch(/\w/)
      }
    },
  )

  it('lists only the settings that are asked for, and says what does not exist', async () => {
    const name = await create()
    const about = (resourceType: number, resourceName: string) => ({
      resourceType,
      resourceName,
      configurationKeys: ['retention.ms', 'log.retention.ms'],
    })
    const resources = [
      about(topicResource, name),
      about(topicResource, `${name}-missing`),
      about(brokerResource, '1'),
      about(brokerResource, '99'),
      about(brokerResource, 'x'),
    ]
    const { results } = await client.call('DescribeConfigs', 4, { resources })
    const answers = results.map(({ errorCode, configs }) => [errorCode, configs.map((setting) => setting.name)])
    expect(answers).toEqual([
      [0, ['retention.ms']],
      [errorCodes.UNKNOWN_TOPIC_OR_PARTITION, []],
      [0, ['log.retention.ms']],
      [errorCodes.INVALID_REQUEST, []],
      [errorCodes.INVALID_REQUEST, []],
    ])
  })

  it.each(versionsOf('AlterConfigs'))('replaces all settings of a topic: AlterConfigs v%i', async (version) => {
    const name = await create({ configs: { 'retention.ms': '1', 'segment.ms': '2' } })
    const alter = async (setting: string, value: string, validateOnly = false) => {
      const resources = [{ resourceType: topicResource, resourceName: name, configs: [{ name: setting, value }] }]
      return (await client.call('AlterConfigs', version, { resources, validateOnly })).responses[0]!
    }
    expect(await alter('retention.ms', '9', true)).toMatchObject({ errorCode: 0 })
    expect(await alter('retention.ms', 'x')).toMatchObject({
      errorCode: errorCodes.INVALID_CONFIG,
      errorMessage: 'Invalid value x for configuration retention.ms: Not a number of type LONG',
    })
    expect(await settingOf(name, 'retention.ms')).toBe('1')
    expect(await alter('retention.ms', '77')).toEqual({
      errorCode: 0,
      errorMessage: null,
      resourceType: topicResource,
      resourceName: name,
    })
    await until(async () => (await settingOf(name, 'retention.ms')) === '77')
    expect(await settingOf(name, 'segment.ms')).not.toBe('2')
  })

  const operation = { set: 0, delete: 1, append: 2, subtract: 3 } as const
  it.each(versionsOf('IncrementalAlterConfigs'))(
    'sets, deletes, appends and subtracts: IncrementalAlterConfigs v%i',
    async (version) => {
      const name = await create({ configs: { 'segment.ms': '2' } })
      const alter = async (setting: string, configOperation: number, value: string | null) => {
        const configs = [{ name: setting, configOperation, value }]
        const resources = [{ resourceType: topicResource, resourceName: name, configs }]
        return (await client.call('IncrementalAlterConfigs', version, { resources })).responses[0]!
      }
      const becomes = (setting: string, value: string) => until(async () => (await settingOf(name, setting)) === value)
      expect((await alter('retention.ms', operation.set, '55')).errorCode).toBe(0)
      await becomes('retention.ms', '55')
      expect(await settingOf(name, 'segment.ms')).toBe('2')
      expect((await alter('retention.ms', operation.delete, null)).errorCode).toBe(0)
      await until(async () => (await settingOf(name, 'retention.ms')) !== '55')
      expect((await alter('cleanup.policy', operation.append, 'compact')).errorCode).toBe(0)
      await becomes('cleanup.policy', 'delete,compact')
      expect((await alter('cleanup.policy', operation.subtract, 'delete')).errorCode).toBe(0)
      await becomes('cleanup.policy', 'compact')
      expect(await alter('retention.ms', operation.append, '1')).toMatchObject({
        errorCode: errorCodes.INVALID_CONFIG,
        errorMessage: "Can't APPEND to key retention.ms because its type is not LIST.",
      })
    },
  )

  it('refuses changes that Kafka refuses, in its words', async () => {
    const name = await create()
    const change = (resourceType: number, resourceName: string, setting: string, value: string | null) => ({
      resourceType,
      resourceName,
      configs: [{ name: setting, configOperation: operation.set, value }],
    })
    const refusal = async (resource: ReturnType<typeof change>) => {
      const request = { resources: [resource], validateOnly: true }
      const { errorCode, errorMessage } = (await client.call('IncrementalAlterConfigs', 1, request)).responses[0]!
      return [errorCode, errorMessage]
    }
    const { INVALID_CONFIG, INVALID_REQUEST, UNKNOWN_TOPIC_OR_PARTITION } = errorCodes
    expect(await refusal(change(topicResource, `${name}-x`, 'retention.ms', '1'))).toEqual([
      UNKNOWN_TOPIC_OR_PARTITION,
      `The topic '${name}-x' does not exist.`,
    ])
    expect(await refusal(change(topicResource, '', 'retention.ms', '1'))).toEqual([
      INVALID_REQUEST,
      'Default topic resources are not allowed.',
    ])
    expect(await refusal(change(topicResource, name, 'nope', '1'))).toEqual([
      INVALID_CONFIG,
      'Unknown topic config name: nope',
    ])
    expect(await refusal(change(topicResource, name, 'retention.ms', null))).toEqual([
      INVALID_REQUEST,
      'Null value not supported for : retention.ms',
    ])
    expect(await refusal(change(brokerResource, '1', 'num.partitions', '3'))).toEqual([
      INVALID_REQUEST,
      'Cannot update these configs dynamically: [num.partitions]',
    ])
    expect(await refusal(change(brokerResource, '1', 'log.retention.ms', 'x'))).toEqual([
      INVALID_REQUEST,
      'Invalid value x for configuration log.retention.ms: Not a number of type LONG',
    ])
    expect(await refusal(change(brokerResource, '1', 'log.retention.ms', '1000'))).toEqual([0, null])
  })

  it.each(versionsOf('Metadata'))('describes brokers and topics: Metadata v%i', async (version) => {
    const name = await create({ partitions: 2 })
    const answer = await client.call('Metadata', version, { topics: [{ name }] })
    const [address] = engine.bootstrapServers.split(',')
    expect(answer.brokers.map(({ host, port }) => `${host}:${port}`)).toContain(address)
    expect(answer.topics).toHaveLength(1)
    expect(answer.topics[0]).toMatchObject({ errorCode: 0, name })
    expect(
      answer.topics[0]!.partitions.map(({ partitionIndex, leaderId }) => [partitionIndex, leaderId]).sort(),
    ).toEqual([
      [0, 1],
      [1, 1],
    ])
    if (version >= 10) expect(answer.topics[0]!.topicId).not.toBe(zeroUuid)
    const all = await client.call('Metadata', version, { topics: version === 0 ? [] : null })
    expect(all.topics.map((found) => found.name)).toContain(name)
    if (version >= 1) expect((await client.call('Metadata', version, { topics: [] })).topics).toEqual([])
  })

  it('fails for an unknown operation', async () => {
    const name = await create()
    const configs = [{ name: 'retention.ms', configOperation: 7, value: '1' }]
    const resources = [{ resourceType: topicResource, resourceName: name, configs }]
    expect((await client.call('IncrementalAlterConfigs', 1, { resources })).responses).toMatchObject([
      { errorCode: errorCodes.UNKNOWN_SERVER_ERROR, errorMessage: null },
    ])
    expect(await settingOf(name, 'retention.ms')).toBe('604800000')
  })

  it('keeps and describes the settings of groups and of client metrics', async () => {
    const [group, clientMetrics] = [32, 16]
    const name = `admin-${randomUUID()}`
    const alter = async (resourceType: number, setting: string, value: string | null, resourceName = name) => {
      const configOperation = value === null ? operation.delete : operation.set
      const resources = [{ resourceType, resourceName, configs: [{ name: setting, configOperation, value }] }]
      const { errorCode, errorMessage } = (await client.call('IncrementalAlterConfigs', 1, { resources })).responses[0]!
      return `${errorCode} ${errorMessage}`
    }
    const described = async (resourceType: number, setting: string) => {
      const resources = [{ resourceType, resourceName: name, configurationKeys: [setting] }]
      const { results } = await client.call('DescribeConfigs', 4, { resources, includeSynonyms: true })
      const { value, configSource, synonyms } = results[0]!.configs[0]!
      return `${value} ${configSource} ${synonyms.map((synonym) => synonym.name)}`
    }
    const timeout = 'consumer.session.timeout.ms'
    expect(await described(group, timeout)).toBe(`45000 5 group.${timeout}`)
    expect(await alter(group, timeout, '50000')).toBe('0 null')
    await until(async () => (await described(group, timeout)) === `50000 8 ${timeout},group.${timeout}`)
    expect(await alter(group, timeout, null)).toBe('0 null')
    await until(async () => (await described(group, timeout)) === `45000 5 group.${timeout}`)
    expect(await described(clientMetrics, 'interval.ms')).toBe('300000 5 ')
    expect(await alter(clientMetrics, 'interval.ms', '5000')).toBe('0 null')
    await until(async () => (await described(clientMetrics, 'interval.ms')) === '5000 7 interval.ms')
    expect(await alter(clientMetrics, 'interval.ms', null)).toBe('0 null')
    expect([
      await alter(group, 'nope', '1'),
      await alter(group, timeout, '1'),
      await alter(group, timeout, '50000', ''),
      await alter(group, 'share.auto.offset.reset', 'by_duration:PT1H'),
      await alter(group, 'share.auto.offset.reset', null),
      await alter(clientMetrics, 'nope', '1'),
      await alter(clientMetrics, 'interval.ms', '1'),
      await alter(clientMetrics, 'match', 'foo=x'),
    ]).toEqual([
      '40 Unknown group config name: nope',
      `40 ${timeout} must be greater than or equal to group.consumer.min.session.timeout.ms`,
      '42 Default group resources are not allowed.',
      '0 null',
      '0 null',
      '42 Unknown client metrics configuration: nope',
      '42 Invalid value 1 for interval.ms, interval must be between 100 and 3600000 (1 hour)',
      '40 Illegal client matching pattern: foo=x',
    ])
  })

  it('says that min.insync.replicas is set for the whole cluster', async () => {
    const resources = [{ resourceType: brokerResource, resourceName: '1', configurationKeys: ['min.insync.replicas'] }]
    const { results } = await client.call('DescribeConfigs', 4, { resources })
    expect(results[0]!.configs).toMatchObject([{ value: '1', configSource: 3 }])
  })

  it('reports its addresses and its data directory from one source', async () => {
    const configurationKeys = ['advertised.listeners', 'log.dirs']
    const resources = [{ resourceType: brokerResource, resourceName: '1', configurationKeys }]
    const { results } = await client.call('DescribeConfigs', 4, { resources })
    const settings = new Map(results[0]!.configs.map((setting) => [setting.name, setting]))
    const { brokers } = await client.call('Metadata', 12, { topics: [] })
    const advertised = `PLAINTEXT://${brokers[0]!.host}:${brokers[0]!.port}`
    expect(settings.get('advertised.listeners')).toMatchObject({ value: advertised, configSource: 4 })
    const { results: folders } = await client.call('DescribeLogDirs', 4, { topics: null })
    expect(settings.get('log.dirs')).toMatchObject({ value: folders[0]!.logDir, configSource: 4 })
  })

  it('finds topics by id, and says which it does not know', async () => {
    const name = await create()
    const { topicId } = await metadata(name)
    const unknown: Uuid = 'abcdefghijklmnopqrstuA'
    const topics = [topicId, unknown].map((id) => ({ topicId: id, name: null }))
    const answer = await client.call('Metadata', 12, { topics, allowAutoTopicCreation: false })
    expect(Object.fromEntries(answer.topics.map((found) => [found.topicId, [found.name, found.errorCode]]))).toEqual({
      [topicId]: [name, 0],
      [unknown]: [null, errorCodes.UNKNOWN_TOPIC_ID],
    })
  })

  it('fails on a topic without a name and an id, and with it on all others', async () => {
    const name = await create()
    const answer = await client.call('Metadata', 12, { topics: [{ name: null }, { name }] })
    expect(answer.topics.map((topic) => topic.errorCode)).toEqual([-1, -1])
  })

  it.each([10, 11])(
    'takes no topic ids before version 12, nor topics without a name: Metadata v%i',
    async (version) => {
      const { topicId } = await metadata(await create())
      for (const topic of [{ topicId, name: 'a-name' }, { name: null }]) {
        const answer = await client.call('Metadata', version, { topics: [topic] })
        expect(answer.topics).toMatchObject([{ name: topic.name ?? '', errorCode: errorCodes.INVALID_REQUEST }])
      }
    },
  )

  it('creates a topic that is asked for, unless the request forbids it', async () => {
    const name = newName()
    expect((await metadata(name)).errorCode).toBe(errorCodes.UNKNOWN_TOPIC_OR_PARTITION)
    await until(
      async () =>
        (await client.call('Metadata', 4, { topics: [{ name }], allowAutoTopicCreation: true })).topics[0]!
          .errorCode === 0,
    )
    const bad = await client.call('Metadata', 4, { topics: [{ name: 'bad name' }], allowAutoTopicCreation: true })
    expect(bad.topics[0]!.errorCode).toBe(errorCodes.INVALID_TOPIC_EXCEPTION)
  })

  it('returns the authorized operations on request', async () => {
    const name = await create()
    const ask = { topics: [{ name }], includeTopicAuthorizedOperations: true, includeClusterAuthorizedOperations: true }
    const answer = await client.call('Metadata', 8, ask)
    const plain = await client.call('Metadata', 8, { topics: [{ name }] })
    expect([answer.topics[0]!.topicAuthorizedOperations, answer.clusterAuthorizedOperations]).toEqual([3576, 8096])
    expect(plain.topics[0]!.topicAuthorizedOperations).toBe(-2147483648)
  })

  it.each(versionsOf('DescribeCluster'))('describes the cluster: DescribeCluster v%i', async (version) => {
    const cluster = await client.call('DescribeCluster', version, { includeClusterAuthorizedOperations: true })
    const { clusterId } = await client.call('Metadata', 12, { topics: [] })
    expect(cluster).toMatchObject({ errorCode: 0, clusterId, clusterAuthorizedOperations: 8096 })
    expect(cluster.brokers.map(({ brokerId }) => brokerId)).toContain(1)
    if (version === 0) return
    const controllers = await client.call('DescribeCluster', version, { endpointType: 2 })
    expect(controllers.errorCode).toBe(errorCodes.MISMATCHED_ENDPOINT_TYPE)
  })

  it('pages through partitions with a cursor', async () => {
    const [first, second] = [await create({ partitions: 3 }), await create({ partitions: 2 })].sort() as [
      string,
      string,
    ]
    const counts = new Map([
      [first, (await metadata(first)).partitions.length],
      [second, (await metadata(second)).partitions.length],
    ])
    const seen: [string | null, number][] = []
    let cursor: { topicName: string; partitionIndex: number } | null = null
    let pages = 0
    do {
      const answer: Awaited<ReturnType<typeof page>> = await page(cursor)
      for (const found of answer.topics) {
        for (const { partitionIndex } of found.partitions) seen.push([found.name, partitionIndex])
      }
      cursor = answer.nextCursor
      pages++
    } while (cursor !== null)
    const expected = [...counts].flatMap(([name, count]) => Array.from({ length: count }, (_, index) => [name, index]))
    expect(seen).toEqual(expected)
    expect(pages).toBe(3)

    function page(from: typeof cursor) {
      const topics = [{ name: second }, { name: first }]
      return client.call('DescribeTopicPartitions', 0, { topics, responsePartitionLimit: 2, cursor: from })
    }
  })

  it('says which topics to describe do not exist', async () => {
    const topics = [{ name: 'bad name' }, { name: `missing-${randomUUID()}` }]
    const answer = await client.call('DescribeTopicPartitions', 0, { topics })
    expect(answer.topics.map(({ errorCode }) => errorCode)).toEqual([
      errorCodes.INVALID_TOPIC_EXCEPTION,
      errorCodes.UNKNOWN_TOPIC_OR_PARTITION,
    ])
  })

  it.each(versionsOf('DescribeAcls'))(
    'has no rules to describe without an authorizer: DescribeAcls v%i',
    async (version) => {
      const filter = { resourceTypeFilter: 1, resourceNameFilter: null, patternTypeFilter: 1, principalFilter: null }
      const all = { ...filter, hostFilter: null, operation: 1, permissionType: 1 }
      expect(await client.call('DescribeAcls', version, all)).toMatchObject({
        errorCode: errorCodes.SECURITY_DISABLED,
        errorMessage: 'No Authorizer is configured on the broker',
        resources: [],
      })
    },
  )

  it.each(versionsOf('CreateAcls'))('refuses each rule without an authorizer: CreateAcls v%i', async (version) => {
    const who = { principal: 'User:billing', host: '*', operation: 3, permissionType: 3 }
    const creation = { resourceType: topicResource, resourceName: 'orders', ...who }
    const refused = { errorCode: errorCodes.SECURITY_DISABLED, errorMessage: 'No Authorizer is configured.' }
    const { results } = await client.call('CreateAcls', version, { creations: [creation, creation] })
    expect(results).toEqual([refused, refused])
  })

  it.each(versionsOf('DeleteAcls'))('refuses each filter without an authorizer: DeleteAcls v%i', async (version) => {
    const filter = { resourceTypeFilter: topicResource, resourceNameFilter: 'orders', principalFilter: null }
    const { filterResults } = await client.call('DeleteAcls', version, {
      filters: [{ ...filter, hostFilter: null, operation: 1, permissionType: 1 }],
    })
    const refused = { errorCode: errorCodes.SECURITY_DISABLED, errorMessage: 'No Authorizer is configured.' }
    expect(filterResults).toEqual([{ ...refused, matchingAcls: [] }])
  })
})
