// A file system's errors as a store's.
import { StoreError, type StoreErrorOptions } from '../store-error.ts'
import type { StoreErrorCode } from '../types.ts'

const codes: Readonly<Record<string, readonly [StoreErrorCode, string]>> = {
  ENOENT: ['NOT_FOUND', 'it does not exist'],
  ENOSPC: ['NO_SPACE', 'the disk is full'],
  EDQUOT: ['NO_SPACE', 'the quota of the disk is used up'],
  EFBIG: ['TOO_LARGE', 'the file system does not allow a file of this size'],
  EACCES: ['NOT_ALLOWED', 'the permissions of the folder or the file do not allow it'],
  EPERM: ['NOT_ALLOWED', 'the file system does not allow it'],
  EROFS: ['NOT_ALLOWED', 'the file system is read-only'],
  ELOOP: ['INVALID_ARGUMENT', 'it is a symbolic link, which a store does not follow'],
  ENOTDIR: ['INVALID_ARGUMENT', 'a part of its path is a file'],
  EISDIR: ['INVALID_ARGUMENT', 'it is a folder'],
  ENAMETOOLONG: ['INVALID_ARGUMENT', 'the file system does not allow a name of this length'],
}

const advice: { readonly [C in StoreErrorCode]?: string } = {
  NO_SPACE: 'Free space, or choose another folder. Nothing half-written is left.',
  NOT_ALLOWED: 'Give this account the right to it, or choose another folder.',
}

/** @param doing such as `/var/backups/kafka: cannot read a/b` */
export function folderError(doing: string, error: unknown): StoreError {
  if (error instanceof StoreError) return error
  const { code, message } = error as NodeJS.ErrnoException
  const [storeCode, why] = codes[code ?? ''] ?? ['UNAVAILABLE', message]
  const hint = advice[storeCode]
  const options: StoreErrorOptions = hint === undefined ? { cause: error } : { cause: error, hint }
  return new StoreError(storeCode, `${doing}: ${why}${why === message ? '' : ` (${code})`}`, options)
}

export function hasCode(error: unknown, ...wanted: readonly string[]): boolean {
  return wanted.includes((error as NodeJS.ErrnoException | null)?.code ?? '')
}
