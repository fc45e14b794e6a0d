// Puts the operations together into the `Cluster` that the other packages use.
import { acls, createAcls, deleteAcls } from './acls.ts'
import { alterTopicConfigs, brokerConfigs, topicConfigs } from './configs.ts'
import { deleteGroupOffsets, groupLag, planOffsetReset, resetOffsets } from './group-offsets.ts'
import { deleteGroups, describeGroups, listGroups } from './groups.ts'
import { logDirs } from './log-dirs.ts'
import { listOffsets } from './offsets.ts'
import { createPartitions, createTopics, deleteRecords, deleteTopics, describeTopics, readTopics } from './topics.ts'
import type { Cluster, ClusterOptions } from './types.ts'
import { authenticates, deleteUsers, setUserPasswords, users } from './users.ts'
import { createWire } from './wire.ts'

/**
 * Connects to a Kafka cluster. Nothing is sent before the first operation; each operation ends within
 * `options.timeoutMs`. Reads are repeated when a broker moves or restarts; changes are sent once.
 *
 * @throws ClusterError INVALID_ARGUMENT when an option is wrong; the operations throw `ClusterError` with the codes
 *   described there
 */
export function connectCluster(options: ClusterOptions): Cluster {
  const wire = createWire(options)
  return {
    bootstrapServers: options.bootstrapServers,
    info: () => wire.operation('info', () => wire.refresh()),
    listTopics: (o = {}) =>
      wire.operation('listTopics', async (deadline) =>
        (await readTopics(wire, deadline, 'all')).filter(({ internal }) => o.internal === true || !internal),
      ),
    describeTopics: (names) => wire.operation('describeTopics', (deadline) => describeTopics(wire, deadline, names)),
    createTopics: createTopics(wire),
    deleteTopics: deleteTopics(wire),
    createPartitions: createPartitions(wire),
    deleteRecords: deleteRecords(wire),
    topicConfigs: topicConfigs(wire),
    brokerConfigs: brokerConfigs(wire),
    alterTopicConfigs: alterTopicConfigs(wire),
    listOffsets: (partitions, at) =>
      wire.operation('listOffsets', (deadline) => listOffsets(wire, deadline, partitions, at)),
    listGroups: listGroups(wire),
    describeGroups: describeGroups(wire),
    groupLag: groupLag(wire),
    planOffsetReset: planOffsetReset(wire, Date.now),
    resetOffsets: resetOffsets(wire),
    deleteGroups: deleteGroups(wire),
    deleteGroupOffsets: deleteGroupOffsets(wire),
    logDirs: logDirs(wire),
    users: users(wire),
    setUserPasswords: setUserPasswords(wire),
    deleteUsers: deleteUsers(wire),
    authenticates: authenticates(options),
    acls: acls(wire),
    createAcls: createAcls(wire),
    deleteAcls: deleteAcls(wire),
    close: () => wire.close(),
  }
}
