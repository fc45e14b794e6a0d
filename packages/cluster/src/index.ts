// The package's public exports.
export { aclText } from './acl-text.ts'
export {
  type ClientProperties,
  loadClientProperties,
  type ParseOptions,
  parseClientProperties,
} from './client-properties.ts'
export { connectCluster } from './cluster.ts'
export { ClusterError, type ClusterErrorReason } from './errors.ts'
export { quotaText } from './quota-text.ts'
export type * from './read-types.ts'
export { finitePolicy, followingPolicy } from './read-types.ts'
export { noticeText } from './reader/notice-text.ts'
export { type ReadPlace, type ReadWindow, readRanges } from './reader/ranges.ts'
export { computeResets, type PartitionState } from './reset.ts'
export { type ClientSecurity, clientSecurity } from './security.ts'
export type * from './survey-types.ts'
export type * from './types.ts'
export type * from './write-types.ts'
