// Every API that this broker has: which handler answers it. Adding an API is adding its file and a row.

import type { HandlerTable } from '../request/handler-table.ts'
import { handleProduce } from './00-produce.ts'
import { handleFetch } from './01-fetch.ts'
import { handleListOffsets } from './02-list-offsets.ts'
import { handleMetadata } from './03-metadata.ts'
import { handleOffsetCommit } from './08-offset-commit.ts'
import { handleOffsetFetch } from './09-offset-fetch.ts'
import { handleFindCoordinator } from './10-find-coordinator.ts'
import { handleJoinGroup } from './11-join-group.ts'
import { handleHeartbeat } from './12-heartbeat.ts'
import { handleLeaveGroup } from './13-leave-group.ts'
import { handleSyncGroup } from './14-sync-group.ts'
import { handleDescribeGroups } from './15-describe-groups.ts'
import { handleListGroups } from './16-list-groups.ts'
import { handleSaslHandshake } from './17-sasl-handshake.ts'
import { makeHandleApiVersions } from './18-api-versions.ts'
import { handleCreateTopics } from './19-create-topics.ts'
import { handleDeleteTopics } from './20-delete-topics.ts'
import { handleDeleteRecords } from './21-delete-records.ts'
import { handleInitProducerId } from './22-init-producer-id.ts'
import { handleOffsetForLeaderEpoch } from './23-offset-for-leader-epoch.ts'
import { handleDescribeAcls } from './29-describe-acls.ts'
import { handleCreateAcls } from './30-create-acls.ts'
import { handleDeleteAcls } from './31-delete-acls.ts'
import { handleDescribeConfigs } from './32-describe-configs.ts'
import { handleAlterConfigs } from './33-alter-configs.ts'
import { handleDescribeLogDirs } from './35-describe-log-dirs.ts'
import { handleSaslAuthenticate } from './36-sasl-authenticate.ts'
import { handleCreatePartitions } from './37-create-partitions.ts'
import { handleDeleteGroups } from './42-delete-groups.ts'
import { handleIncrementalAlterConfigs } from './44-incremental-alter-configs.ts'
import { handleOffsetDelete } from './47-offset-delete.ts'
import { handleDescribeCluster } from './60-describe-cluster.ts'
import { handleConsumerGroupHeartbeat } from './68-consumer-group-heartbeat.ts'
import { handleListConfigResources } from './74-list-config-resources.ts'
import { handleDescribeTopicPartitions } from './75-describe-topic-partitions.ts'

export const handlers: HandlerTable = {
  Produce: { handle: handleProduce, pipelined: true, keepsNothing: true },
  Fetch: { handle: handleFetch },
  ListOffsets: { handle: handleListOffsets },
  Metadata: { handle: handleMetadata },
  OffsetCommit: { handle: handleOffsetCommit },
  OffsetFetch: { handle: handleOffsetFetch },
  FindCoordinator: { handle: handleFindCoordinator },
  JoinGroup: { handle: handleJoinGroup },
  Heartbeat: { handle: handleHeartbeat },
  LeaveGroup: { handle: handleLeaveGroup },
  SyncGroup: { handle: handleSyncGroup },
  DescribeGroups: { handle: handleDescribeGroups },
  ListGroups: { handle: handleListGroups },
  SaslHandshake: { handle: handleSaslHandshake },
  ApiVersions: { handle: makeHandleApiVersions(() => handlers) },
  CreateTopics: { handle: handleCreateTopics },
  DeleteTopics: { handle: handleDeleteTopics },
  DeleteRecords: { handle: handleDeleteRecords },
  InitProducerId: { handle: handleInitProducerId, versions: { min: 0, max: 5 } },
  OffsetForLeaderEpoch: { handle: handleOffsetForLeaderEpoch },
  DescribeAcls: { handle: handleDescribeAcls },
  CreateAcls: { handle: handleCreateAcls },
  DeleteAcls: { handle: handleDeleteAcls },
  DescribeConfigs: { handle: handleDescribeConfigs },
  AlterConfigs: { handle: handleAlterConfigs },
  DescribeLogDirs: { handle: handleDescribeLogDirs },
  SaslAuthenticate: { handle: handleSaslAuthenticate },
  CreatePartitions: { handle: handleCreatePartitions },
  DeleteGroups: { handle: handleDeleteGroups },
  IncrementalAlterConfigs: { handle: handleIncrementalAlterConfigs },
  OffsetDelete: { handle: handleOffsetDelete },
  DescribeCluster: { handle: handleDescribeCluster },
  ConsumerGroupHeartbeat: { handle: handleConsumerGroupHeartbeat },
  ListConfigResources: { handle: handleListConfigResources },
  DescribeTopicPartitions: { handle: handleDescribeTopicPartitions },
}
