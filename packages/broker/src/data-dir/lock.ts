// The lock file of a data directory: it keeps a second process out and names the first.
//
// It has the process id and start time of its owner. A lock whose owner no longer runs (killed, machine restarted, id reused) is
// taken over. The file is created as a hard link of a finished file, so that no process ever reads an incomplete lock. A takeover
// first moves the stale file aside and checks that it is still the one that was examined, so that only one of two processes
// succeeds.
import { linkSync, readFileSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { BrokerStartError } from '../start-error.ts'
import { ownIdentity, type ProcessIdentity, stateOf } from './process-identity.ts'

export const lockFile = 'broker.lock'

/** @returns the function that releases the lock @throws BrokerStartError DATA_DIR_LOCKED */
export function acquireLock(dir: string): () => void {
  const path = join(dir, lockFile)
  const mine = `${path}.${process.pid}.${Math.random().toString(36).slice(2)}`
  const content = JSON.stringify(ownIdentity())
  try {
    writeFileSync(mine, content)
    // Each round either takes the lock, finds it held, or removes a stale one; a few rounds are enough for any number of processes.
    for (let round = 0; round < 10; round++) {
      if (tryLink(mine, path)) return () => release(path, content)
      removeIfStale(path, dir)
    }
    throw locked(dir, undefined)
  } finally {
    // A full disk can create the file without its content; it must not stay either.
    rmSync(mine, { force: true })
  }
}

function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

function removeIfStale(path: string, dir: string): void {
  const content = readIfThere(path)
  if (content === undefined) return
  const owner = parseOwner(content)
  if (owner && stateOf(owner) === 'alive') throw locked(dir, owner.pid)
  const aside = `${path}.stale.${process.pid}`
  try {
    renameSync(path, aside)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  // Another process may have replaced the stale lock by a live one between reading and moving it: that one is put back.
  if (readFileSync(aside, 'utf8') !== content) tryLink(aside, path)
  unlinkSync(aside)
}

/** Undefined for a file that is not a complete lock. */
function parseOwner(content: string): ProcessIdentity | undefined {
  try {
    const { pid, startedAt } = JSON.parse(content) as Partial<ProcessIdentity>
    return typeof pid === 'number' ? { pid, startedAt: startedAt ?? null } : undefined
  } catch {
    return undefined
  }
}

function release(path: string, content: string): void {
  // Only this process's own lock: after a wrong takeover the file belongs to another process.
  if (readIfThere(path) === content) unlinkSync(path)
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function locked(dir: string, pid: number | undefined): BrokerStartError {
  const who = pid === undefined ? 'another process' : pid === process.pid ? 'this process' : `process ${pid}`
  const what = pid === undefined || pid === process.pid ? 'close that broker first' : `stop it (kill ${pid})`
  return new BrokerStartError(
    'DATA_DIR_LOCKED',
    `the data directory ${dir} is in use by ${who}: ${what}, or choose another directory`,
    { pid },
  )
}
