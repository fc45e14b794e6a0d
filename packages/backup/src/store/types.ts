// A place that holds a backup's objects: a folder, or a bucket of S3 below a prefix. An object is written once and never changed.

/** One object as a listing shows it. */
export interface StoredObject {
  readonly key: string
  readonly sizeBytes: number
  readonly modifiedMs: number
}

/** How a bucket of S3 is reached. All else, credentials too, is read as the AWS SDK does: environment, ~/.aws, roles. A folder has none. */
export interface StoreSettings {
  /** Of a server other than Amazon's: `https://s3.example.org:9000`. Default: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, the profile's. */
  readonly endpoint?: string
  /** Default: AWS_REGION, the profile's, and `us-east-1` with an endpoint. */
  readonly region?: string
  /** `https://host/bucket/key` instead of `https://bucket.host/key`. Default: true with an endpoint. */
  readonly forcePathStyle?: boolean
  /** A PEM file with certificate authorities to trust beside Node's. Default: AWS_CA_BUNDLE. */
  readonly caFile?: string
  /** Of a file or an environment of the program, never of an argument. Default: the SDK's chain. */
  readonly credentials?: {
    readonly accessKeyId: string
    readonly secretAccessKey: string
    readonly sessionToken?: string
  }
}

/** S3 Object Lock: the store refuses to delete or to replace a version before that time. */
export interface ObjectLock {
  readonly untilMs: number
  /** `governance`: but for accounts with `s3:BypassGovernanceRetention`; `compliance`: for every account. */
  readonly mode: 'governance' | 'compliance'
}

export interface WriteOptions {
  /** A folder, and a bucket without Object Lock, refuse the object with INVALID_ARGUMENT. */
  readonly lock?: ObjectLock
}

/** What `get` returns at most, unless given another limit: 256 MiB. */
export const defaultMaxGetBytes = 256 * 1024 * 1024

/**
 * An object under way. Nothing of it is visible before `finish`; after `abort`, or when the process dies, nothing of it is ever
 * visible. Memory is bounded, whatever its size.
 */
export interface ObjectWriter {
  /** Resolves when more may come. One call at a time. @param bytes not to be changed afterwards */
  write(bytes: Buffer): Promise<void>
  /** Makes the object visible and durable. @throws StoreError EXISTS when there is one with this key, with nothing changed */
  finish(): Promise<{ readonly sizeBytes: number }>
  abort(): Promise<void>
}

/**
 * Keys are `/`-separated, without a leading `/`, of `A-Z a-z 0-9 . _ -` in parts that are neither empty nor `.` or `..`, of at most 255
 * characters each and 800 in all. A key must not be another's folder: a folder cannot hold both `a` and `a/b`.
 * Every method throws `StoreError`, with the key and the address in its message, and no credentials.
 */
export interface ObjectStore {
  /** As a user writes it: `s3://bucket/prefix`, `/var/backups/kafka`. */
  readonly address: string
  create(key: string, options?: WriteOptions): ObjectWriter
  /** Writes an object that fits in memory; as `create`, `write`, `finish`. @throws StoreError EXISTS */
  put(key: string, bytes: Buffer, options?: WriteOptions): Promise<void>
  /** The whole object, in parts. @throws StoreError NOT_FOUND at the first part; TRUNCATED when fewer bytes come than it has;
   * DAMAGED at the end when they are not those that were written, where the store has a checksum */
  read(key: string): AsyncGenerator<Buffer, void, undefined>
  /** The whole object. @throws StoreError NOT_FOUND, and TOO_LARGE above `maxBytes` (default 256 MiB) */
  get(key: string, maxBytes?: number): Promise<Buffer>
  /** Objects whose keys begin with `prefix`, in the order of their keys' bytes, those after `after` only. */
  list(prefix: string, options?: { readonly after?: string }): AsyncGenerator<StoredObject, void, undefined>
  /** Deletes what is there of these; a key that is not there is not an error. @throws StoreError LOCKED, NOT_ALLOWED */
  delete(keys: readonly string[]): Promise<void>
  close(): Promise<void>
}

/** A store that is only read. */
export type ObjectReader = Pick<ObjectStore, 'address' | 'read' | 'get' | 'list' | 'close'>

export type StoreErrorCode =
  | 'NOT_FOUND'
  | 'EXISTS'
  /** The credentials are wrong, or do not allow this. */
  | 'NOT_ALLOWED'
  /** Object Lock keeps the object. */
  | 'LOCKED'
  | 'NO_SPACE'
  | 'TRUNCATED'
  /** The bytes that arrived are not those that were sent: their checksum differs. */
  | 'DAMAGED'
  | 'TOO_LARGE'
  /** The address, the key, or a setting is wrong. */
  | 'INVALID_ARGUMENT'
  /** The store does not answer, or fails, also after several tries. */
  | 'UNAVAILABLE'
