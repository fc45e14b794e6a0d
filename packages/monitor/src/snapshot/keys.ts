// Keys of the maps in `History`.

/** Of `History.groupPartitions`. Group ids may have any character; topics have no space. */
export const groupKey = (group: string, topic: string, partition: number): string => `${topic} ${partition} ${group}`

/** Of `History.logDirs`. */
export const logDirKey = (brokerId: number, path: string): string => `${brokerId} ${path}`
