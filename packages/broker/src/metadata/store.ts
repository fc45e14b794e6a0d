// The metadata store: the durable state of `records.ts`, kept in a record log, with the views that the broker reads.
//
// A mutation is written and synced first, applied to memory then, told to the listeners last; its promise resolves after
// all three. Reads never wait. Mutations are written one after the other, in the order of the calls.
import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Uuid, zeroUuid } from '@selfmonitor/protocol'
import { makeBrokerConfig, resolveTopicConfig } from '../config/index.ts'
import { KafkaError } from '../errors.ts'
import type { Logger } from '../types.ts'
import { placeReplicas } from './placement.ts'
import { openRecordLog } from './record-log.ts'
import { applyRecord, dumpRecords, emptyState, type MetadataRecord, type StoredTopic } from './records.ts'
import { metricName } from './topic-names.ts'
import type {
  BrokerLayers,
  MetadataChange,
  MetadataStore,
  NewTopic,
  PartitionMetadata,
  TopicMetadata,
} from './types.ts'

export interface MetadataStoreOptions {
  /** Folder of the store's file; created when missing. */
  readonly dir: string
  /** Node ids of the presented brokers. */
  readonly brokerIds: readonly number[]
  /** Settings that the broker was started with. */
  readonly staticConfig: ReadonlyMap<string, string>
  readonly logger: Logger
  /** A snapshot is written when the file is larger than this and than four times the snapshot before. Default 1 MiB. */
  readonly snapshotBytes?: number
  /** Whether changes outlive the machine (default), or only as long as the folder does. */
  readonly durable?: boolean
  /** Why a missing or empty file must not be replaced by a new one; undefined: it may. */
  readonly mustExist?: string
}

/** How many producer ids one durable write reserves; a crash loses at most this many, as in Kafka. */
const producerIdBlockSize = 1000n

const internalTopics: ReadonlySet<string> = new Set(['__consumer_offsets', '__transaction_state'])

/** @throws RecordLogError when the file is damaged or newer than this release. */
export async function openMetadataStore(options: MetadataStoreOptions): Promise<MetadataStore> {
  const { dir, brokerIds, staticConfig, logger } = options
  mkdirSync(dir, { recursive: true })
  const path = join(dir, 'metadata.log')
  const { entries, tornBytes, log } = await openRecordLog(path, options)
  if (tornBytes > 0) logger.warn({ path, tornBytes }, 'cut the torn end of the metadata log')

  const state = emptyState()
  for (const entry of entries) for (const record of entry as MetadataRecord[]) applyRecord(state, record)

  const brokerId = brokerIds[0]!
  const layers = (): BrokerLayers => ({
    dynamic: state.brokerConfigs.get(String(brokerId)) ?? none,
    dynamicDefault: state.brokerConfigs.get('') ?? none,
    static: staticConfig,
  })
  const brokerConfig = makeBrokerConfig(layers)
  const view = (stored: StoredTopic): TopicMetadata => ({
    name: stored.name,
    id: stored.id,
    internal: internalTopics.has(stored.name),
    partitions: stored.assignments.map((replicas, partition) => presentPartition(partition, replicas, brokerIds)),
    overrides: stored.configs,
    config: resolveTopicConfig(layers(), stored.configs),
  })

  const byName = new Map<string, TopicMetadata>()
  const byId = new Map<Uuid, TopicMetadata>()
  const byMetricName = new Map<string, string>()
  let sorted: readonly TopicMetadata[] | undefined
  const put = (topic: TopicMetadata): TopicMetadata => {
    byName.set(topic.name, topic)
    byId.set(topic.id, topic)
    byMetricName.set(metricName(topic.name), topic.name)
    sorted = undefined
    return topic
  }
  for (const stored of state.topics.values()) put(view(stored))

  const listeners = new Set<(change: MetadataChange) => void | Promise<void>>()
  const writes = makeQueue()
  const exclusive = makeQueue()
  let snapshotSize = log.sizeBytes
  let nextProducerId = state.nextProducerIdBlock
  let reserving: Promise<void> | undefined
  const creating = new Map<string, Promise<TopicMetadata>>()
  let closing: Promise<void> | undefined

  /** One mutation: `plan` sees the newest state and gives the records; `changes` is asked once they are applied. */
  function mutate<T>(
    plan: () => MetadataRecord[],
    changes: () => { result: T; changes: MetadataChange[] },
  ): Promise<T> {
    return writes(async () => {
      if (closing) throw new KafkaError('BROKER_NOT_AVAILABLE', 'the broker is stopping')
      const records = plan()
      if (records.length > 0) await log.append(records)
      for (const record of records) applyRecord(state, record)
      const outcome = changes()
      for (const change of outcome.changes) await tell(change)
      await snapshotIfGrown()
      return outcome.result
    })
  }

  /** The change is durable: a listener that fails has a problem of its own, which must not become the client's answer. */
  async function tell(change: MetadataChange): Promise<void> {
    for (const listener of [...listeners]) {
      try {
        await listener(change)
      } catch (error) {
        logger.error({ change: change.kind, err: error }, 'a part of the broker could not follow a metadata change')
      }
    }
  }

  async function snapshotIfGrown(): Promise<void> {
    const limit = Math.max(options.snapshotBytes ?? 1024 * 1024, snapshotSize * 4)
    if (log.sizeBytes <= limit) return
    try {
      await log.rewrite(dumpRecords(state).map((record) => [record]))
      snapshotSize = log.sizeBytes
    } catch (error) {
      // The change itself is durable, so it must not fail now; the next one tries again.
      logger.error({ error, path }, 'could not write the metadata snapshot')
    }
  }

  const store: MetadataStore = {
    topic: (name) => byName.get(name),
    topicById: (id) => byId.get(id),
    topics() {
      sorted ??= [...byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
      return sorted
    },
    isDeleted: (id) => state.deletedTopics.has(id),
    forgetDeleted(ids) {
      for (const id of ids) state.deletedTopics.delete(id)
    },
    deletedTopics: () => [...state.deletedTopics],
    collision: (name) => byMetricName.get(metricName(name)),
    overrides({ type, name }) {
      if (type === 'topic') return state.topics.get(name)?.configs ?? none
      return (type === 'broker' ? state.brokerConfigs : state.namedConfigs[type]).get(name) ?? none
    },
    configured: (type) => [...state.namedConfigs[type].keys()].sort(),
    brokerLayers: layers,
    brokerConfig,
    exclusively: (work) => exclusive(work),

    createTopics(topics) {
      const created = topics.map((topic) => ({ ...topic, id: randomTopicId() }))
      return mutate(
        () => {
          const taken = topics.find(({ name }) => byName.has(name))
          if (taken) throw new KafkaError('TOPIC_ALREADY_EXISTS', `Topic '${taken.name}' already exists.`)
          return created.map(({ configs, ...topic }) => ({
            type: 'topic',
            ...topic,
            configs: Object.fromEntries(configs),
          }))
        },
        () => {
          const result = created.map(({ id }) => put(view(state.topicsById.get(id)!)))
          return { result, changes: result.map((topic) => ({ kind: 'topic-created', topic })) }
        },
      )
    },

    deleteTopics(ids) {
      let gone: TopicMetadata[] = []
      return mutate(
        () => {
          gone = [...new Set(ids)].flatMap((id) => byId.get(id) ?? [])
          return gone.map(({ id }) => ({ type: 'topicDeleted', id }))
        },
        () => {
          for (const { id, name } of gone) {
            byId.delete(id)
            byName.delete(name)
            byMetricName.delete(metricName(name))
          }
          sorted = undefined
          return { result: undefined, changes: gone.map((topic) => ({ kind: 'topic-deleted', topic })) }
        },
      )
    },

    createPartitions(name, assignments) {
      let firstNew = 0
      return mutate(
        () => {
          const stored = state.topics.get(name)
          if (!stored) throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION')
          firstNew = stored.assignments.length
          return [topicRecord({ ...stored, assignments: [...stored.assignments, ...assignments] })]
        },
        () => {
          const topic = put(view(state.topics.get(name)!))
          return { result: topic, changes: [{ kind: 'partitions-added', topic, firstNew }] }
        },
      )
    },

    alterConfigs(changes) {
      let brokersChanged = false
      return mutate(
        () =>
          changes.map(({ resource, configs }): MetadataRecord => {
            if (resource.type === 'broker') {
              brokersChanged = true
              return { type: 'brokerConfigs', broker: resource.name, configs: Object.fromEntries(configs) }
            }
            if (resource.type !== 'topic') {
              return {
                type: 'namedConfigs',
                kind: resource.type,
                name: resource.name,
                configs: Object.fromEntries(configs),
              }
            }
            const stored = state.topics.get(resource.name)
            if (!stored) throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION')
            return topicRecord({ ...stored, configs })
          }),
        () => {
          // A broker setting shines through in every topic.
          const topics = changes.flatMap(({ resource }) => (resource.type === 'topic' ? [resource.name] : []))
          const names = brokersChanged ? [...byName.keys()] : topics
          const changed = names.map(
            (name): MetadataChange => ({ kind: 'topic-config-changed', topic: put(view(state.topics.get(name)!)) }),
          )
          return {
            result: undefined,
            changes: brokersChanged ? [{ kind: 'broker-config-changed' }, ...changed] : changed,
          }
        },
      )
    },

    ensureInternalTopic(name) {
      const existing = byName.get(name)
      if (existing) return Promise.resolve(existing)
      const underWay = creating.get(name)
      if (underWay) return underWay
      const created = store
        .createTopics([internalTopic(name)])
        .then(([topic]) => topic!)
        .finally(() => creating.delete(name))
      creating.set(name, created)
      return created
    },

    async nextProducerId() {
      while (nextProducerId >= state.nextProducerIdBlock) {
        reserving ??= mutate(
          () => {
            nextProducerId = state.nextProducerIdBlock
            return [{ type: 'producerIds', next: String(state.nextProducerIdBlock + producerIdBlockSize) }]
          },
          () => ({ result: undefined, changes: [] }),
        ).finally(() => {
          reserving = undefined
        })
        await reserving
      }
      return nextProducerId++
    },

    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },

    close() {
      closing ??= writes(async () => log.close())
      return closing
    },
  }

  function internalTopic(name: '__consumer_offsets' | '__transaction_state'): NewTopic {
    const [prefix, extra] =
      name === '__consumer_offsets'
        ? ['offsets.topic', { 'compression.type': 'producer' }]
        : [
            'transaction.state.log',
            {
              'compression.type': 'uncompressed',
              'min.insync.replicas': String(brokerConfig.number('transaction.state.log.min.isr')),
              'unclean.leader.election.enable': 'false',
            },
          ]
    const partitions = brokerConfig.number(`${prefix}.num.partitions`)
    const replicationFactor = Math.min(brokerConfig.number(`${prefix}.replication.factor`), brokerIds.length)
    const configs = {
      'cleanup.policy': 'compact',
      'segment.bytes': String(brokerConfig.number(`${prefix}.segment.bytes`)),
      ...extra,
    }
    return {
      name,
      assignments: placeReplicas(name, 0, partitions, replicationFactor, brokerIds),
      configs: new Map(Object.entries(configs)),
    }
  }

  return store
}

const none: ReadonlyMap<string, string> = new Map()

function topicRecord({ id, name, assignments, configs }: StoredTopic): MetadataRecord {
  return { type: 'topic', id, name, assignments, configs: Object.fromEntries(configs) }
}

/**
 * A partition as clients see it. Its leader is the first of its replicas that is presented; when the data directory was
 * opened with fewer brokers than it was made with, some other broker leads, since all of them have the data.
 */
function presentPartition(
  partition: number,
  replicas: readonly number[],
  brokerIds: readonly number[],
): PartitionMetadata {
  const isr = replicas.filter((id) => brokerIds.includes(id))
  if (isr.length > 0) return { partition, leader: isr[0]!, leaderEpoch: 0, replicas, isr }
  const leader = brokerIds[partition % brokerIds.length]!
  return { partition, leader, leaderEpoch: 0, replicas: [leader], isr: [leader] }
}

/** A random uuid that is none of Kafka's reserved ones and does not begin with a dash, so that it can be an argument. */
function randomTopicId(): Uuid {
  for (;;) {
    const id = randomBytes(16).toString('base64url')
    if (!id.startsWith('-') && id !== zeroUuid) return id
  }
}

/** Runs one piece of work after the other; a failure does not stop the next. */
function makeQueue(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve()
  return (work) => {
    const result = last.then(work)
    last = result.catch(() => {})
    return result
  }
}
