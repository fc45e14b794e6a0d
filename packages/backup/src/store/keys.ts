// The names that objects may have, alike in a folder and in S3, so that a backup can be copied from one to the other.
import { StoreError } from './store-error.ts'

/** S3's limit for a whole key, less what a prefix may take. */
const maxKeyBytes = 800
/** The longest name of a file in ext4, XFS, APFS and NTFS. */
const maxPartBytes = 255

const part = /^[A-Za-z0-9._-]+$/

/** @returns why an object of ours may not have the key, or null */
export function keyProblem(key: string): string | null {
  if (key.length > maxKeyBytes) return `it is longer than ${maxKeyBytes} characters`
  for (const name of key.split('/')) {
    if (name === '') return 'a part of it between "/" is empty'
    if (name === '.' || name === '..') return `a part of it is "${name}"`
    if (!part.test(name)) return 'it has a character other than A-Z a-z 0-9 . _ - and "/"'
    if (name.length > maxPartBytes) return `a part of it is longer than ${maxPartBytes} characters`
  }
  return null
}

/** @returns why a key may not be used, or null */
export type KeyRule = (key: string) => string | null

/** The rule for objects that other programs wrote, and that are only read: any key that is a path within the store. */
export const foreignKeyProblem: KeyRule = (key) => {
  if (key.includes('\0')) return 'it has a zero byte'
  const wrong = key.split('/').find((name) => name === '' || name === '.' || name === '..')
  return wrong === undefined ? null : `a part of it between "/" is ${wrong === '' ? 'empty' : `"${wrong}"`}`
}

/** @throws StoreError INVALID_ARGUMENT */
export function checkKey(address: string, key: string, rule: KeyRule = keyProblem): void {
  const problem = rule(key)
  if (problem !== null)
    throw new StoreError('INVALID_ARGUMENT', `${address}: ${JSON.stringify(key)} is not a valid key: ${problem}`)
}

/**
 * Checks the beginning of keys, which may end anywhere in a key.
 * @throws StoreError INVALID_ARGUMENT
 */
export function checkPrefix(address: string, prefix: string, rule: KeyRule = keyProblem): void {
  // Whether "a/." begins a valid key shows only after one more character.
  const problem = prefix === '' ? null : rule(`${prefix}x`)
  if (problem !== null)
    throw new StoreError('INVALID_ARGUMENT', `${address}: ${JSON.stringify(prefix)} begins no valid key: ${problem}`)
}
