// Puts the operations together into the `Cluster` that the other packages use.
import { acls, createAcls, deleteAcls } from './acls.ts'
import { alterTopicConfigs, brokerConfigs, topicConfigs } from './configs.ts'
import {
  commitOffsets,
  deleteGroupOffsets,
  groupLag,
  planOffsetReset,
  resetOffsets,
  setShareGroupStarts,
} from './group-offsets.ts'
import { deleteGroups, describeGroups, listGroups } from './groups.ts'
import { logDirs } from './log-dirs.ts'
import { listOffsets } from './offsets.ts'
import { alterClientQuotas, clientQuotas } from './quotas.ts'
import type { ReadBatchesEvent, ReadEvent } from './read-types.ts'
import type { readPartitionBatches, readPartitions } from './reader/read.ts'
import type { ClusterSurvey } from './survey-types.ts'
import { createPartitions, createTopics, deleteRecords, deleteTopics, describeTopics, readTopics } from './topics.ts'
import { createTransport, type Transport } from './transport/transport.ts'
import type { Cluster, ClusterOptions } from './types.ts'
import { authenticates, deleteUsers, setUserPasswords, users } from './users.ts'

/**
 * Connects to a Kafka cluster. Nothing is sent before the first operation; each operation ends within
 * `options.timeoutMs`. Reads are repeated when a broker moves or restarts; changes are sent once.
 *
 * @throws ClusterError INVALID_ARGUMENT when an option is wrong; the operations throw `ClusterError` with the codes
 *   described there
 */
export function connectCluster(options: ClusterOptions): Cluster {
  const transport = createTransport(options)
  const list: Cluster['listOffsets'] = (partitions, at, o) =>
    transport.operation('listOffsets', (deadline) => listOffsets(transport, deadline, partitions, at, o))
  return {
    bootstrapServers: options.bootstrapServers,
    info: () => transport.operation('info', () => transport.refresh()),
    listTopics: (o = {}) =>
      transport.operation('listTopics', async (deadline) =>
        (await readTopics(transport, deadline, 'all')).filter(({ internal }) => o.internal === true || !internal),
      ),
    describeTopics: (names) =>
      transport.operation('describeTopics', (deadline) => describeTopics(transport, deadline, names)),
    createTopics: createTopics(transport),
    deleteTopics: deleteTopics(transport),
    createPartitions: createPartitions(transport),
    deleteRecords: deleteRecords(transport),
    topicConfigs: topicConfigs(transport),
    brokerConfigs: brokerConfigs(transport),
    alterTopicConfigs: alterTopicConfigs(transport),
    listOffsets: list,
    read: (ranges, o = {}) =>
      read({ transport, listOffsets: list, openFetches: () => createTransport(options, transport) }, ranges, o),
    readBatches: (ranges, o = {}) =>
      readBatches({ transport, listOffsets: list, openFetches: () => createTransport(options, transport) }, ranges, o),
    initProducer: async () => (await import('./writer/append.ts')).initProducer(transport),
    appendBatches: async () =>
      (await import('./writer/append.ts')).createAppender(transport, createTransport(options, transport)),
    listGroups: listGroups(transport),
    describeGroups: describeGroups(transport),
    groupLag: groupLag(transport),
    planOffsetReset: planOffsetReset(transport, Date.now),
    resetOffsets: resetOffsets(transport),
    commitOffsets: commitOffsets(transport),
    setShareGroupStarts: setShareGroupStarts(transport),
    deleteGroups: deleteGroups(transport),
    deleteGroupOffsets: deleteGroupOffsets(transport),
    logDirs: logDirs(transport),
    users: users(transport),
    setUserPasswords: setUserPasswords(transport),
    deleteUsers: deleteUsers(transport),
    authenticates: authenticates(options),
    acls: acls(transport),
    createAcls: createAcls(transport),
    deleteAcls: deleteAcls(transport),
    clientQuotas: clientQuotas(transport),
    alterClientQuotas: alterClientQuotas(transport),
    ...surveyLater(transport, options),
    close: () => transport.close(),
  }
}

/** Most callers do not read records, so the codec is loaded on first use. */
async function* read(...args: Parameters<typeof readPartitions>): AsyncGenerator<ReadEvent, void, undefined> {
  const reader = await import('./reader/read.ts')
  yield* reader.readPartitions(...args)
}

async function* readBatches(...args: Parameters<typeof readPartitionBatches>): AsyncGenerator<ReadBatchesEvent, void> {
  const reader = await import('./reader/read.ts')
  yield* reader.readPartitionBatches(...args)
}

/** The modules that read a whole cluster are loaded on first use. */
function surveyLater(transport: Transport, options: ClusterOptions): ClusterSurvey {
  let loading: Promise<ClusterSurvey> | undefined
  const load = (): Promise<ClusterSurvey> => {
    loading ??= import('./survey/operations.ts').then(({ surveyOf }) => surveyOf(transport, options))
    return loading
  }
  return {
    surveyMetadata: async () => (await load()).surveyMetadata(),
    surveyGroups: async (o) => (await load()).surveyGroups(o),
    groupOffsets: async (groups) => (await load()).groupOffsets(groups),
    partitionBounds: async (partitions, o) => (await load()).partitionBounds(partitions, o),
    unreadRecords: async (positions, o) => (await load()).unreadRecords(positions, o),
    quorum: async () => (await load()).quorum(),
    openTransactions: async (partitions) => (await load()).openTransactions(partitions),
    reachBrokers: async () => (await load()).reachBrokers(),
    surveyConfigs: async (of) => (await load()).surveyConfigs(of),
    surveyLogDirs: async () => (await load()).surveyLogDirs(),
    requestsSent: () => transport.requestsSent(),
  }
}
