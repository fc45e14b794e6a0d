// The metadata store: topics, settings and producer ids, kept in the metadata log, and the views of them that the broker reads.
//
// A mutation is first written and synced, then applied to memory, then reported to the listeners; its promise resolves after
// all three. Reads never wait. Mutations are written one after the other, in the order of the calls.
import { randomBytes } from 'node:crypto'
import { type Uuid, zeroUuid } from '@selfmonitor/protocol'
import pLimit from 'p-limit'
import { type BrokerConfig, type BrokerLayers, makeBrokerConfig } from '../config/index.ts'
import { KafkaError } from '../errors.ts'
import type { Logger } from '../types.ts'
import { type InternalTopicName, newInternalTopic } from './internal-topics.ts'
import { type MetadataLog, type MetadataLogOptions, openMetadataLog } from './metadata-log.ts'
import type { MetadataRecord, NamedKind, StoredTopic } from './records.ts'
import { TopicViews, topicView } from './topic-views.ts'
import type { ConfigResource, MetadataChange, NewTopic, TopicMetadata } from './types.ts'

export interface MetadataStoreOptions extends MetadataLogOptions {
  /** Node ids of the presented brokers. */
  readonly brokerIds: readonly number[]
  /** Settings that the broker was started with. */
  readonly staticConfig: ReadonlyMap<string, string>
}

/** How many producer ids one durable write reserves; a crash loses at most this many, as in Kafka. */
const producerIdBlockSize = 1000n

type Listener = (change: MetadataChange) => void | Promise<void>

/** The new settings of a resource, which replace all that it had. */
interface ConfigChange {
  readonly resource: ConfigResource
  readonly configs: ReadonlyMap<string, string>
}

/** @throws RecordLogError when the file is damaged or newer than this release */
export async function openMetadataStore(options: MetadataStoreOptions): Promise<MetadataStore> {
  return new MetadataStore(options, await openMetadataLog(options))
}

/**
 * The broker's topics and settings. Reads are synchronous and always current; each mutation is on disk before its
 * promise resolves.
 */
export class MetadataStore {
  readonly brokerConfig: BrokerConfig
  private readonly brokerIds: readonly number[]
  private readonly staticConfig: ReadonlyMap<string, string>
  private readonly logger: Logger
  private readonly log: MetadataLog
  private readonly views = new TopicViews()
  private readonly listeners = new Set<Listener>()
  /** Mutations, one at a time. */
  private readonly writes = pLimit(1)
  /** Work of `exclusively`, one at a time. */
  private readonly exclusive = pLimit(1)
  private readonly internalTopicsUnderWay = new Map<InternalTopicName, Promise<TopicMetadata>>()
  /** The next id to give out. Ids up to the end of the reserved block are on disk as given out. */
  private producerId: bigint
  private reserving: Promise<void> | undefined
  private closed: Promise<void> | undefined

  constructor(options: MetadataStoreOptions, log: MetadataLog) {
    this.brokerIds = options.brokerIds
    this.staticConfig = options.staticConfig
    this.logger = options.logger
    this.log = log
    this.brokerConfig = makeBrokerConfig(() => this.brokerLayers())
    this.producerId = log.state.nextProducerIdBlock
    for (const stored of log.state.topics.values()) this.updateView(stored)
  }

  topic(name: string): TopicMetadata | undefined {
    return this.views.get(name)
  }

  topicById(id: Uuid): TopicMetadata | undefined {
    return this.views.withId(id)
  }

  /** Every topic, sorted by name. */
  topics(): readonly TopicMetadata[] {
    return this.views.all()
  }

  /**
   * Whether this was the id of a topic that was deleted, and whose records may still be on the disk. Nothing is deleted for
   * an id that is neither this nor a topic's.
   */
  isDeleted(id: Uuid): boolean {
    return this.log.state.deletedTopics.has(id)
  }

  /** Ids of all topics for which `isDeleted` is true. */
  deletedTopics(): readonly Uuid[] {
    return [...this.log.state.deletedTopics]
  }

  /** To be called once nothing of these deleted topics is on the disk any more. */
  forgetDeleted(ids: readonly Uuid[]): void {
    for (const id of ids) this.log.state.deletedTopics.delete(id)
  }

  /** The topic of this name, or of one that differs only in dots and underscores: metric names do not distinguish them. */
  collision(name: string): string | undefined {
    return this.views.withMetricName(name)
  }

  /** The dynamic settings of a resource; empty for an unknown one. */
  overrides({ type, name }: ConfigResource): ReadonlyMap<string, string> {
    const { state } = this.log
    if (type === 'topic') return state.topics.get(name)?.configs ?? none
    return (type === 'broker' ? state.brokerConfigs : state.namedConfigs[type]).get(name) ?? none
  }

  /** The names of all resources of this type that have settings, sorted. */
  configured(type: NamedKind): readonly string[] {
    return [...this.log.state.namedConfigs[type].keys()].sort()
  }

  /** Where broker settings come from. */
  brokerLayers(): BrokerLayers {
    const { brokerConfigs } = this.log.state
    return {
      dynamic: brokerConfigs.get(String(this.brokerIds[0])) ?? none,
      dynamicDefault: brokerConfigs.get('') ?? none,
      static: this.staticConfig,
    }
  }

  /** Runs `work` while no other `work` runs, so that a caller can validate and then change. Not reentrant. */
  exclusively<T>(work: () => Promise<T>): Promise<T> {
    return this.exclusive(work)
  }

  /** All or nothing, one durable write. The caller has validated. @throws KafkaError TOPIC_ALREADY_EXISTS on a race */
  createTopics(topics: readonly NewTopic[]): Promise<readonly TopicMetadata[]> {
    const created = topics.map((topic) => ({ ...topic, id: randomTopicId() }))
    return this.mutate(
      () => {
        const taken = topics.find(({ name }) => this.views.get(name))
        if (taken) throw new KafkaError('TOPIC_ALREADY_EXISTS', `Topic '${taken.name}' already exists.`)
        return created.map(topicRecord)
      },
      () => {
        const result = created.map(({ id }) => this.updateView(this.log.state.topicsById.get(id)!))
        return { result, changes: result.map((topic) => ({ kind: 'topic-created', topic })) }
      },
    )
  }

  /** Unknown ids are passed over. */
  deleteTopics(ids: readonly Uuid[]): Promise<void> {
    let deleted: TopicMetadata[] = []
    return this.mutate(
      () => {
        deleted = [...new Set(ids)].flatMap((id) => this.views.withId(id) ?? [])
        return deleted.map(({ id }) => ({ type: 'topicDeleted', id }))
      },
      () => {
        for (const topic of deleted) this.views.remove(topic)
        return { result: undefined, changes: deleted.map((topic) => ({ kind: 'topic-deleted', topic })) }
      },
    )
  }

  /** Adds the partitions after the present ones. @throws KafkaError UNKNOWN_TOPIC_OR_PARTITION */
  createPartitions(topic: string, assignments: readonly (readonly number[])[]): Promise<TopicMetadata> {
    let firstNew = 0
    return this.mutate(
      () => {
        const stored = this.storedTopic(topic)
        firstNew = stored.assignments.length
        return [topicRecord({ ...stored, assignments: [...stored.assignments, ...assignments] })]
      },
      () => {
        const result = this.updateView(this.storedTopic(topic))
        return { result, changes: [{ kind: 'partitions-added', topic: result, firstNew }] }
      },
    )
  }

  /** Replaces what is set on each resource. @throws KafkaError UNKNOWN_TOPIC_OR_PARTITION */
  alterConfigs(changes: readonly ConfigChange[]): Promise<void> {
    return this.mutate(
      () => changes.map((change) => this.configRecord(change)),
      () => {
        const brokersChanged = changes.some(({ resource }) => resource.type === 'broker')
        const topics = changes.flatMap(({ resource }) => (resource.type === 'topic' ? [resource.name] : []))
        // Every topic inherits from the broker's settings.
        const changedTopics = brokersChanged ? this.views.names() : topics
        const topicChanges = changedTopics.map(
          (name): MetadataChange => ({
            kind: 'topic-config-changed',
            topic: this.updateView(this.storedTopic(name)),
          }),
        )
        const brokerChanges: MetadataChange[] = brokersChanged ? [{ kind: 'broker-config-changed' }] : []
        return { result: undefined, changes: [...brokerChanges, ...topicChanges] }
      },
    )
  }

  private configRecord({ resource: { type, name }, configs }: ConfigChange): MetadataRecord {
    switch (type) {
      case 'topic':
        return topicRecord({ ...this.storedTopic(name), configs })
      case 'broker':
        return { type: 'brokerConfigs', broker: name, configs: Object.fromEntries(configs) }
      case 'group':
      case 'client-metrics':
        return { type: 'namedConfigs', kind: type, name, configs: Object.fromEntries(configs) }
    }
  }

  /**
   * The internal topic, created by the broker's settings (`offsets.topic.num.partitions`, …) when it is first needed.
   * Concurrent callers get the same topic.
   */
  ensureInternalTopic(name: InternalTopicName): Promise<TopicMetadata> {
    const existing = this.views.get(name)
    if (existing) return Promise.resolve(existing)
    const underWay = this.internalTopicsUnderWay.get(name)
    if (underWay) return underWay
    const created = this.createTopics([newInternalTopic(name, this.brokerConfig, this.brokerIds)])
      .then(([topic]) => topic!)
      .finally(() => this.internalTopicsUnderWay.delete(name))
    this.internalTopicsUnderWay.set(name, created)
    return created
  }

  /** A producer id that no producer has had, also across restarts and crashes. */
  async nextProducerId(): Promise<bigint> {
    while (this.producerId >= this.log.state.nextProducerIdBlock) {
      this.reserving ??= this.reserveProducerIds().finally(() => {
        this.reserving = undefined
      })
      await this.reserving
    }
    return this.producerId++
  }

  private reserveProducerIds(): Promise<void> {
    return this.mutate(
      () => {
        const { nextProducerIdBlock } = this.log.state
        this.producerId = nextProducerIdBlock
        return [{ type: 'producerIds', next: String(nextProducerIdBlock + producerIdBlockSize) }]
      },
      () => ({ result: undefined, changes: [] }),
    )
  }

  /**
   * Calls `listener` in order after each durable change, before the mutation's promise resolves; a promise that it returns is
   * awaited. A listener must not wait for another mutation.
   * @returns the function that ends this
   */
  onChange(listener: Listener): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  /** Waits for writes under way and closes the file. Safe to call twice. */
  close(): Promise<void> {
    this.closed ??= this.writes(() => this.log.close())
    return this.closed
  }

  /**
   * One mutation.
   * @param plan sees the newest state and returns the records to write
   * @param apply updates the views once the records are applied, and returns the result and what changed
   * @throws KafkaError BROKER_NOT_AVAILABLE when the store is closed
   */
  private mutate<T>(
    plan: () => readonly MetadataRecord[],
    apply: () => { readonly result: T; readonly changes: readonly MetadataChange[] },
  ): Promise<T> {
    return this.writes(async () => {
      if (this.closed) throw new KafkaError('BROKER_NOT_AVAILABLE', 'the broker is stopping')
      await this.log.write(plan())
      const { result, changes } = apply()
      for (const change of changes) await this.report(change)
      await this.log.snapshotIfGrown()
      return result
    })
  }

  /** The change is durable: the failure of a listener is logged and does not become the client's answer. */
  private async report(change: MetadataChange): Promise<void> {
    for (const listener of [...this.listeners]) {
      try {
        await listener(change)
      } catch (error) {
        this.logger.error(
          { change: change.kind, err: error },
          'a part of the broker could not follow a metadata change',
        )
      }
    }
  }

  private storedTopic(name: string): StoredTopic {
    const stored = this.log.state.topics.get(name)
    if (!stored) throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION')
    return stored
  }

  private updateView(stored: StoredTopic): TopicMetadata {
    return this.views.put(topicView(stored, this.brokerLayers(), this.brokerIds))
  }
}

const none: ReadonlyMap<string, string> = new Map()

function topicRecord({ id, name, assignments, configs }: StoredTopic): MetadataRecord {
  return { type: 'topic', id, name, assignments, configs: Object.fromEntries(configs) }
}

/** A random uuid that is none of Kafka's reserved ones and does not begin with a dash, so that it can be an argument. */
function randomTopicId(): Uuid {
  for (;;) {
    const id = randomBytes(16).toString('base64url')
    if (!id.startsWith('-') && id !== zeroUuid) return id
  }
}
