import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest'
import {
  fetchDistribution,
  findJava,
  javaMajorVersion,
  type NodeExit,
  pinnedVersion,
  runTool,
  startApache,
} from './index.ts'

let dir: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'selfmonitor-apache-'))
})
afterAll(() => rm(dir, { recursive: true, force: true }))

/** A `java` that prints what we want. */
async function fakeJava(name: string, firstLine: string): Promise<string> {
  const home = join(dir, name)
  await mkdir(join(home, 'bin'), { recursive: true })
  await writeFile(join(home, 'bin', 'java'), `#!/bin/sh\necho '${firstLine}' >&2\n`)
  await chmod(join(home, 'bin', 'java'), 0o755)
  return home
}

describe('finding Java', () => {
  it('reads the major version of old and new version strings', () => {
    expect(javaMajorVersion('openjdk version "17.0.15" 2025-04-15')).toBe(17)
    expect(javaMajorVersion('java version "1.8.0_402"')).toBe(8)
    expect(javaMajorVersion('openjdk version "25" 2025-09-16')).toBe(25)
    expect(javaMajorVersion('nonsense')).toBeNull()
  })

  it('says what to install when there is no Java', async () => {
    await expect(findJava({ PATH: join(dir, 'empty') })).rejects.toMatchObject({
      code: 'JAVA_MISSING',
      message: expect.stringContaining('apt-get install'),
    })
  })

  it('refuses a Java that is too old, and names both versions', async () => {
    const home = await fakeJava('jdk11', 'openjdk version "11.0.2"')
    await expect(findJava({ JAVA_HOME: home })).rejects.toThrow(/is Java 11, Kafka needs 17/)
  })

  it('says what to install when Java is there and Maven is not', async () => {
    const home = await fakeJava('jdk21', 'openjdk version "21.0.1"')
    const env = { JAVA_HOME: home, PATH: join(dir, 'empty'), SELFMONITOR_CACHE_DIR: join(dir, 'cache') }
    await expect(fetchDistribution({ env })).rejects.toMatchObject({
      code: 'MAVEN_MISSING',
      message: expect.stringContaining('apt-get install maven'),
    })
  })
})

describe.skipIf('missing' in inject('apache'))('Apache Kafka', () => {
  it('keeps its topics through a restart, and says when a second one wants the same folder', async () => {
    const distribution = await fetchDistribution()
    const dataDir = join(dir, 'restart')
    const stages: string[] = []
    const first = await startApache({ dataDir, port: 0, onProgress: ({ stage }) => stages.push(stage) })
    try {
      expect(first.version).toBe(await pinnedVersion())
      expect(stages).toContain('formatting')
      const created = await runTool(distribution, 'kafka-topics', [
        '--bootstrap-server',
        first.bootstrapServers,
        '--create',
        '--topic',
        'kept',
      ])
      expect(created.stdout).toContain('Created topic kept')
      await expect(startApache({ dataDir, port: 0 })).rejects.toMatchObject({ code: 'ALREADY_RUNNING' })
      await expect(startApache({ dataDir, port: 0, brokers: 3 })).rejects.toThrow(/holds a cluster of 1 broker/)
    } finally {
      await first.close()
    }

    const second = await startApache({ dataDir, port: 0 })
    try {
      const listed = await runTool(distribution, 'kafka-topics', [
        '--bootstrap-server',
        second.bootstrapServers,
        '--list',
      ])
      expect(listed.stdout.trim()).toBe('kept')
    } finally {
      await second.close()
    }
    expect(second.nodes).toEqual([])
  })

  it('reports a node that ended unexpectedly, and not one that was stopped', { timeout: 120_000 }, async () => {
    const dataDir = join(dir, 'exits')
    const exits: NodeExit[] = []
    const cluster = await startApache({ dataDir, port: 0, onExit: (exit) => exits.push(exit) })
    try {
      await cluster.stopNode(1, 'SIGKILL')
      await cluster.startNode(1)
      expect(exits).toEqual([])
      process.kill(cluster.nodes[0]!.pid, 'SIGKILL')
      await vi.waitUntil(() => exits.length > 0, { timeout: 10_000 })
      const logFile = join(dataDir, 'node-1', 'kafka.log')
      expect(exits).toEqual([{ nodeId: 1, code: null, signal: 'SIGKILL', logFile }])
    } finally {
      await cluster.close()
    }
  })

  it.each(['formatting', 'starting'])(
    'ends a start that is interrupted while %s, and leaves no process',
    async (when) => {
      const dataDir = join(dir, `interrupted-${when}`)
      const interrupt = new AbortController()
      const started = startApache({
        dataDir,
        port: 0,
        signal: interrupt.signal,
        onProgress: ({ stage }) => stage === when && interrupt.abort(),
      })
      await expect(started.then((cluster) => cluster.close())).rejects.toMatchObject({ code: 'INTERRUPTED' })
      const log = await readFile(join(dataDir, 'node-1', 'kafka.log'), 'utf8').catch(() => '')
      expect(log).not.toContain('Kafka Server started')
      await expect(readFile(join(dataDir, 'node-1', 'pid'))).rejects.toMatchObject({ code: 'ENOENT' })
    },
  )

  it('reports why a node ended, with the place of its log', async () => {
    const dataDir = join(dir, 'broken')
    await expect(startApache({ dataDir, port: 0, config: { 'num.network.threads': 'many' } })).rejects.toMatchObject({
      code: expect.stringMatching(/FORMAT_FAILED|START_FAILED/),
      message: expect.stringContaining('num.network.threads'),
    })
  })
})
