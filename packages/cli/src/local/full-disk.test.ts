// A disk without room, as `status` and a command that gets no answer tell it.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { startBroker } from '@selfmonitor/broker'
import { processIdentity, stateFile, writeState } from '@selfmonitor/platform/running'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { selfmonitor, temporaryFolder } from '../test-io.ts'

vi.mock(import('./disk.ts'), async (load) => ({
  ...(await load()),
  diskSpace: () => ({ freeBytes: 4096, totalBytes: 10 * 2 ** 30 }),
}))

const folder = temporaryFolder()
afterAll(() => folder.remove())

function note(bootstrapServers: string): void {
  mkdirSync(join(folder.path, '.selfmonitor'), { recursive: true })
  writeState(stateFile(folder.path, 0), {
    formatVersion: 1,
    process: { pid: process.pid, identity: processIdentity(process.pid)! },
    ready: true,
    startedAtMs: Date.now(),
    engine: 'embedded',
    environment: 'development',
    portOffset: 0,
    bootstrapServers,
    registryUrl: 'http://127.0.0.1:2',
    dataDir: '/srv/data',
    logFile: '/srv/log',
    nodes: [],
  })
}

describe('a full disk', () => {
  it('is the state of the broker, with where and how much', async () => {
    const broker = await startBroker()
    note(broker.bootstrapServers)
    const { code, stdout, stderr } = await selfmonitor(['status'], { cwd: folder.path })
    await broker.close()
    expect(code).toBe(4)
    expect(stdout).toMatch(/broker \(embedded\) +disk full/)
    expect(stderr).toContain('The disk of /srv/data is full: 4.0 KiB of 10 GiB are free.')
  })

  it('is what a command says that gets no answer', async () => {
    note('127.0.0.1:1')
    const { code, stderr } = await selfmonitor(['topics', 'list', '--timeout', '1s'], { cwd: folder.path })
    expect({ code, stderr }).toEqual({ code: 4, stderr: expect.stringContaining('The disk of /srv/data is full') })
    expect(stderr.split('is full').length).toBe(2)
  })
})
