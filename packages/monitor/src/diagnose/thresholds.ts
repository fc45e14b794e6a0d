// Every number that a check compares with, and why it is this one. Durations are milliseconds.

const seconds = 1_000
const minutes = 60 * seconds
const hours = 60 * minutes
const days = 24 * hours

/**
 * How long a broker may be away, or replicas out of sync, before it counts. A broker of a rolling restart is back within about
 * half a minute; the alert "broker down" waits as long.
 */
export const restartGraceMs = minutes

/** Replicas catch up after a restart: the alert on under-replicated partitions waits as long. */
export const catchUpGraceMs = 5 * minutes

/** Kafka's own leader.imbalance.per.broker.percentage is 10. */
export const leaderImbalanceRatio = 0.1

/** Kafka moves leaders back every 300 s (leader.imbalance.check.interval.seconds): two rounds. */
export const leaderImbalanceGraceMs = 10 * minutes

/** A few partitions on the wrong leader cost nothing. */
export const leaderImbalancePartitions = 3

/** The alert's threshold. Replication and compaction need room beside the data itself. */
export const diskUsedRatio = 0.8

/** As the alert "disk almost full": what is left is little more than a segment (1 GiB by default) of each partition. */
export const diskFullRatio = 0.9

/** A volume that is full within a day is full before the next working day ends. */
export const diskFullWithinMs = 24 * hours

/** Full within hours: too soon for the next working day. */
export const diskFullSoonMs = 2 * hours

/** A trend of a few minutes is one batch job: half an hour has several segments and retention runs (every 5 minutes) in it. */
export const diskTrendLeastMs = 30 * minutes

/** Fewer points than these have no majority that could outvote an outlier. */
export const diskTrendLeastPoints = 5

/** Hosts with NTP differ by milliseconds, and the measurement by as much as a request takes. */
export const clockSkewMs = 5 * seconds

/** Kafka refuses records whose time is this far ahead (log.message.timestamp.after.max.ms, 1 h by default). */
export const clockSkewRefusedMs = hours

/** Auto-commit is every 5 s and batches are handled within max.poll.interval.ms, 5 minutes by default. */
export const stuckAfterMs = 5 * minutes

/**
 * With less than `stuckAfterMs` of observation, a group that commits nothing counts as stuck only if it was watched for two
 * intervals of auto-commit, and if its next record has waited for `stuckAfterMs` already.
 */
export const stuckLeastObservedMs = 10 * seconds

/** A deployment of a service takes a few minutes, and its rebalances end with it. */
export const flappingSpreadMs = 5 * minutes
/** In that time a healthy group has none. */
export const flappingRebalances = 4
/** The last rebalance is at most this old, else the group has settled. */
export const flappingRecentMs = 2 * minutes
/** More than a rolling deployment of three members causes (each leaves and joins), one after the other. */
export const burstRebalances = 8
export const burstWithinMs = 3 * minutes
/** A watch of less than a minute cannot see that many: three rebalances within it are not a coincidence. */
export const glanceMs = minutes
export const glanceRebalances = 3

/** A deployment stops a service and starts it again within this time. */
export const emptyGroupGraceMs = 5 * minutes

/** One more member than partitions may be a spare on purpose, and a deployment has one more for a moment. */
export const idleMembersGraceMs = 5 * minutes

/** With fewer messages, a skew between partitions costs nothing. */
export const hotPartitionMessages = 10_000n
/** A partition with this many times the median of its topic is the one that its consumer falls behind on. */
export const hotPartitionFactor = 4
/** Of two or three partitions, no median says what is usual. */
export const hotPartitionLeastPartitions = 4

/** From here the group has a fifth of the retention left to catch up. */
export const retentionUsedRatio = 0.8

/** A group that has just started commits after its first batch. */
export const noCommitGraceMs = 5 * minutes

/** The coordinator looks for expired transactions every 10 s; then the markers have to be written. */
export const transactionOverdueMs = minutes

/** Until then consumers with read_committed have waited long enough to be asked about. */
export const longTransactionMs = 5 * minutes

/** transaction.max.timeout.ms by default: no transaction that its coordinator knows is open for longer. */
export const transactionMaxTimeoutMs = 15 * minutes

/** A rolling upgrade of a large cluster is done after a few hours; then mixed versions were forgotten. */
export const mixedVersionsGraceMs = 6 * hours

/** Certificates are renewed 30 days ahead; with two weeks left the renewal has failed more than once. */
export const certificateSoonMs = 14 * days
export const certificateUrgentMs = 3 * days

/** The largest response to a follower (replica.fetch.response.max.bytes, 10 MiB by default), where the broker does not say. */
export const replicaResponseMaxBytes = 10n * 1024n * 1024n
/** socket.request.max.bytes by default. */
export const socketRequestMaxBytes = 100n * 1024n * 1024n

/** Parts of a snapshot are read every 15 s to every few minutes: beyond this the exporter is not reading at all. */
export const staleAfterMs = 10 * minutes

/** A topic that was created again is news for a day. */
export const recreatedWithinMs = 24 * hours

/** Voters fetch twice a second; a voter that is this far behind cannot help in an election. */
export const quorumLagMs = 30 * seconds

/** The alert's threshold: below it a growing lag is one batch. */
export const growingLagMessages = 1000n
/** Shorter growth is a burst of messages. */
export const growingLagLeastMs = 5 * minutes

/** More findings of one kind than these are one verdict. */
export const mostOfOneKind = 10
