// The file that says whose folder it is.

/** Format of a partition's folder, and the topic it belongs to. Kafka's file of the same name, and its format 0. */
export const metadataFile = 'partition.metadata'
