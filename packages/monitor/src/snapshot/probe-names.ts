// Where the end-to-end probe writes and commits.

export const probeTopic = '_selfmonitor-probe'
/** It never has members and reads with a second's delay: the probe's own metrics tell how it is. */
export const probeGroup = '_selfmonitor-probe'
