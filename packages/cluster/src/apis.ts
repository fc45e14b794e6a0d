// Which versions of which Kafka API this package speaks, newest first; every listed version takes the same arguments.
// The oldest broker served is Apache Kafka 3.0.
import {
  alterClientQuotasV0,
  alterClientQuotasV1,
  alterUserScramCredentialsV0,
  consumerGroupDescribeV0,
  createAclsV1,
  createAclsV2,
  createAclsV3,
  createPartitionsV2,
  createPartitionsV3,
  createTopicsV5,
  createTopicsV6,
  createTopicsV7,
  deleteAclsV1,
  deleteAclsV2,
  deleteAclsV3,
  deleteGroupsV1,
  deleteGroupsV2,
  deleteRecordsV1,
  deleteRecordsV2,
  deleteTopicsV6,
  describeAclsV1,
  describeAclsV2,
  describeAclsV3,
  describeClientQuotasV0,
  describeClientQuotasV1,
  describeConfigsV3,
  describeConfigsV4,
  describeGroupsV4,
  describeGroupsV5,
  describeLogDirsV3,
  describeLogDirsV4,
  describeProducersV0,
  describeQuorumV0,
  describeQuorumV1,
  describeQuorumV2,
  describeTransactionsV0,
  describeUserScramCredentialsV0,
  findCoordinatorV4,
  findCoordinatorV5,
  findCoordinatorV6,
  incrementalAlterConfigsV0,
  incrementalAlterConfigsV1,
  listGroupsV4,
  listGroupsV5,
  listOffsetsV7,
  listOffsetsV8,
  listOffsetsV9,
  listTransactionsV0,
  listTransactionsV1,
  metadataV10,
  metadataV11,
  metadataV12,
  offsetCommitV8,
  offsetCommitV9,
  offsetDeleteV0,
  offsetFetchV8,
  offsetFetchV9,
} from '@platformatic/kafka'

export const apis = {
  get metadata() {
    return [metadataV12.api, metadataV11.api, metadataV10.api]
  },
  get findCoordinator() {
    return [findCoordinatorV6.api, findCoordinatorV5.api, findCoordinatorV4.api]
  },
  get createTopics() {
    return [createTopicsV7.api, createTopicsV6.api, createTopicsV5.api]
  },
  get deleteTopics() {
    return [deleteTopicsV6.api]
  },
  get createPartitions() {
    return [createPartitionsV3.api, createPartitionsV2.api]
  },
  get deleteRecords() {
    return [deleteRecordsV2.api, deleteRecordsV1.api]
  },
  get describeConfigs() {
    return [describeConfigsV4.api, describeConfigsV3.api]
  },
  get incrementalAlterConfigs() {
    return [incrementalAlterConfigsV1.api, incrementalAlterConfigsV0.api]
  },
  get listOffsets() {
    return [listOffsetsV9.api, listOffsetsV8.api, listOffsetsV7.api]
  },
  get listGroups() {
    return [listGroupsV5.api, listGroupsV4.api]
  },
  get describeGroups() {
    return [describeGroupsV5.api, describeGroupsV4.api]
  },
  get consumerGroupDescribe() {
    return [consumerGroupDescribeV0.api]
  },
  get deleteGroups() {
    return [deleteGroupsV2.api, deleteGroupsV1.api]
  },
  get offsetFetch() {
    return [offsetFetchV9.api, offsetFetchV8.api]
  },
  get offsetCommit() {
    return [offsetCommitV9.api, offsetCommitV8.api]
  },
  get offsetDelete() {
    return [offsetDeleteV0.api]
  },
  get describeLogDirs() {
    return [describeLogDirsV4.api, describeLogDirsV3.api]
  },
  get describeQuorum() {
    return [describeQuorumV2.api, describeQuorumV1.api, describeQuorumV0.api]
  },
  get describeProducers() {
    return [describeProducersV0.api]
  },
  get listTransactions() {
    return [listTransactionsV1.api, listTransactionsV0.api]
  },
  get describeTransactions() {
    return [describeTransactionsV0.api]
  },
  get describeUserScramCredentials() {
    return [describeUserScramCredentialsV0.api]
  },
  get alterUserScramCredentials() {
    return [alterUserScramCredentialsV0.api]
  },
  get describeClientQuotas() {
    return [describeClientQuotasV1.api, describeClientQuotasV0.api]
  },
  get alterClientQuotas() {
    return [alterClientQuotasV1.api, alterClientQuotasV0.api]
  },
  get describeAcls() {
    return [describeAclsV3.api, describeAclsV2.api, describeAclsV1.api]
  },
  get createAcls() {
    return [createAclsV3.api, createAclsV2.api, createAclsV1.api]
  },
  get deleteAcls() {
    return [deleteAclsV3.api, deleteAclsV2.api, deleteAclsV1.api]
  },
} as const
