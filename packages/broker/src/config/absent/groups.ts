// Settings of Kafka for groups of the newer protocols (consumer, share and streams groups), which this broker does not have yet.

import { boundedGroupSettings, brokerRowsOf } from '../bounded-group-settings.ts'
import type { AbsentFeature } from '../broker-config-row.ts'

// biome-ignore format: one setting a line
export const newerGroups: AbsentFeature = {
  whyFixed: null,
  rows: [
    ['group.consumer.assignors', 'list', 'uniform,range', 'read-only', 'Assignors of consumer groups, the default one first.'],
    ['group.consumer.max.size', 'int', '2147483647', 'read-only', 'The most members of a consumer group.'],
    ['group.consumer.migration.policy', 'string', 'bidirectional', 'read-only', 'In which direction groups may change between the classic and the consumer protocol.'],
    ['group.coordinator.append.linger.ms', 'int', '-1', 'read-only', 'How long the coordinator collects records before it writes them; -1 adapts to the load.'],
    ['group.coordinator.background.threads', 'int', '2', 'read-only', 'Threads of the coordinator for work beside requests.'],
    ['group.coordinator.cached.buffer.max.bytes', 'int', '1048588', 'cluster-wide', 'The largest write buffer that the coordinator keeps for reuse.'],
    ['group.coordinator.threads', 'int', '4', 'read-only', 'Threads of the coordinator.'],
    ['group.share.assignors', 'list', 'simple', 'read-only', 'Assignors of share groups.'],
    ['group.share.max.share.sessions', 'int', '2000', 'read-only', 'The most share sessions of a broker.', { atLeast: 1 }],
    ['group.share.max.size', 'int', '200', 'read-only', 'The most members of a share group.'],
    ['group.streams.max.size', 'int', '2147483647', 'read-only', 'The most members of a streams group.'],
    ['share.coordinator.append.linger.ms', 'int', '-1', 'read-only', 'How long the share coordinator collects records before it writes them.'],
    ['share.coordinator.cached.buffer.max.bytes', 'int', '1048588', 'cluster-wide', 'The largest write buffer that the share coordinator keeps for reuse.'],
    ['share.coordinator.load.buffer.size', 'int', '5242880', 'read-only', 'Bytes read at a time when share state is loaded.'],
    ['share.coordinator.snapshot.update.records.per.snapshot', 'int', '500', 'read-only', 'Updates of share state between two snapshots.'],
    ['share.coordinator.state.topic.compression.codec', 'int', '0', 'read-only', 'Codec of the topic of share state.'],
    ['share.coordinator.state.topic.min.isr', 'short', '2', 'read-only', 'min.insync.replicas of that topic.'],
    ['share.coordinator.state.topic.num.partitions', 'int', '50', 'read-only', 'Partitions of that topic.'],
    ['share.coordinator.state.topic.replication.factor', 'short', '3', 'read-only', 'Replicas of that topic.'],
    ['share.coordinator.state.topic.segment.bytes', 'int', '104857600', 'read-only', 'Segment size of that topic.'],
    ['share.coordinator.threads', 'int', '1', 'read-only', 'Threads of the share coordinator.'],
    ['share.coordinator.write.timeout.ms', 'int', '5000', 'read-only', 'How long a write of share state may take.'],
    ['share.fetch.purgatory.purge.interval.requests', 'int', '1000', 'read-only', 'Completed share fetches after which they are cleaned up.'],
    ...boundedGroupSettings.flatMap(brokerRowsOf),
  ],
}
