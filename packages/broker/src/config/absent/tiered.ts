// Settings of Kafka for tiered storage, which this broker does not have.
import { type AbsentFeature, quotaWindow } from '../broker-config-row.ts'

// biome-ignore format: one setting a line
export const tiered: AbsentFeature = {
  whyFixed: 'this broker has no tiered storage',
  rows: [
    ['remote.fetch.max.wait.ms', 'int', '500', 'cluster-wide', 'How long a fetch of tiered data may wait.'],
    ['remote.list.offsets.request.timeout.ms', 'long', '30000', 'cluster-wide', 'How long looking for an offset in tiered data may take.'],
    ['remote.log.index.file.cache.total.size.bytes', 'long', '1073741824', 'cluster-wide', 'Disk space for indexes of tiered segments.'],
    ['remote.log.manager.copier.thread.pool.size', 'int', '10', 'cluster-wide', 'Threads that copy segments away.'],
    ['remote.log.manager.copy.max.bytes.per.second', 'long', '9223372036854775807', 'cluster-wide', 'The most bytes a second that are copied away.'],
    ...quotaWindow('remote.log.manager.copy.quota.window', 'Samples kept for that limit.'),
    ['remote.log.manager.expiration.thread.pool.size', 'int', '10', 'cluster-wide', 'Threads that delete expired tiered segments.'],
    ['remote.log.manager.fetch.max.bytes.per.second', 'long', '9223372036854775807', 'cluster-wide', 'The most bytes a second that are read back.'],
    ...quotaWindow('remote.log.manager.fetch.quota.window', 'Samples kept for that limit.'),
    ['remote.log.manager.follower.thread.pool.size', 'int', '2', 'cluster-wide', 'Threads that keep followers informed of tiered data.'],
    ['remote.log.manager.task.interval.ms', 'long', '30000', 'read-only', 'How often segments to copy or delete are looked for.'],
    ['remote.log.manager.thread.pool.size', 'int', '2', 'read-only', 'Threads that read tiered data.'],
    ['remote.log.metadata.custom.metadata.max.bytes', 'int', '128', 'read-only', 'The most bytes that a storage plug-in may note for a segment.'],
    ['remote.log.metadata.manager.class.name', 'string', 'org.apache.kafka.server.log.remote.metadata.storage.TopicBasedRemoteLogMetadataManager', 'read-only', 'Class that keeps track of tiered segments.'],
    ['remote.log.metadata.manager.class.path', 'string', null, 'read-only', 'Where that class is.'],
    ['remote.log.metadata.manager.impl.prefix', 'string', 'rlmm.config.', 'read-only', "Prefix of that class's own settings."],
    ['remote.log.metadata.manager.listener.name', 'string', null, 'read-only', 'The listener that that class connects to.'],
    ['remote.log.reader.max.pending.tasks', 'int', '100', 'read-only', 'The most reads of tiered data that wait.'],
    ['remote.log.reader.threads', 'int', '10', 'cluster-wide', 'Threads that read tiered data for consumers.'],
    ['remote.log.storage.manager.class.name', 'string', null, 'read-only', 'Class that stores tiered segments.'],
    ['remote.log.storage.manager.class.path', 'string', null, 'read-only', 'Where that class is.'],
    ['remote.log.storage.manager.impl.prefix', 'string', 'rsm.config.', 'read-only', "Prefix of that class's own settings."],
    ['remote.log.storage.system.enable', 'boolean', 'false', 'read-only', 'Whether tiered storage is on.'],
  ],
}
