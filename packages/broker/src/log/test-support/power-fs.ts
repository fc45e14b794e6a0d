// A file system that can lose power: what was not synced is gone then. Its syncs can be made to fail as Linux lets them
// fail: the bytes that could not be written count as clean afterwards, and the next sync succeeds without them.
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { type LogFs, nodeFs } from '../disk/fs.ts'

interface Disk {
  /** What is on the platter, by path. */
  readonly content: Map<string, Buffer>
  /** Ranges that are in memory only. */
  readonly dirty: Map<string, (readonly [number, number])[]>
  /** Names that survive. */
  readonly names: Set<string>
}

export interface PowerFs {
  readonly fs: LogFs
  /** Asked before each sync of a file or folder: whether it fails. */
  failSync: (path: string) => boolean
  /** Puts every file into the state in which it survives. */
  losePower(): void
}

export function createPowerFs(): PowerFs {
  const disk: Disk = { content: new Map(), dirty: new Map(), names: new Set() }
  const files = new Map<number, string>()
  const known = new Set<string>()
  const all = (path: string): readonly [number, number] => [0, readFileSync(path).length]
  const touch = (path: string, range: readonly [number, number]) => {
    known.add(path)
    disk.dirty.set(path, [...(disk.dirty.get(path) ?? []), range])
  }
  const fail = (path: string) => Object.assign(new Error(`EIO: ${path}: made to fail by the test`), { code: 'EIO' })
  const settle = (path: string) => {
    if (power.failSync(path)) {
      disk.dirty.delete(path)
      throw fail(path)
    }
    const now = readFileSync(path)
    let content = disk.content.get(path) ?? Buffer.alloc(0)
    for (const [from, to] of disk.dirty.get(path) ?? []) {
      if (to > content.length) content = Buffer.concat([content, Buffer.alloc(to - content.length)])
      now.copy(content, from, from, to)
    }
    disk.dirty.delete(path)
    disk.content.set(path, content.subarray(0, now.length))
  }
  const forget = (path: string) => {
    for (const name of [...known]) {
      if (name !== path && !name.startsWith(`${path}/`)) continue
      known.delete(name)
      disk.content.delete(name)
      disk.dirty.delete(name)
      disk.names.delete(name)
    }
  }
  const fs: LogFs = {
    ...nodeFs,
    async open(path, create) {
      const fd = await nodeFs.open(path, create)
      files.set(fd, path)
      known.add(path)
      return fd
    },
    async close(fd) {
      files.delete(fd)
      await nodeFs.close(fd)
    },
    async writev(fd, buffers, position) {
      const written = await nodeFs.writev(fd, buffers, position)
      touch(files.get(fd)!, [position, position + written])
      return written
    },
    async truncate(fd, sizeBytes) {
      await nodeFs.truncate(fd, sizeBytes)
      const path = files.get(fd)!
      const dirty = (disk.dirty.get(path) ?? []).filter(([from]) => from < sizeBytes)
      disk.dirty.set(
        path,
        dirty.map(([from, to]) => [from, Math.min(to, sizeBytes)] as const),
      )
      disk.content.set(path, (disk.content.get(path) ?? Buffer.alloc(0)).subarray(0, sizeBytes))
    },
    sync: async (fd) => settle(files.get(fd)!),
    async rename(from, to) {
      await nodeFs.rename(from, to)
      for (const name of [...known]) {
        if (name !== from && !name.startsWith(`${from}/`)) continue
        const renamed = to + name.slice(from.length)
        known.add(renamed)
        const content = disk.content.get(name)
        if (content !== undefined) disk.content.set(renamed, content)
        const dirty = disk.dirty.get(name)
        if (dirty !== undefined) disk.dirty.set(renamed, dirty)
        if (disk.names.has(name)) disk.names.add(renamed)
        forget(name)
      }
    },
    async remove(path) {
      await nodeFs.remove(path)
      forget(path)
    },
    async writeFile(path, content) {
      await nodeFs.writeFile(path, content)
      touch(path, all(path))
    },
    async replaceFile(path, content) {
      await nodeFs.replaceFile(path, content)
      known.add(path)
      disk.content.set(path, readFileSync(path))
      disk.names.add(path)
    },
    async syncDir(dir) {
      if (power.failSync(dir)) throw fail(dir)
      for (const path of known) if (dirname(path) === dir) disk.names.add(path)
    },
  }
  const power: PowerFs = {
    fs,
    failSync: () => false,
    losePower() {
      for (const path of [...known]) {
        if (disk.names.has(path)) writeFileSync(path, disk.content.get(path) ?? '')
        else rmSync(path, { force: true })
      }
      disk.dirty.clear()
    },
  }
  return power
}
