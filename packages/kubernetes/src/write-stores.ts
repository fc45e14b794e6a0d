// The key stores of a Java server, made from the PEM files that its pod mounts: an init container writes them to a folder in memory.
import { chmod, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { keyStore, trustStore } from './certificates/key-stores.ts'
import { KubernetesError } from './errors.ts'
import { newPassword } from './random.ts'

export interface StoresOptions {
  /** Folder with tls.crt and tls.key, as a Secret of type kubernetes.io/tls is mounted. Without it there is no key store. */
  readonly certificate?: string
  /** Files with the CAs to trust, PEM. */
  readonly trust: readonly string[]
  /** Folder to write to: keystore.p12, truststore.p12, and store-password, which is drawn anew each time. */
  readonly out: string
}

/**
 * Writes them, each file whole or not at all, readable by this user alone.
 * @throws KubernetesError STORE_INVALID naming the file that is missing or not what it should be
 */
export async function writeStores({ certificate, trust, out }: StoresOptions): Promise<readonly string[]> {
  const password = newPassword()
  const files: [name: string, content: Buffer | string][] = [['store-password', password]]
  const bundle = (await Promise.all(trust.map(read))).join('\n')
  files.push(['truststore.p12', made(trust.join(', '), () => trustStore(bundle))])
  if (certificate !== undefined) {
    const [chain, key] = await Promise.all(['tls.crt', 'tls.key'].map((name) => read(join(certificate, name))))
    files.push(['keystore.p12', made(certificate, () => keyStore(key!, chain!, password))])
  }
  for (const [name, content] of files) await write(join(out, name), content)
  return files.map(([name]) => join(out, name))
}

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    throw invalid(file, `cannot be read (${(cause as NodeJS.ErrnoException).code})`, cause)
  }
}

function made<T>(from: string, make: () => T): T {
  try {
    return make()
  } catch (cause) {
    throw invalid(from, (cause as Error).message, cause)
  }
}

async function write(file: string, content: Buffer | string): Promise<void> {
  const partial = `${file}.partial`
  try {
    await writeFile(partial, content, { mode: 0o600 })
    await chmod(partial, 0o600)
    await rename(partial, file)
  } catch (cause) {
    throw invalid(file, `cannot be written (${(cause as NodeJS.ErrnoException).code})`, cause)
  }
}

function invalid(file: string, problem: string, cause: unknown): KubernetesError {
  return new KubernetesError('STORE_INVALID', `${file}: ${problem}`, {
    reason: 'invalid',
    hint: 'The Secret of the certificate has tls.crt (leaf, then chain), tls.key (not encrypted) and ca.crt, all of them PEM.',
    cause,
  })
}
