// Names of the series that objectives are recorded as, beside Sloth's.

/** The lag in seconds that a group may have on a topic, by its objective of freshness: a constant. */
export const lagObjective = 'selfmonitor:consumer_lag_objective:seconds'

/** 1 while a group is over that lag, else 0. Its average over a window is the share of time that was bad. */
export const freshnessBad = 'selfmonitor:consumer_freshness_bad:bool'

/** Messages per second of a topic over a quarter of an hour. */
export const topicRate = 'selfmonitor:topic_messages:rate15m'

/** Messages per second that a service is done with, and those of them that became dead letters, by objective of processing. */
export const processed = 'selfmonitor:processing_consumed:rate5m'
export const deadLettered = 'selfmonitor:processing_dead_lettered:rate5m'
