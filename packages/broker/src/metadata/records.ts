// The durable state of the metadata store, as a table of record types: how each changes the state, and which records a snapshot has. A new kind of metadata (users, ACLs, quotas) is a row here.
import type { Uuid } from '@selfmonitor/protocol'

export interface StoredTopic {
  readonly id: Uuid
  readonly name: string
  readonly assignments: readonly (readonly number[])[]
  readonly configs: ReadonlyMap<string, string>
}

/** The durable state. Only records change it. */
export interface StoredState {
  readonly topics: Map<string, StoredTopic>
  readonly topicsById: Map<Uuid, StoredTopic>
  /** Topics that were deleted and whose records may still be on the disk. Any other unknown id was never deleted. */
  readonly deletedTopics: Set<Uuid>
  /** By broker id as a string; `''` for all brokers. */
  readonly brokerConfigs: Map<string, ReadonlyMap<string, string>>
  /** Settings of groups and of client metrics subscriptions, each by name. */
  readonly namedConfigs: { readonly [K in NamedKind]: Map<string, ReadonlyMap<string, string>> }
  /** Every producer id below this one may already be in use. */
  nextProducerIdBlock: bigint
}

export function emptyState(): StoredState {
  return {
    topics: new Map(),
    topicsById: new Map(),
    deletedTopics: new Set(),
    brokerConfigs: new Map(),
    namedConfigs: { group: new Map(), 'client-metrics': new Map() },
    nextProducerIdBlock: 0n,
  }
}

/** Resources that exist only as settings. */
export type NamedKind = 'group' | 'client-metrics'

type Configs = Readonly<Record<string, string>>

interface RecordBodies {
  /** A topic as a whole: created, grown, or configured anew. */
  topic: { id: Uuid; name: string; assignments: readonly (readonly number[])[]; configs: Configs }
  topicDeleted: { id: Uuid }
  /** All settings of one broker, or of all (`''`). */
  brokerConfigs: { broker: string; configs: Configs }
  /** All settings of one group or client metrics subscription. */
  namedConfigs: { kind: NamedKind; name: string; configs: Configs }
  producerIds: { next: string }
}

export type RecordType = keyof RecordBodies
export type MetadataRecord = { [T in RecordType]: { type: T } & RecordBodies[T] }[RecordType]

interface RecordHandling<T extends RecordType> {
  apply(state: StoredState, body: RecordBodies[T]): void
  /** The records of this type that rebuild the state. */
  dump(state: StoredState): Iterable<RecordBodies[T]>
}

const handling: { readonly [T in RecordType]: RecordHandling<T> } = {
  topic: {
    apply(state, { id, name, assignments, configs }) {
      putTopic(state, { id, name, assignments, configs: new Map(Object.entries(configs)) })
    },
    *dump(state) {
      for (const { id, name, assignments, configs } of state.topics.values()) {
        yield { id, name, assignments, configs: Object.fromEntries(configs) }
      }
    },
  },
  topicDeleted: {
    apply(state, { id }) {
      state.deletedTopics.add(id)
      const topic = state.topicsById.get(id)
      if (!topic) return
      state.topics.delete(topic.name)
      state.topicsById.delete(id)
    },
    *dump(state) {
      for (const id of state.deletedTopics) yield { id }
    },
  },
  brokerConfigs: {
    apply(state, { broker, configs }) {
      const entries = Object.entries(configs)
      if (entries.length === 0) state.brokerConfigs.delete(broker)
      else state.brokerConfigs.set(broker, new Map(entries))
    },
    *dump(state) {
      for (const [broker, configs] of state.brokerConfigs) yield { broker, configs: Object.fromEntries(configs) }
    },
  },
  namedConfigs: {
    apply(state, { kind, name, configs }) {
      const entries = Object.entries(configs)
      if (entries.length === 0) state.namedConfigs[kind].delete(name)
      else state.namedConfigs[kind].set(name, new Map(entries))
    },
    *dump(state) {
      for (const kind of Object.keys(state.namedConfigs) as NamedKind[]) {
        for (const [name, configs] of state.namedConfigs[kind])
          yield { kind, name, configs: Object.fromEntries(configs) }
      }
    },
  },
  producerIds: {
    apply(state, { next }) {
      state.nextProducerIdBlock = BigInt(next)
    },
    *dump(state) {
      if (state.nextProducerIdBlock > 0n) yield { next: String(state.nextProducerIdBlock) }
    },
  },
}

function putTopic(state: StoredState, topic: StoredTopic): void {
  state.topics.set(topic.name, topic)
  state.topicsById.set(topic.id, topic)
}

/** @throws Error for a type that this release does not know: ignoring it would lose settings. */
export function applyRecord(state: StoredState, record: MetadataRecord): void {
  if (!Object.hasOwn(handling, record.type)) {
    throw new Error(`unknown metadata record "${record.type}", written by a newer release: upgrade to open this data`)
  }
  const { apply } = handling[record.type] as RecordHandling<RecordType>
  apply(state, record)
}

/** The records from which `applyRecord` builds the same state. */
export function dumpRecords(state: StoredState): MetadataRecord[] {
  return (Object.keys(handling) as RecordType[]).flatMap((type) => {
    const bodies = [...(handling[type] as RecordHandling<RecordType>).dump(state)]
    return bodies.map((body) => ({ type, ...body }) as MetadataRecord)
  })
}
