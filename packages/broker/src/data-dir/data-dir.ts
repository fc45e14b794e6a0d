// The broker's data directory: its format, its cluster, its lock, and what it contains.
//
//   meta.json      format version and cluster id
//   broker.lock    the process that uses it
//   metadata/      topics, settings, producer ids
//   logs/          one folder for each partition
import { randomBytes } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { BrokerFailure } from '../failure.ts'
import { BrokerStartError, diskFull } from '../start-error.ts'
import { acquireLock } from './lock.ts'
import { watchFile } from './watch.ts'

const format = 1
const metaFile = 'meta.json'

export interface DataDir {
  readonly dir: string
  readonly clusterId: string
  readonly metadataDir: string
  readonly logsDir: string
  /** A temporary folder, which nothing reads after this broker. */
  readonly temporary: boolean
  /** Whether this start created it. */
  readonly isNew: boolean
  /** The directory was deleted, moved or replaced since it was opened; undefined while it was not. Set by `watch`. */
  readonly failure: BrokerFailure | undefined
  /** Watches until `release`, and calls `onFailure` once. A temporary directory is not watched. */
  watch(onFailure: (failure: BrokerFailure) => void): void
  /** Releases the lock, and removes a temporary folder. */
  release(): void
}

interface Meta {
  readonly format: number
  readonly clusterId: string
}

/**
 * Opens or creates the directory and locks it.
 * @param wanted undefined: a temporary folder
 * @param clusterId for a new directory; undefined: a random one
 * @throws BrokerStartError DATA_DIR_LOCKED, DATA_DIR_NEWER, DATA_DIR_INVALID
 */
export function openDataDir(wanted: string | undefined, clusterId: string | undefined): DataDir {
  const temporary = wanted === undefined
  const dir = temporary ? mkdtempSync(join(tmpdir(), 'selfmonitor-broker-')) : resolve(wanted)
  const unlock = lock(dir)
  try {
    const existing = readMeta(dir)
    const meta = existing ?? createMeta(dir, clusterId ?? randomClusterId(), temporary)
    let failure: BrokerFailure | undefined
    let endWatch = (): void => {}
    return {
      dir,
      clusterId: meta.clusterId,
      metadataDir: join(dir, 'metadata'),
      logsDir: join(dir, 'logs'),
      temporary,
      isNew: existing === undefined,
      get failure() {
        return failure
      },
      watch(onFailure) {
        if (temporary) return
        endWatch = watchFile(join(dir, metaFile), () => {
          failure = new BrokerFailure(dir)
          onFailure(failure)
        })
      },
      release() {
        endWatch()
        unlock()
        if (temporary) rmSync(dir, { recursive: true, force: true })
      },
    }
  } catch (error) {
    unlock()
    throw error
  }
}

function lock(dir: string): () => void {
  try {
    mkdirSync(dir, { recursive: true })
    return acquireLock(dir)
  } catch (error) {
    if (error instanceof BrokerStartError) throw error
    const full = diskFull(dir, error)
    if (full) throw full
    const why = error instanceof Error ? error.message : String(error)
    throw new BrokerStartError(
      'DATA_DIR_INVALID',
      `${dir} cannot be used as a data directory (${why}): it must be a folder that this user may write to, or a path where one can be created`,
      { cause: error },
    )
  }
}

/** The entries at the top of a broker's directory. If it is a whole volume, it also has a lost+found. */
const ownEntry = /^(meta\.json|broker\.lock)(\..+)?$|^(metadata|logs|lost\+found)$/

/**
 * Deletes all that a broker keeps in a directory, while no broker has it. There is nothing to delete in one that is missing.
 * @throws BrokerStartError DATA_DIR_LOCKED while a broker has it; DATA_DIR_INVALID when it holds something else, and then
 *   nothing is deleted
 */
export function deleteDataDir(dir: string): void {
  if (!existsSync(dir)) return
  const strange = readdirSync(dir).filter((name) => !ownEntry.test(name))
  if (strange.length > 0) {
    throw new BrokerStartError(
      'DATA_DIR_INVALID',
      `${dir} is not a broker's data directory (it has ${strange.slice(0, 3).join(', ')}): nothing was deleted`,
    )
  }
  const unlock = lock(dir)
  try {
    for (const name of ['logs', 'metadata', metaFile]) rmSync(join(dir, name), { recursive: true, force: true })
  } finally {
    unlock()
  }
}

function readMeta(dir: string): Meta | undefined {
  const path = join(dir, metaFile)
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  const meta = parseMeta(text)
  if (!meta) throw new BrokerStartError('DATA_DIR_INVALID', `${path} is damaged; restore the directory from a backup`)
  if (meta.format > format) {
    throw new BrokerStartError(
      'DATA_DIR_NEWER',
      `the data directory ${dir} has format ${meta.format}, written by a newer release; this one reads up to ` +
        `${format}: upgrade to open it, or choose another directory`,
    )
  }
  return meta
}

function parseMeta(text: string): Meta | undefined {
  try {
    const meta = JSON.parse(text) as Partial<Meta> | null
    if (typeof meta?.format !== 'number') return undefined
    // A newer format may have the rest elsewhere.
    if (meta.format <= format && typeof meta.clusterId !== 'string') return undefined
    return meta as Meta
  } catch {
    return undefined
  }
}

function createMeta(dir: string, clusterId: string, temporary: boolean): Meta {
  const others = readdirSync(dir).filter((name) => !ownEntry.test(name) || name === 'metadata' || name === 'logs')
  if (others.length > 0) {
    throw new BrokerStartError(
      'DATA_DIR_INVALID',
      `${dir} is not empty and not a broker's data directory (it has ${others.slice(0, 3).join(', ')}): choose another one`,
    )
  }
  const meta: Meta = { format, clusterId }
  const path = join(dir, metaFile)
  writeFileSync(`${path}.new`, `${JSON.stringify(meta, null, 2)}\n`, { flush: !temporary })
  renameSync(`${path}.new`, path)
  return meta
}

/** As Kafka's `kafka-storage random-uuid`: 16 random bytes, not beginning with a dash. */
function randomClusterId(): string {
  for (;;) {
    const id = randomBytes(16).toString('base64url')
    if (!id.startsWith('-')) return id
  }
}
