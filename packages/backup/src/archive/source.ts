// Finds an archive at an address as people write it.
import { openForeign } from '../store/open-store.ts'
import type { ObjectReader, StoreSettings } from '../store/types.ts'
import { type ArchiveListing, readListing, readName } from './layout.ts'

export interface FoundArchive {
  readonly reader: ObjectReader
  readonly listing: ArchiveListing
}

/** The sink's default for `topics.dir`. */
const topicsDir = 'topics'

/**
 * Looks for files of a sink at the address, and, for an address as `s3://kafka-backups/user.events`, for those of that topic where
 * `topics.dir` puts them: `s3://kafka-backups/topics/user.events`.
 * @returns null when there are none; else a reader to close
 * @throws StoreError
 */
export async function findArchive(address: string, settings: StoreSettings = {}): Promise<FoundArchive | null> {
  const own = await listAt(address, '', settings)
  if (own !== null) return own
  const split = /^(.+[^/:])\/([^/]+)\/?$/.exec(address)
  if (split === null) return null
  return listAt(split[1]!, `${topicsDir}/${split[2]}/`, settings)
}

async function listAt(address: string, prefix: string, settings: StoreSettings): Promise<FoundArchive | null> {
  const reader = await openForeign(address, settings)
  try {
    const objects = []
    for await (const object of reader.list(prefix)) if (readName(object) !== null) objects.push(object)
    const listing = readListing(objects)
    if (listing.files.length + listing.unusable.length > 0) return { reader, listing }
  } catch (error) {
    await reader.close()
    throw error
  }
  await reader.close()
  return null
}
