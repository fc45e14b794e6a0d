import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createFaultyFs } from '../test-support/faulty-fs.ts'
import { temporaryDir } from '../test-support/logs.ts'
import { createOpenFiles } from './open-files.ts'

describe('open files', () => {
  async function openFiles(limit: number) {
    const { fs, faults } = createFaultyFs()
    const dir = await temporaryDir()
    const files = createOpenFiles(fs, limit)
    const touch = (name: string) => files.use(join(dir, name), async () => {}, true)
    return {
      files,
      faults,
      touch,
      sync: (name: string) => files.sync(join(dir, name)),
      path: (name: string) => join(dir, name),
    }
  }

  it('stay below their limit: the one that was used least recently is closed', async () => {
    const { files, touch } = await openFiles(2)
    for (const name of ['a', 'b', 'a', 'c', 'd']) await touch(name)
    expect(files.size).toBe(2)
    await files.closeAll()
  })

  it('report at the next sync, once, that closing one had failed', async () => {
    const { files, faults, touch, sync } = await openFiles(1)
    await touch('a')
    faults.failClose = true
    await touch('b')
    faults.failClose = false
    await expect(sync('a')).rejects.toMatchObject({ code: 'EIO' })
    await sync('a')
    await sync('b')
    await files.closeAll()
  })

  it('forget with a file what closing it had said: its name may be used for another one', async () => {
    const { files, faults, touch, sync, path } = await openFiles(1)
    await touch('a')
    faults.failClose = true
    await touch('b')
    faults.failClose = false
    await files.forget(path('a'))
    await sync('a')
    await files.closeAll()
  })
})
