// A place that holds a backup's objects: a folder, or a bucket of S3 below a prefix. An object is written once and never changed.

/** One object as a listing shows it. */
export interface StoredObject {
  readonly key: string
  readonly sizeBytes: number
  readonly modifiedMs: number
}

export interface WriteOptions {
  /** The store refuses to delete or to replace this version before that time (S3 Object Lock, mode COMPLIANCE). */
  readonly lockedUntilMs?: number
}

/**
 * An object under way. Nothing of it is visible before `finish`; after `abort`, or when the process dies, nothing of it is ever
 * visible. Memory is bounded, whatever its size.
 */
export interface ObjectWriter {
  /** Resolves when more may come. @param bytes not to be changed afterwards */
  write(bytes: Buffer): Promise<void>
  /** Makes the object visible and durable. @throws StoreError EXISTS when there is one with this key, with nothing changed */
  finish(): Promise<{ readonly sizeBytes: number }>
  abort(): Promise<void>
}

/**
 * Keys are `/`-separated, without a leading `/`, of `A-Z a-z 0-9 . _ -` in parts that are neither empty nor `.` or `..`.
 * Every method throws `StoreError`, with the key and the address in its message, and no credentials.
 */
export interface ObjectStore {
  /** As a user writes it: `s3://bucket/prefix`, `/var/backups/kafka`. */
  readonly address: string
  create(key: string, options?: WriteOptions): ObjectWriter
  /** Writes an object that fits in memory; as `create`, `write`, `finish`. @throws StoreError EXISTS */
  put(key: string, bytes: Buffer, options?: WriteOptions): Promise<void>
  /** The whole object, in parts. @throws StoreError NOT_FOUND at the first part; TRUNCATED when fewer bytes come than it has */
  read(key: string): AsyncGenerator<Buffer, void, undefined>
  /** The whole object. @throws StoreError NOT_FOUND, and TOO_LARGE above `maxBytes` (default 256 MiB) */
  get(key: string, maxBytes?: number): Promise<Buffer>
  /** Objects whose keys begin with `prefix`, in the order of their keys' bytes, those after `after` only. */
  list(prefix: string, options?: { readonly after?: string }): AsyncGenerator<StoredObject, void, undefined>
  /** Deletes what is there of these; a key that is not there is not an error. @throws StoreError LOCKED, NOT_ALLOWED */
  delete(keys: readonly string[]): Promise<void>
  close(): Promise<void>
}

export type StoreErrorCode =
  | 'NOT_FOUND'
  | 'EXISTS'
  /** The credentials are wrong, or do not allow this. */
  | 'NOT_ALLOWED'
  /** Object Lock keeps the object. */
  | 'LOCKED'
  | 'NO_SPACE'
  | 'TRUNCATED'
  | 'TOO_LARGE'
  /** The address, the key, or a setting is wrong. */
  | 'INVALID_ARGUMENT'
  /** The store does not answer, or fails, also after several tries. */
  | 'UNAVAILABLE'
