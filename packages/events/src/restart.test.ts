// A broker that goes down and comes back in the middle of a stream of numbered events.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ApacheCluster, startApache } from '@selfmonitor/apache'
import { type Broker, startBroker } from '@selfmonitor/broker'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { until, useEvents } from '../../../test/support/events.ts'

interface Restartable {
  readonly bootstrapServers: string
  stop(): Promise<void>
  start(): Promise<void>
  close(): Promise<void>
}

async function embedded(dataDir: string): Promise<Restartable> {
  let broker: Broker = await startBroker({ dataDir })
  const { bootstrapServers } = broker
  return {
    bootstrapServers,
    stop: () => broker.close(),
    async start() {
      broker = await startBroker({ dataDir, port: Number(bootstrapServers.split(':')[1]) })
    },
    close: () => broker.close(),
  }
}

async function apache(dataDir: string): Promise<Restartable> {
  const cluster: ApacheCluster = await startApache({ dataDir, port: 0 })
  return {
    bootstrapServers: cluster.bootstrapServers,
    // SIGKILL: what the broker had not acknowledged may be in its log, or may not.
    stop: () => cluster.stopNode(1, 'SIGKILL'),
    start: () => cluster.startNode(1),
    close: () => cluster.close(),
  }
}

function suite(name: 'embedded' | 'apache', rounds: number, start: (dataDir: string) => Promise<Restartable>): void {
  let dataDir: string
  let kafka: Restartable
  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'events-restart-'))
    kafka = await start(dataDir)
  })
  afterAll(async () => {
    await kafka?.close()
    await rm(dataDir, { recursive: true, force: true })
  })
  const rig = useEvents({
    name,
    broker: undefined,
    get bootstrapServers() {
      return kafka.bootstrapServers
    },
  })

  it('does not lose, duplicate or reorder events, and handling continues', {
    timeout: 120_000,
  }, async () => {
    const topic = await rig.topic('user.events', { partitions: 4 })
    const stream = await rig.connect()
    const seen = new Map<string, number[]>()
    const log = new Map<string, number[]>()
    stream.on(topic, 'counted', ({ userId, data, partition, offset }) => {
      const { i } = data as { i: number }
      seen.set(userId, [...(seen.get(userId) ?? []), i])
      log.set(`${partition}/${offset}`, [i])
    })
    await stream.run()

    let next = 0
    let emitting = true
    let acknowledged = 0
    const emitted: Promise<unknown>[] = []
    const producing = (async () => {
      while (emitting) {
        for (let n = 0; n < 20; n++, next++) {
          emitted.push(
            stream.emit(topic, 'counted', { i: next }, { userId: `u${next % 10}` }).then(() => acknowledged++),
          )
        }
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    })()
    for (let round = 0; round < rounds; round++) {
      const before = acknowledged
      await until('events flow', () => acknowledged > before + 500)
      await kafka.stop()
      const down = next
      await until('events pile up', () => next > down + 200)
      await kafka.start()
      await until('events flow again', () => acknowledged > down + 200, 60_000)
    }
    emitting = false
    await producing
    await Promise.all(emitted)
    await until('every event is handled', () => new Set([...seen.values()].flat()).size === next, 60_000)

    // As many offsets as events: nothing stands in the log twice.
    const logged = [...log.values()].flat()
    expect(logged.length).toBe(next)
    expect(new Set(logged).size).toBe(next)
    expect(stream.stats().emitFailed).toBe(0)
    for (const [userId, numbers] of seen) {
      const firsts = [...new Set(numbers)]
      expect(firsts).toEqual(firsts.toSorted((a, b) => a - b))
      expect(firsts.every((i) => i % 10 === Number(userId.slice(1)))).toBe(true)
    }
  })
}

describe('a restart of the broker [embedded]', () => suite('embedded', 3, embedded))

describe.skipIf('missing' in inject('apache'))('a restart of the broker, killed [apache]', () =>
  suite('apache', 1, apache),
)
