import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type MetadataStore, openMetadataStore } from './store.ts'
import type { NewTopic } from './types.ts'

const silent = { debug() {}, info() {}, warn() {}, error() {} }

function topic(name: string, partitions = 1, configs: Record<string, string> = {}): NewTopic {
  return { name, assignments: Array.from({ length: partitions }, () => [1]), configs: new Map(Object.entries(configs)) }
}

describe('metadata store', () => {
  let dir: string
  const open: MetadataStore[] = []
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'metadata-'))
  })
  afterEach(async () => {
    for (const store of open.splice(0)) await store.close()
    rmSync(dir, { recursive: true })
  })

  async function start(
    options: {
      dir?: string
      brokerIds?: readonly number[]
      config?: Record<string, string>
      snapshotBytes?: number
    } = {},
  ): Promise<MetadataStore> {
    const store = await openMetadataStore({
      dir: options.dir ?? dir,
      brokerIds: options.brokerIds ?? [1],
      staticConfig: new Map(Object.entries(options.config ?? {})),
      logger: silent,
      snapshotBytes: options.snapshotBytes,
    })
    open.push(store)
    return store
  }

  function stateOf(store: MetadataStore) {
    return store.topics().map(({ name, id, partitions, overrides }) => ({
      name,
      id,
      partitions: partitions.length,
      overrides: Object.fromEntries(overrides),
    }))
  }

  it('knows which topic a new name would collide with, until that one is deleted', async () => {
    const store = await start()
    const [created] = await store.createTopics([topic('user.events_old')])
    expect(store.collision('user_events.old')).toBe('user.events_old')
    expect(store.collision('user-events.old')).toBeUndefined()
    await store.close()
    const restarted = await start()
    expect(restarted.collision('user_events.old')).toBe('user.events_old')
    await restarted.deleteTopics([created!.id])
    expect(restarted.collision('user_events.old')).toBeUndefined()
  })

  it('has topics, partitions and settings again after a restart', async () => {
    const store = await start()
    await store.createTopics([topic('b', 3, { 'retention.ms': '1000' }), topic('a')])
    await store.createPartitions('a', [[1], [1]])
    await store.alterConfigs([
      { resource: { type: 'topic', name: 'a' }, configs: new Map([['cleanup.policy', 'compact']]) },
      { resource: { type: 'broker', name: '' }, configs: new Map([['log.retention.ms', '5000']]) },
    ])
    const before = stateOf(store)
    await store.close()

    const again = await start()
    expect(stateOf(again)).toEqual(before)
    expect(before.map(({ name, partitions }) => [name, partitions])).toEqual([
      ['a', 3],
      ['b', 3],
    ])
    expect(again.topic('a')!.config['cleanup.policy']).toEqual(['compact'])
    expect(again.topic('a')!.config['retention.ms']).toBe(5000)
    expect(again.topic('b')!.config['retention.ms']).toBe(1000)
  })

  it('forgets a deleted topic, by name and by id, also after a restart', async () => {
    const store = await start()
    const [created] = await store.createTopics([topic('a')])
    await store.deleteTopics([created!.id])
    expect(store.topic('a')).toBeUndefined()
    expect(store.topicById(created!.id)).toBeUndefined()
    await store.close()
    expect((await start()).topics()).toEqual([])
  })

  it('creates all topics of one call or none', async () => {
    const store = await start()
    await store.createTopics([topic('a')])
    await expect(store.createTopics([topic('b'), topic('a')])).rejects.toMatchObject({ code: 'TOPIC_ALREADY_EXISTS' })
    expect(store.topic('b')).toBeUndefined()
  })

  it('keeps a prefix of the changes when its file is cut at any byte', async () => {
    const store = await start()
    const states: string[] = [JSON.stringify(stateOf(store))]
    const remember = () => states.push(JSON.stringify(stateOf(store)))
    await store.createTopics([topic('a', 2), topic('b')])
    remember()
    await store.createPartitions('a', [[1]])
    remember()
    await store.deleteTopics([store.topic('b')!.id])
    remember()
    await store.alterConfigs([{ resource: { type: 'topic', name: 'a' }, configs: new Map([['retention.ms', '7']]) }])
    remember()
    await store.close()
    open.length = 0

    const whole = readFileSync(join(dir, 'metadata.log'))
    const cutDir = join(dir, 'cut')
    mkdirSync(cutDir)
    let reached = 0
    for (let length = 0; length <= whole.length; length++) {
      writeFileSync(join(cutDir, 'metadata.log'), whole.subarray(0, length))
      const recovered = await start({ dir: cutDir })
      const state = states.indexOf(JSON.stringify(stateOf(recovered)))
      expect(state, `cut at ${length}`).toBeGreaterThanOrEqual(reached)
      reached = state
      await recovered.close()
      open.length = 0
    }
    expect(reached).toBe(states.length - 1)
  })

  it('writes a snapshot when the file has grown, with nothing lost', async () => {
    const store = await start({ snapshotBytes: 4096 })
    await store.createTopics([topic('a')])
    const id = await store.nextProducerId()
    for (let n = 0; n < 200; n++) {
      await store.alterConfigs([
        { resource: { type: 'topic', name: 'a' }, configs: new Map([['retention.ms', String(n)]]) },
      ])
    }
    expect(statSync(join(dir, 'metadata.log')).size).toBeLessThan(8192)
    await store.close()
    const again = await start()
    expect(again.topic('a')!.config['retention.ms']).toBe(199)
    expect(await again.nextProducerId()).toBeGreaterThan(id)
  })

  it('never gives out a producer id twice, whatever happens between', async () => {
    const store = await start()
    const ids = await Promise.all(Array.from({ length: 2500 }, () => store.nextProducerId()))
    expect(new Set(ids).size).toBe(2500)
    // As after kill -9: the file as it is now, without close().
    const crashed = join(dir, 'crashed')
    mkdirSync(crashed)
    copyFileSync(join(dir, 'metadata.log'), join(crashed, 'metadata.log'))
    const again = await start({ dir: crashed })
    expect(ids).not.toContain(await again.nextProducerId())
  })

  it('tells listeners of each change in order and waits for them', async () => {
    const store = await start()
    const told: string[] = []
    store.onChange(async (change) => {
      await Promise.resolve()
      told.push('topic' in change ? `${change.kind} ${change.topic.name}` : change.kind)
    })
    const [a] = await store.createTopics([topic('a'), topic('b')])
    await store.createPartitions('b', [[1]])
    await store.deleteTopics([a!.id])
    await store.alterConfigs([
      { resource: { type: 'broker', name: '' }, configs: new Map([['log.retention.ms', '1']]) },
    ])
    expect(told).toEqual([
      'topic-created a',
      'topic-created b',
      'partitions-added b',
      'topic-deleted a',
      'broker-config-changed',
      'topic-config-changed b',
    ])
  })

  it('answers a change that is durable as done, whatever happens to a listener, and tells the others', async () => {
    const store = await start()
    const told: string[] = []
    store.onChange(() => Promise.reject(new Error('EIO')))
    store.onChange(() => {
      throw new Error('EIO')
    })
    store.onChange((change) => void told.push(change.kind))
    const [created] = await store.createTopics([topic('a')])
    await store.deleteTopics([created!.id])
    expect(told).toEqual(['topic-created', 'topic-deleted'])
  })

  it('remembers what was deleted until nothing of it is left, through snapshots and restarts', async () => {
    const store = await start({ snapshotBytes: 1 })
    const [a, b] = await store.createTopics([topic('a'), topic('b')])
    await store.deleteTopics([a!.id, b!.id])
    await store.createTopics([topic('c')])
    store.forgetDeleted([b!.id])
    // Written down again as a snapshot.
    for (let i = 0; i < 40; i++) await store.createTopics([topic(`more${i}`)])
    await store.close()
    const again = await start()
    expect(again.isDeleted(a!.id)).toBe(true)
    expect(again.isDeleted(b!.id)).toBe(false)
    expect(again.isDeleted(again.topic('c')!.id)).toBe(false)
    expect(again.deletedTopics()).toEqual([a!.id])
  })

  it('creates an internal topic once for many callers, by the settings of the broker', async () => {
    const store = await start({ brokerIds: [1, 2], config: { 'offsets.topic.num.partitions': '7' } })
    const created = await Promise.all([1, 2, 3].map(() => store.ensureInternalTopic('__consumer_offsets')))
    expect(new Set(created.map(({ id }) => id)).size).toBe(1)
    expect(created[0]!.partitions).toHaveLength(7)
    expect(created[0]!.partitions[0]!.replicas).toHaveLength(2)
    expect(created[0]!.internal).toBe(true)
    expect(created[0]!.config['cleanup.policy']).toEqual(['compact'])
  })

  it('finds every partition a leader when it is opened with fewer brokers than before', async () => {
    const store = await start({ brokerIds: [1, 2, 3] })
    await store.createTopics([{ name: 'a', assignments: [[1], [3], [3, 1]], configs: new Map() }])
    await store.close()
    const fewer = await start({ brokerIds: [1] })
    expect(fewer.topic('a')!.partitions.map(({ leader, isr }) => [leader, isr])).toEqual([
      [1, [1]],
      [1, [1]],
      [1, [1]],
    ])
  })

  it('runs exclusive work one at a time, also after a failure', async () => {
    const store = await start()
    let running = 0
    const work = async (fail: boolean) => {
      expect(++running).toBe(1)
      await Promise.resolve()
      running--
      if (fail) throw new Error('on purpose')
    }
    const results = await Promise.allSettled([true, false, true].map((fail) => store.exclusively(() => work(fail))))
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'rejected'])
  })
})
