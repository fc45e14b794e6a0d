// From an address to its store.
import { fileURLToPath } from 'node:url'
import { openFolder } from './folder.ts'
import { StoreError } from './store-error.ts'
import type { ObjectStore } from './types.ts'

/**
 * @param address a folder: `/var/backups/kafka`, `./backups`, `file:///var/backups/kafka`
 * @throws StoreError INVALID_ARGUMENT for an address of another kind
 */
export async function openStore(address: string): Promise<ObjectStore> {
  const [, scheme] = /^([A-Za-z][A-Za-z0-9+.-]*):\/\//.exec(address) ?? []
  if (scheme === undefined) return openFolder(address)
  if (scheme === 'file') return openFolder(fileURLToPath(address))
  // A program that takes s3:// for the name of a folder reports success and has stored nothing.
  throw new StoreError('INVALID_ARGUMENT', `${address}: ${scheme}:// is not a place that backups can be kept in`, {
    hint: 'Give a folder.',
  })
}
