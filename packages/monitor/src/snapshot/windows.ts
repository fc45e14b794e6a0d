// How far back the history of a snapshot goes, in milliseconds.
const minute = 60_000

/** Points of `GroupPartitionHistory`: one a minute, and the last. */
export const velocityPointEveryMs = minute
export const velocityWindowMs = 15 * minute
/** Points of `History.logDirs`. */
export const diskPointEveryMs = 5 * minute
export const diskWindowMs = 24 * 60 * minute
/** Times of `GroupHistory.rebalancedAtMs`. */
export const flapWindowMs = 15 * minute
/** How long a broker that has left the metadata is remembered, and the most brokers that were seen. */
export const brokerMemoryMs = 24 * 60 * minute
