// The views of the metadata for other parts: topics and folders for the logs, topics for the group coordinator.
import type { GroupCoordinatorOptions } from './group/index.ts'
import { type FolderOwner, type LogConfig, LogError, toLogConfig } from './log/index.ts'
import type { MetadataStore } from './metadata/index.ts'

/** @throws LogError KAFKA_STORAGE_ERROR when the topic was deleted, perhaps while its log waited to be opened */
export function logConfigOf(metadata: MetadataStore, topic: string): LogConfig {
  const known = metadata.topic(topic)
  if (known === undefined) throw new LogError('KAFKA_STORAGE_ERROR', `topic ${topic} was deleted`)
  return toLogConfig(known.config)
}

export function folderOwner(metadata: MetadataStore, topic: string, topicId: string, partition: number): FolderOwner {
  const known = metadata.topic(topic)
  if (known?.id === topicId && partition < known.partitions.length) return 'current'
  return metadata.isDeleted(topicId) ? 'deleted' : 'unknown'
}

/** The topic as the group coordinator needs it. */
export function groupTopic(metadata: MetadataStore, name: string): ReturnType<GroupCoordinatorOptions['topic']> {
  const topic = metadata.topic(name)
  return topic && { id: topic.id, partitions: topic.partitions.length }
}
