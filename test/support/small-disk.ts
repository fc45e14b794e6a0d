// A small file system of its own, in memory, that a test can fill.
import { execFile } from 'node:child_process'
import { mkdir, rm, statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const command = promisify(execFile)

export interface SmallDisk {
  readonly path: string
  /** Fills it up to a share of its size, 0 to 1, with a file beside what else is on it; 0 removes that file. */
  fill(share: number): Promise<void>
  unmount(): Promise<void>
}

/** Why no small disk can be mounted here, or null. @throws Error in CI, where it has to be */
export function missingSmallDisk(): string | null {
  if (process.platform === 'linux' && process.getuid?.() === 0) return null
  const reason = 'mounting a small disk needs root on Linux'
  if (process.env.CI) throw new Error(`${reason}; in CI the disk has to be filled`)
  return reason
}

/** Mounts one at a folder that is not there yet. */
export async function mountSmallDisk(path: string, sizeMb: number): Promise<SmallDisk> {
  await mkdir(path)
  await command('mount', ['-t', 'tmpfs', '-o', `size=${sizeMb}m`, 'selfmonitor-test', path])
  const ballast = join(path, 'ballast')
  return {
    path,
    async fill(share) {
      await rm(ballast, { force: true })
      if (share === 0) return
      const { bsize, blocks, bavail } = await statfs(path)
      const wanted = Math.floor(share * blocks) - (blocks - bavail)
      // A disk that is to be full is written until it refuses.
      const error = await writeFile(ballast, Buffer.alloc((share >= 1 ? bavail + 1 : wanted) * bsize)).then(
        () => null,
        (reason: NodeJS.ErrnoException) => reason,
      )
      if (error !== null && !(share >= 1 && error.code === 'ENOSPC')) throw error
    },
    unmount: async () => void (await command('umount', [path])),
  }
}
