// A start on a full disk. Writing is what fails there: names, which take no block, can still be made.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { startBroker } from '../start-broker.ts'

const disk = vi.hoisted(() => ({ fullFor: undefined as string | undefined }))

vi.mock('node:fs', async (original) => {
  const fs = await original<typeof import('node:fs')>()
  const full = (path: string) =>
    Object.assign(new Error(`ENOSPC: no space left on device, write`), { code: 'ENOSPC', syscall: 'write', path })
  return {
    ...fs,
    writeFileSync(path: string, data: string, options?: object) {
      if (disk.fullFor === undefined || !path.includes(disk.fullFor)) return fs.writeFileSync(path, data, options)
      fs.writeFileSync(path, '')
      throw full(path)
    },
  }
})

describe('a start on a full disk', () => {
  it.each(['broker.lock', 'meta.json'])(
    'says so when %s cannot be written, and leaves nothing behind',
    async (file) => {
      const dataDir = mkdtempSync(join(tmpdir(), 'full-disk-'))
      onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }))
      disk.fullFor = join(dataDir, file)
      const refused = startBroker({ dataDir })
      await expect(refused).rejects.toMatchObject({
        code: 'DISK_FULL',
        message: expect.stringContaining(join(dataDir, file)),
      })
      await expect(refused).rejects.toThrow(/the volume is full. Free some space there and start again/)
      expect(readdirSync(dataDir).filter((name) => name.startsWith('broker.lock'))).toEqual([])

      disk.fullFor = undefined
      await (await startBroker({ dataDir })).close()
    },
  )
})
