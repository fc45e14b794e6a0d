// Encryption of what a backup holds of the cluster's data, in the format of age (https://age-encryption.org/v1): the `age` command opens it
// with the same identities. Taking a backup needs public keys only, with which nothing can be read.
import { readFile } from 'node:fs/promises'
import type { ObjectStore } from '../store/types.ts'
import { BackupError } from './backup-error.ts'

export interface Sealing {
  /** Public keys, `age1…`, each of which can open everything; none: nothing is encrypted. */
  readonly recipients: readonly string[]
  /** Secret keys, `AGE-SECRET-KEY-1…`; none: what is encrypted cannot be read. */
  readonly identities: readonly string[]
}

/** A store whose segments and states are encrypted, or may be. */
export interface BackupStore extends ObjectStore {
  readonly sealing?: Sealing
}

export const sealedSuffix = '.age'

/** @throws BackupError INVALID_ARGUMENT for a key that is none */
export async function withSealing(store: ObjectStore, sealing: Sealing): Promise<BackupStore> {
  const { Decrypter, Encrypter } = await import('age-encryption')
  const [encrypter, decrypter] = [new Encrypter(), new Decrypter()]
  for (const recipient of sealing.recipients) {
    checked(
      () => encrypter.addRecipient(recipient),
      `"${recipient}" is not a public key of age`,
      'One begins with age1.',
    )
  }
  for (const identity of sealing.identities) {
    // The key itself is not said.
    checked(
      () => decrypter.addIdentity(identity),
      'an identity is not a secret key of age',
      'One begins with AGE-SECRET-KEY-1.',
    )
  }
  return {
    address: store.address,
    create: (key, options) => store.create(key, options),
    put: (key, bytes, options) => store.put(key, bytes, options),
    read: (key) => store.read(key),
    get: (key, maxBytes) => store.get(key, maxBytes),
    list: (prefix, options) => store.list(prefix, options),
    delete: (keys) => store.delete(keys),
    close: () => store.close(),
    sealing,
  }
}

function checked(add: () => void, message: string, hint: string): void {
  try {
    add()
  } catch (cause) {
    throw new BackupError('INVALID_ARGUMENT', message, { hint, cause })
  }
}

/** The name that an object gets, and its bytes as they are stored. */
export async function seal(
  { sealing }: BackupStore,
  key: string,
  bytes: Buffer,
): Promise<{ readonly key: string; readonly bytes: Buffer }> {
  if (sealing === undefined || sealing.recipients.length === 0) return { key, bytes }
  const { Encrypter } = await import('age-encryption')
  const encrypter = new Encrypter()
  for (const recipient of sealing.recipients) encrypter.addRecipient(recipient)
  return { key: `${key}${sealedSuffix}`, bytes: Buffer.from(await encrypter.encrypt(bytes)) }
}

/** Whether an object can be opened with what there is: it is not encrypted, or there is an identity. */
export function canOpen({ sealing }: BackupStore, key: string): boolean {
  return !key.endsWith(sealedSuffix) || (sealing?.identities.length ?? 0) > 0
}

/** @throws BackupError SEALED when no identity opens it */
export async function unseal(store: BackupStore, key: string, bytes: Buffer): Promise<Buffer> {
  if (!key.endsWith(sealedSuffix)) return bytes
  const { identities } = store.sealing ?? { identities: [] }
  const { Decrypter } = await import('age-encryption')
  const decrypter = new Decrypter()
  for (const identity of identities) decrypter.addIdentity(identity)
  try {
    if (identities.length > 0) return Buffer.from(await decrypter.decrypt(bytes))
  } catch (cause) {
    throw new BackupError('SEALED', `${key} in ${store.address} is not encrypted to any of these identities`, {
      cause,
      hint: 'Give the file with the secret key of one of the recipients that the backup names.',
    })
  }
  throw new BackupError('SEALED', `${key} in ${store.address} is encrypted`, {
    hint: 'Give the file with the secret key of one of the recipients that the backup names: --identity.',
  })
}

/**
 * Reads a file of `age-keygen`, or a list of recipients: a key on each line, `#` before a comment.
 * @throws BackupError INVALID_ARGUMENT
 */
export async function readKeyFile(path: string): Promise<string[]> {
  let content: string
  try {
    content = await readFile(path, 'utf8')
  } catch (cause) {
    throw new BackupError('INVALID_ARGUMENT', `${path} cannot be read: ${(cause as Error).message}`, { cause })
  }
  const keys = content
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
  if (keys.length > 0) return keys
  throw new BackupError('INVALID_ARGUMENT', `${path} has no key`, { hint: 'It has a key on each line.' })
}
