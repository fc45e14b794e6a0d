// The survey's operations, loaded by those who use one: a command that reads one topic needs none of this.
import { surveyConfigs } from '../configs.ts'
import { surveyLogDirs } from '../log-dirs.ts'
import type { ClusterSurvey } from '../survey-types.ts'
import { readMetadata } from '../topics.ts'
import type { Transport } from '../transport/transport.ts'
import type { ClusterOptions } from '../types.ts'
import { partitionBounds } from './bounds.ts'
import { groupOffsets } from './group-offsets.ts'
import { surveyGroups } from './groups.ts'
import { quorum } from './quorum.ts'
import { reachBrokers } from './reach.ts'
import { openTransactions } from './transactions.ts'
import { unreadRecords } from './unread.ts'

export function surveyOf(transport: Transport, options: ClusterOptions): ClusterSurvey {
  return {
    surveyMetadata: () => transport.operation('surveyMetadata', (deadline) => readMetadata(transport, deadline, 'all')),
    surveyGroups: surveyGroups(transport),
    groupOffsets: groupOffsets(transport),
    partitionBounds: partitionBounds(transport),
    unreadRecords: unreadRecords(transport),
    quorum: quorum(transport, options),
    openTransactions: openTransactions(transport),
    reachBrokers: reachBrokers(transport, options),
    surveyConfigs: surveyConfigs(transport),
    surveyLogDirs: surveyLogDirs(transport),
    requestsSent: () => transport.requestsSent(),
  }
}
