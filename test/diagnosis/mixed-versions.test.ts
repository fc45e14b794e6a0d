// A cluster in the middle of an upgrade: broker 1 runs Kafka 4, broker 2 still 3.9, and node 3 is a controller alone, which hangs.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type ApacheCluster, fetchDistribution, type KafkaDistribution, startApache } from '@selfmonitor/apache'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { type Watch, watch } from './watch.ts'

const pomOf39 = fileURLToPath(new URL('../deployment/running/images/kafka-3.9/pom.xml', import.meta.url))
/** Kafka 3.9 logs with Log4j 1, Kafka 4 with Log4j 2. */
const log4j1 = fileURLToPath(new URL('./log4j-1.properties', import.meta.url))
const minute = 60_000

describe.skipIf('missing' in inject('apache'))('a cluster that is being upgraded', { timeout: 120_000 }, () => {
  const cleanups: (() => Promise<unknown>)[] = []
  const versions: Record<number, KafkaDistribution> = {}
  let kafka: ApacheCluster
  let bootstrapServers: string
  let watcher: Watch

  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'selfmonitor-mixed-'))
    cleanups.push(() => rm(folder, { recursive: true, force: true }))
    const [today, before] = await Promise.all([fetchDistribution(), fetchDistribution({ pom: pomOf39 })])
    Object.assign(versions, { 1: today, 2: before, 3: today })
    kafka = await startApache({
      ...{
        dataDir: folder,
        brokers: 3,
        port: 0,
        releaseVersion: '3.9',
        jvmArguments: [`-Dlog4j.configuration=file:${log4j1}`],
      },
      distribution: ({ nodeId }) => versions[nodeId]!,
      config: ({ nodeId, host, controllerPort }): Record<string, string> =>
        nodeId === 3
          ? { 'process.roles': 'controller', listeners: `CONTROLLER://${host}:${controllerPort}` }
          : { 'default.replication.factor': '2' },
    })
    cleanups.push(async () => {
      await Promise.all([1, 2, 3].map((id) => kafka.stopNode(id, 'SIGKILL')))
      await kafka.close()
    })
    bootstrapServers = kafka.nodes.flatMap(({ nodeId, host, port }) => (nodeId === 3 ? [] : [`${host}:${port}`])).join()
    watcher = await watch(bootstrapServers, { expectedBrokers: 2 })
    cleanups.push(() => watcher.close())
  }, 180_000)
  afterAll(async () => {
    for (const cleanup of cleanups.toReversed()) await cleanup()
  }, 120_000)

  it('has a controller that hangs and does not follow, which is a cause of its own', async () => {
    const { pid } = kafka.nodes.find(({ nodeId }) => nodeId === 3)!
    process.kill(pid, 'SIGSTOP')
    try {
      const verdict = await watcher.finds('QUORUM_VOTER_BEHIND', 'broker 3')
      expect(verdict).toMatchObject({ code: 'QUORUM_VOTER_BEHIND', severity: 'error', consequences: [] })
      expect(verdict.message).toBe('voter 3 of the metadata quorum does not follow')
    } finally {
      process.kill(pid, 'SIGCONT')
    }
    await watcher.heals('QUORUM_VOTER_BEHIND', 'broker 3')
  })

  it('has a machine that watches it and whose clock is wrong, by which no voter is late', async () => {
    const wrong = await watch(bootstrapServers)
    try {
      for (const [by, way] of [
        [5 * minute, 'behind'],
        [-10 * minute, 'ahead of'],
      ] as const) {
        wrong.passes(by)
        await wrong.next()
        const leader = () => {
          const { quorum } = wrong.snapshot()
          return quorum.state === 'read' ? quorum.value.leaderId : -1
        }
        const verdict = await wrong.finds('CLOCK_SKEW', `broker ${leader()}`)
        expect(verdict.message).toMatch(
          new RegExp(`^the clock of (broker|controller) ${leader()} is 5 min( \\d+ s)? ${way} this machine's$`),
        )
        expect(wrong.about('QUORUM_VOTER_BEHIND')).toEqual([])
      }
      wrong.passes(5 * minute)
      await wrong.next()
      expect(wrong.about('CLOCK_SKEW')).toEqual([])
    } finally {
      await wrong.close()
    }
  })

  it('has brokers of two versions, until the upgrade is finished', async () => {
    const verdict = await watcher.finds('MIXED_VERSIONS', 'cluster')
    expect(verdict).toMatchObject({ severity: 'warning', message: 'brokers run 2 different versions of Kafka' })
    expect(verdict.evidence.map(({ text }) => text).sort()).toEqual(['broker 1', 'broker 2'])
    versions[2] = versions[1]!
    await kafka.stopNode(2)
    await kafka.startNode(2)
    await watcher.heals('MIXED_VERSIONS', 'cluster')
    await watcher.isWell()
  })
})
