// Opens the store that an address names.
import { parseAddress } from './address.ts'
import { folderStore } from './folder/folder-store.ts'
import { foreignKeyProblem, type KeyRule } from './keys.ts'
import type { ObjectReader, ObjectStore, StoreSettings } from './types.ts'

/**
 * @param address a folder (`/var/backups/kafka`, `./backups`, `file:///var/backups/kafka`), made at the first write, or a bucket of S3
 *   that exists (`s3://bucket/prefix`)
 * @returns the store, of which nothing has been read or written yet: errors of its credentials or its disk come with the first use
 * @throws StoreError INVALID_ARGUMENT for any other address, and for settings that cannot be
 */
export function openStore(address: string, settings: StoreSettings = {}): Promise<ObjectStore> {
  return open(address, settings)
}

/** The same, to read what other programs wrote, whatever characters their keys have. */
export function openForeign(address: string, settings: StoreSettings = {}): Promise<ObjectReader> {
  return open(address, settings, foreignKeyProblem)
}

async function open(address: string, settings: StoreSettings, rule?: KeyRule): Promise<ObjectStore> {
  const parsed = parseAddress(address)
  if (parsed.kind === 'folder') return folderStore(parsed.path, rule)
  // The AWS SDK takes a third of a second to load.
  const { s3Store } = await import('./s3/s3-store.ts')
  return s3Store(parsed, settings, rule)
}
