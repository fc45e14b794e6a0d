import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { deleteDataDir, openDataDir } from './data-dir.ts'
import { acquireLock, lockFile } from './lock.ts'
import { ownIdentity } from './process-identity.ts'

describe('data directory', () => {
  let dir: string
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'data-dir-'))
  })
  afterEach(() => rmSync(dir, { recursive: true, force: true }))

  async function deadPid(): Promise<number> {
    const child = spawn(process.execPath, ['-e', ''])
    await new Promise((resolve) => child.on('exit', resolve))
    return child.pid!
  }

  it('rejects a second broker and names the process that holds the lock', () => {
    const release = acquireLock(dir)
    expect(() => acquireLock(dir)).toThrow(expect.objectContaining({ code: 'DATA_DIR_LOCKED', pid: process.pid }))
    release()
    acquireLock(dir)()
    expect(existsSync(join(dir, lockFile))).toBe(false)
  })

  it('rejects a broker while another running process holds the lock', async () => {
    const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
    try {
      writeFileSync(join(dir, lockFile), JSON.stringify({ pid: other.pid, startedAt: null }))
      expect(() => acquireLock(dir)).toThrow(`in use by process ${other.pid}: stop it (kill ${other.pid})`)
    } finally {
      other.kill('SIGKILL')
    }
  })

  it('takes over the lock of a process that is gone', async () => {
    writeFileSync(join(dir, lockFile), JSON.stringify({ pid: await deadPid(), startedAt: 'then' }))
    const release = acquireLock(dir)
    expect(JSON.parse(readFileSync(join(dir, lockFile), 'utf8'))).toEqual(ownIdentity())
    release()
  })

  it.skipIf(process.platform === 'win32')('takes over when the process id belongs to another process now', () => {
    writeFileSync(join(dir, lockFile), JSON.stringify({ pid: process.pid, startedAt: 'long ago' }))
    acquireLock(dir)()
  })

  it.each(['', '{"pid":', 'null', '{"pid":"x"}'])('takes over a lock that is damaged: %j', (content) => {
    writeFileSync(join(dir, lockFile), content)
    acquireLock(dir)()
  })

  it('is refused when a newer release wrote it, and is not changed', () => {
    const path = join(dir, 'meta.json')
    writeFileSync(path, '{"format":2,"cluster":{}}')
    expect(() => openDataDir(dir, undefined)).toThrow(/format 2, written by a newer release.*upgrade/)
    expect(readFileSync(path, 'utf8')).toBe('{"format":2,"cluster":{}}')
    expect(existsSync(join(dir, lockFile))).toBe(false)
  })

  it('is refused when the folder has other data', () => {
    writeFileSync(join(dir, 'thesis.doc'), '')
    expect(() => openDataDir(dir, undefined)).toThrow(expect.objectContaining({ code: 'DATA_DIR_INVALID' }))
  })

  it('is refused with the reason when it cannot be a folder', () => {
    writeFileSync(join(dir, 'file'), '')
    for (const path of ['file', 'file/below']) {
      expect(() => openDataDir(join(dir, path), undefined)).toThrow(
        expect.objectContaining({ code: 'DATA_DIR_INVALID', message: expect.stringContaining(join(dir, path)) }),
      )
    }
  })

  it('is deleted while no broker has it, and nothing else is', () => {
    const first = openDataDir(dir, 'my-cluster')
    expect(() => deleteDataDir(dir)).toThrow(expect.objectContaining({ code: 'DATA_DIR_LOCKED' }))
    first.release()
    writeFileSync(join(dir, 'thesis.doc'), '')
    expect(() => deleteDataDir(dir)).toThrow(/it has thesis\.doc\): nothing was deleted/)
    expect(readdirSync(dir).sort()).toEqual(['meta.json', 'thesis.doc'])
    rmSync(join(dir, 'thesis.doc'))
    deleteDataDir(dir)
    expect(readdirSync(dir)).toEqual([])
    deleteDataDir(join(dir, 'missing'))
    expect(existsSync(join(dir, 'missing'))).toBe(false)
  })

  it('keeps its cluster id', () => {
    const first = openDataDir(dir, 'my-cluster')
    first.release()
    const second = openDataDir(dir, 'another')
    expect(second.clusterId).toBe('my-cluster')
    second.release()
  })

  it('is removed when it was a temporary one', () => {
    const temporary = openDataDir(undefined, undefined)
    expect(existsSync(temporary.dir)).toBe(true)
    temporary.release()
    expect(existsSync(temporary.dir)).toBe(false)
  })
})
