// The folders of partitions: their names, and which topics they belong to.
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { Uuid } from '@selfmonitor/protocol'
import type { LogFs } from '../disk/fs.ts'
import { LogError } from '../errors.ts'
import type { SegmentAge } from './retention-rules.ts'

export interface FolderName {
  readonly topic: string
  readonly partition: number
}

/** Names a partition in messages and names its folder, as Kafka does. */
export const partitionName = ({ topic, partition }: FolderName): string => `${topic}-${partition}`

/** The file that holds the format of a partition's folder, and the topic it belongs to. Kafka's file of the same name, format 0. */
export const metadataFile = 'partition.metadata'

/** What is known of a folder whose log is closed. */
export interface ClosedFolder {
  /** The topic that it belongs to; undefined when it has not been read yet, or the folder does not say. */
  readonly topicId: Uuid | undefined
  /**
   * Whether the end of the log is known to be complete: it was closed properly, or checked since. Otherwise opening the log
   * checks it.
   */
  readonly isSound: boolean
  /** For retention, which then need not open the log; undefined when they have not been read yet. */
  readonly ages: readonly SegmentAge[] | undefined
  readonly logStartOffset: bigint
}

/** A folder that has not been read. */
export const unknownFolder = (isSound: boolean): ClosedFolder => ({
  topicId: undefined,
  isSound,
  ages: undefined,
  logStartOffset: 0n,
})

/** @returns undefined for a name that is not the folder of a partition */
export function parseFolderName(name: string): FolderName | undefined {
  if (isDeleted(name) || isStray(name)) return undefined
  const parts = /^(.+)-(\d+)$/.exec(name)
  return parts === null ? undefined : { topic: parts[1]!, partition: Number(parts[2]) }
}

/** A folder that is being removed. */
export const isDeleted = (name: string): boolean => name.endsWith('-delete')
/** A folder that was set aside because the metadata does not know it. */
export const isStray = (name: string): boolean => name.endsWith('-stray')

/** In Kafka's form. A topic name may have 249 characters, a file name 255, so the name is cut. */
export function asideName(folder: string, why: 'delete' | 'stray'): string {
  return `${folder.slice(0, 200)}.${randomBytes(16).toString('hex')}-${why}`
}

/**
 * The id of the topic that a folder belongs to; undefined when it does not say.
 * @throws LogError KAFKA_STORAGE_ERROR when a newer version wrote it, or its file is damaged
 */
export async function readOwner(fs: LogFs, folder: string): Promise<Uuid | undefined> {
  const file = join(folder, metadataFile)
  const content = (await fs.readFile(file))?.toString('utf8')
  // It is empty when the machine lost power before the file was synced; nothing of the log was synced then either.
  if (content === undefined || content.trim() === '') return undefined
  const version = /^version: (\d+)$/m.exec(content)?.[1]
  if (version === undefined || (version === '0' && !/^topic_id: [\w-]{22}$/m.test(content))) {
    throw new LogError(
      'KAFKA_STORAGE_ERROR',
      `${file} is damaged, so the topic of these records is not known: stop the broker and restore the file from a backup, or ` +
        'write the lines "version: 0" and "topic_id: <the topic\'s id>" into it',
    )
  }
  if (version !== '0') {
    throw new LogError(
      'KAFKA_STORAGE_ERROR',
      `${folder} has log format ${version}; this version reads format 0. It was written by a newer version.`,
    )
  }
  return /^topic_id: (\S+)$/m.exec(content)![1]
}
