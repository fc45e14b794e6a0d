// Every API that is declared here, by name and by key.
import type { Decoded, Encodable } from '../codec/declaration.ts'
import { produce } from './00-produce.ts'
import { fetch } from './01-fetch.ts'
import { listOffsets } from './02-list-offsets.ts'
import { metadata } from './03-metadata.ts'
import { offsetCommit } from './08-offset-commit.ts'
import { offsetFetch } from './09-offset-fetch.ts'
import { findCoordinator } from './10-find-coordinator.ts'
import { joinGroup } from './11-join-group.ts'
import { heartbeat } from './12-heartbeat.ts'
import { leaveGroup } from './13-leave-group.ts'
import { syncGroup } from './14-sync-group.ts'
import { describeGroups } from './15-describe-groups.ts'
import { listGroups } from './16-list-groups.ts'
import { saslHandshake } from './17-sasl-handshake.ts'
import { apiVersions } from './18-api-versions.ts'
import { createTopics } from './19-create-topics.ts'
import { deleteTopics } from './20-delete-topics.ts'
import { deleteRecords } from './21-delete-records.ts'
import { initProducerId } from './22-init-producer-id.ts'
import { offsetForLeaderEpoch } from './23-offset-for-leader-epoch.ts'
import { describeAcls } from './29-describe-acls.ts'
import { createAcls } from './30-create-acls.ts'
import { deleteAcls } from './31-delete-acls.ts'
import { describeConfigs } from './32-describe-configs.ts'
import { alterConfigs } from './33-alter-configs.ts'
import { describeLogDirs } from './35-describe-log-dirs.ts'
import { saslAuthenticate } from './36-sasl-authenticate.ts'
import { createPartitions } from './37-create-partitions.ts'
import { deleteGroups } from './42-delete-groups.ts'
import { incrementalAlterConfigs } from './44-incremental-alter-configs.ts'
import { offsetDelete } from './47-offset-delete.ts'
import { describeCluster } from './60-describe-cluster.ts'
import { consumerGroupHeartbeat } from './68-consumer-group-heartbeat.ts'
import { listConfigResources } from './74-list-config-resources.ts'
import { describeTopicPartitions } from './75-describe-topic-partitions.ts'
import { shareGroupDescribe } from './77-share-group-describe.ts'
import { describeShareGroupOffsets } from './90-describe-share-group-offsets.ts'
import { alterShareGroupOffsets } from './91-alter-share-group-offsets.ts'
import type { Api } from './api.ts'

export const apis = {
  Produce: produce,
  Fetch: fetch,
  ListOffsets: listOffsets,
  Metadata: metadata,
  OffsetCommit: offsetCommit,
  OffsetFetch: offsetFetch,
  FindCoordinator: findCoordinator,
  JoinGroup: joinGroup,
  Heartbeat: heartbeat,
  LeaveGroup: leaveGroup,
  SyncGroup: syncGroup,
  DescribeGroups: describeGroups,
  ListGroups: listGroups,
  SaslHandshake: saslHandshake,
  ApiVersions: apiVersions,
  CreateTopics: createTopics,
  DeleteTopics: deleteTopics,
  DeleteRecords: deleteRecords,
  InitProducerId: initProducerId,
  OffsetForLeaderEpoch: offsetForLeaderEpoch,
  DescribeAcls: describeAcls,
  CreateAcls: createAcls,
  DeleteAcls: deleteAcls,
  DescribeConfigs: describeConfigs,
  AlterConfigs: alterConfigs,
  DescribeLogDirs: describeLogDirs,
  SaslAuthenticate: saslAuthenticate,
  CreatePartitions: createPartitions,
  DeleteGroups: deleteGroups,
  IncrementalAlterConfigs: incrementalAlterConfigs,
  OffsetDelete: offsetDelete,
  DescribeCluster: describeCluster,
  ConsumerGroupHeartbeat: consumerGroupHeartbeat,
  ListConfigResources: listConfigResources,
  DescribeTopicPartitions: describeTopicPartitions,
  ShareGroupDescribe: shareGroupDescribe,
  DescribeShareGroupOffsets: describeShareGroupOffsets,
  AlterShareGroupOffsets: alterShareGroupOffsets,
} as const

export type ApiName = keyof typeof apis

/** A request as a broker reads it. */
export type RequestOf<N extends ApiName> = Decoded<(typeof apis)[N]['request']>
/** A response as a client reads it. */
export type ResponseOf<N extends ApiName> = Decoded<(typeof apis)[N]['response']>
/** A request as a client writes it; an absent field counts as its default. */
export type RequestInput<N extends ApiName> = Encodable<(typeof apis)[N]['request']>
/** A response as a broker writes it; an absent field counts as its default. */
export type ResponseInput<N extends ApiName> = Encodable<(typeof apis)[N]['response']>

const byKey = new Map<number, Api<ApiName>>(Object.values(apis).map((api) => [api.key, api]))

export function apiByKey(key: number): Api<ApiName> | undefined {
  return byKey.get(key)
}
