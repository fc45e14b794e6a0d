// What a key may be, the same for every store, so that a backup can be moved from one to another.
import { StoreError } from './store-error.ts'

const maxKeyBytes = 900

/** @throws StoreError INVALID_ARGUMENT */
export function checkKey(key: string): void {
  const isAllowed = /^[A-Za-z0-9._-]+(\/[A-Za-z0-9._-]+)*$/.test(key) && key.length <= maxKeyBytes
  if (isAllowed && !key.split('/').some((part) => part === '.' || part === '..')) return
  throw new StoreError('INVALID_ARGUMENT', `${JSON.stringify(key.slice(0, 200))} is not a key of a store`, {
    hint: `A key has up to ${maxKeyBytes} of A-Z a-z 0-9 . _ - in parts that / separates.`,
  })
}
