// Volumes as folders of this machine: written as kubelet writes them, with modes, groups and an atomic switch to new contents.
import { chmod, chown, lchown, mkdir, readdir, readlink, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { groupReadable, type VolumeFile } from '../core/volumes.ts'
import { must } from './network.ts'

/**
 * Writes the files of a ConfigMap, Secret or projection: into a folder with a new name, to which the link `..data` is then
 * switched; the names that containers open are links through it. A reader sees all old files or all new ones.
 * @param group the pod's fsGroup, if it has one.
 * @param owner of files that only their owner may read, when there is no group (service account tokens).
 */
export async function writeFiles(
  folder: string,
  files: readonly VolumeFile[],
  group: number | undefined,
  owner = 0,
): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o755 })
  const before = await readlink(join(folder, '..data')).catch(() => null)
  const stamp = `..${new Date().toISOString().replace(/[-:T]/g, '_').replace('Z', '')}.${Math.random().toString().slice(2, 8)}`
  await mkdir(join(folder, stamp), { mode: 0o755 })
  for (const file of files) {
    const path = join(folder, stamp, file.path)
    await mkdir(dirname(path), { recursive: true, mode: 0o755 })
    await writeFile(path, file.content)
    await chown(path, owner, group ?? 0)
    await chmod(path, group === undefined ? file.mode : groupReadable(file.mode))
  }
  await symlink(stamp, join(folder, '..next'))
  await rename(join(folder, '..next'), join(folder, '..data'))
  const names = new Set(files.map((file) => file.path.split('/')[0]!))
  for (const name of names) {
    const link = join(folder, name)
    if ((await readlink(link).catch(() => null)) === null) await symlink(join('..data', name), link)
  }
  for (const name of await readdir(folder)) {
    if (!name.startsWith('..') && !names.has(name)) await rm(join(folder, name))
  }
  if (before) await rm(join(folder, before), { recursive: true, force: true })
}

/** An empty folder that all users may write to; in memory, with its limit, when the volume says so. */
export async function makeEmptyDir(
  folder: string,
  options: { memory: boolean; sizeBytes?: number },
  group: number | undefined,
): Promise<void> {
  await mkdir(folder, { recursive: true })
  if (options.memory) {
    const size = options.sizeBytes === undefined ? '' : `,size=${options.sizeBytes}`
    await must('mount', ['-t', 'tmpfs', '-o', `nosuid,nodev,mode=0777${size}`, 'tmpfs', folder])
  }
  await chmod(folder, 0o777)
  if (group !== undefined) await giveToGroup(folder, group)
}

/** The folder of a claim, as a fresh disk has it: root's, until a pod's fsGroup makes it writable. */
export async function makeClaim(
  folder: string,
  group: number | undefined,
  onlyWhenRootDiffers: boolean,
): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o755 })
  if (group === undefined) return
  const root = await stat(folder)
  if (onlyWhenRootDiffers && root.gid === group && (root.mode & 0o2070) === 0o2070) return
  await giveToGroup(folder, group)
}

/** fsGroup: the group owns everything, may do what owners do, and new files are the group's too. */
async function giveToGroup(folder: string, group: number): Promise<void> {
  const { mode, uid } = await stat(folder)
  await chown(folder, uid, group)
  await chmod(folder, (mode & 0o7777) | 0o2070)
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) await giveToGroup(path, group)
    else if (entry.isSymbolicLink()) await lchown(path, 0, group)
    else {
      const file = await stat(path)
      await chown(path, file.uid, group)
      await chmod(path, (file.mode & 0o7777) | 0o060)
    }
  }
}
