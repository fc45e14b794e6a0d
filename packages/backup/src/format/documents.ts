// The JSON files of a backup: written once, read with their hash and their form checked.
import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { zstdCompress, zstdDecompress } from 'node:zlib'
import type { z } from 'zod'
import { StoreError } from '../store/store-error.ts'
import { BackupError } from './backup-error.ts'
import { toJson } from './json.ts'
import { type BackupStore, seal, unseal } from './sealing.ts'
import { formatName, formatVersion, type ObjectReference } from './types.ts'

const compress = promisify(zstdCompress)
const decompress = promisify(zstdDecompress)
const maxDocumentBytes = 1024 * 1024 * 1024

export function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** @throws StoreError EXISTS, … */
export async function putDocument(store: BackupStore, key: string, value: unknown): Promise<ObjectReference> {
  return putBytes(store, key, await documentBytes(key, value))
}

/** As `putDocument`, encrypted where the store says so: the reference has the name that it gets. */
export async function putSealed(store: BackupStore, key: string, value: unknown): Promise<ObjectReference> {
  const sealed = await seal(store, key, await documentBytes(key, value))
  return putBytes(store, sealed.key, sealed.bytes)
}

async function documentBytes(key: string, value: unknown): Promise<Buffer> {
  return key.endsWith('.zst') ? compress(toJson(value)) : toJson(value, 2)
}

async function putBytes(store: BackupStore, key: string, bytes: Buffer): Promise<ObjectReference> {
  await store.put(key, bytes)
  return { key, sha256: sha256(bytes) }
}

/** Reads an object and compares it with its hash: for that no key is needed. @throws BackupError DAMAGED; StoreError other than NOT_FOUND */
export async function getStored(store: BackupStore, reference: ObjectReference): Promise<Buffer> {
  const bytes = await required(store, reference.key)
  const found = sha256(bytes)
  if (found === reference.sha256) return bytes
  throw damaged(store, reference.key, `its SHA-256 is ${found}, the backup says ${reference.sha256}`)
}

/** @throws BackupError DAMAGED, NEWER_FORMAT; StoreError other than NOT_FOUND */
export async function getDocument<Output>(
  store: BackupStore,
  reference: ObjectReference,
  schema: z.ZodType<Output, unknown>,
): Promise<Output> {
  const bytes = await getStored(store, reference)
  return (await parseDocument(store, reference.key, bytes, schema)).value
}

/** As `getDocument`, of a file whose hash is not known before. */
export async function getFirstDocument<Output>(
  store: BackupStore,
  key: string,
  schema: z.ZodType<Output, unknown>,
): Promise<{ readonly value: Output; readonly reference: ObjectReference }> {
  return parseDocument(store, key, await required(store, key), schema)
}

async function parseDocument<Output>(
  store: BackupStore,
  key: string,
  bytes: Buffer,
  schema: z.ZodType<Output, unknown>,
): Promise<{ readonly value: Output; readonly reference: ObjectReference }> {
  let value: unknown
  const open = await unseal(store, key, bytes)
  try {
    const json = /\.zst(\.age)?$/.test(key) ? await decompress(open, { maxOutputLength: maxDocumentBytes }) : open
    value = JSON.parse(json.toString('utf8'))
  } catch (error) {
    throw damaged(store, key, (error as Error).message)
  }
  refuseNewer(store, key, value)
  const parsed = schema.safeParse(value)
  if (parsed.success) return { value: parsed.data, reference: { key, sha256: sha256(bytes) } }
  const [issue] = parsed.error.issues
  throw damaged(store, key, `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`)
}

function refuseNewer(store: BackupStore, key: string, value: unknown): void {
  if (typeof value !== 'object' || value === null || !('format' in value) || value.format !== formatName) return
  if (!('version' in value) || typeof value.version !== 'number' || value.version <= formatVersion) return
  throw new BackupError(
    'NEWER_FORMAT',
    `${key} in ${store.address} has version ${value.version} of the backup's format; this program knows ${formatVersion}`,
    { hint: 'Use a newer version of selfmonitor.' },
  )
}

async function required(store: BackupStore, key: string): Promise<Buffer> {
  try {
    return await store.get(key, maxDocumentBytes)
  } catch (error) {
    if (error instanceof StoreError && error.code === 'DAMAGED') throw damaged(store, key, error.message, error)
    if (error instanceof StoreError && error.code === 'NOT_FOUND') throw damaged(store, key, 'it is missing', error)
    throw error
  }
}

export function damaged(store: BackupStore, key: string, what: string, cause?: unknown): BackupError {
  return new BackupError('DAMAGED', `${key} in ${store.address} is not what was written: ${what}`, {
    cause,
    hint: 'Restore an earlier backup that does not need this object, or bring the object back (bucket versioning keeps it).',
  })
}
