// Removes what a run made on this machine, also for runs whose process died: containers, mounts, namespaces, cgroups, the folder.
import { existsSync } from 'node:fs'
import { readdir, readFile, rm, rmdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from '@selfmonitor/apache'

/** Begins the names of everything a run makes: `smr-<process id>-<its start>-<random>`. */
const prefix = 'smr'
const runName = /^smr-(\d+)-(\d+)-[a-z0-9]+$/

export const cgroupRoot = '/sys/fs/cgroup'

/** When a process started, in the kernel's ticks since boot: tells a process from a later one with the same id. */
async function startOf(pid: number): Promise<string | null> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null)
  return stat ? stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]! : null
}

/** The name of a new run of this process. */
export async function newRunName(): Promise<string> {
  return `${prefix}-${process.pid}-${await startOf(process.pid)}-${Math.random().toString(36).slice(2, 5).padEnd(3, '0')}`
}

/** Folder of a run. */
export const folderOf = (name: string): string => join(tmpdir(), name)

/** Removes everything of runs whose processes are gone. Runs of living processes are left alone. */
export async function removeLeftovers(): Promise<string[]> {
  const removed: string[] = []
  for (const name of await readdir(tmpdir())) {
    const match = runName.exec(name)
    if (!match || (await startOf(Number(match[1]))) === match[2]) continue
    await removeRun(name)
    removed.push(name)
  }
  return removed
}

/** Removes everything of one run. Missing parts are not an error. */
export async function removeRun(name: string): Promise<void> {
  if (!runName.test(name)) throw new Error(`${name} is not the name of a run`)
  const folder = folderOf(name)
  const root = join(folder, 'runc')
  for (const id of await readdir(root).catch(() => [])) await run('runc', ['--root', root, 'delete', '--force', id])
  const namespaces = await readdir('/run/netns').catch(() => [])
  for (const namespace of namespaces) {
    if (namespace.startsWith(`${name}-`)) await run('ip', ['netns', 'del', namespace])
  }
  await unmountBelow(folder)
  for (const controller of await readdir(cgroupRoot).catch(() => [])) {
    await removeCgroup(join(cgroupRoot, controller, name))
  }
  if ((await mountsBelow(folder)).length > 0) {
    throw new Error(`Something is still mounted below ${folder}: unmount it, then delete the folder`)
  }
  await rm(folder, { recursive: true, force: true })
}

async function mountsBelow(folder: string): Promise<string[]> {
  const mounts = await readFile('/proc/self/mountinfo', 'utf8')
  return mounts
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((path) => path.startsWith(`${folder}/`))
    .sort((a, b) => b.length - a.length)
}

export async function unmountBelow(folder: string): Promise<void> {
  for (const path of await mountsBelow(folder)) await run('umount', ['--lazy', path])
}

async function removeCgroup(path: string): Promise<void> {
  if (!existsSync(path)) return
  for (const entry of await readdir(path, { withFileTypes: true })) {
    if (entry.isDirectory()) await removeCgroup(join(path, entry.name))
  }
  // A process that has just ended may still be counted there for a moment; otherwise the folder is empty.
  await rmdir(path).catch(() => {})
}
