// Object Lock in real buckets: what a backup locks, and what pruning keeps of it.
import { randomUUID } from 'node:crypto'
import { HeadObjectCommand, ListObjectVersionsCommand } from '@aws-sdk/client-s3'
import { type Broker, startBroker } from '@selfmonitor/broker'
import { type Cluster, connectCluster } from '@selfmonitor/cluster'
import { encodeBatch } from '@selfmonitor/protocol/records'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { missingMoto, missingVersitygw, moto, type S3Server, versitygw } from '../../../test/support/s3/servers.ts'
import { planPrune, prune } from './prune.ts'
import { openStore } from './store/open-store.ts'
import { StoreError } from './store/store-error.ts'
import type { ObjectLock, ObjectStore } from './store/types.ts'
import { takeBackup } from './take/take.ts'
import { memoryStore } from './test-support/memory-store.ts'
import { collectKeys } from './test-support/store-contract.ts'
import { verifyBackup } from './verify.ts'

const dayMs = 86_400_000
const kinds = [
  { kind: versitygw, missing: await missingVersitygw() },
  { kind: moto, missing: await missingMoto() },
]

let broker: Broker
let cluster: Cluster
let clusterId: string
beforeAll(async () => {
  broker = await startBroker()
  cluster = connectCluster({ bootstrapServers: broker.bootstrapServers })
  clusterId = (await cluster.info()).clusterId
  await cluster.createTopics(['audit', 'orders'].map((name) => ({ name, partitions: 1, replicationFactor: 1 })))
})
afterAll(async () => {
  await cluster?.close()
  await broker?.close()
})

async function produce(...topics: string[]): Promise<void> {
  const appender = await cluster.appendBatches()
  for (const topic of topics) {
    await appender.append(topic, 0, encodeBatch([{ value: Buffer.from('a'), timestamp: BigInt(Date.now()) }]))
  }
  await appender.close()
}

const lockAudit =
  (untilMs: number, mode: ObjectLock['mode']) =>
  (topic: string): ObjectLock | undefined =>
    topic === 'audit' ? { untilMs, mode } : undefined

describe.each(kinds)('Object Lock in $kind.name', { timeout: 120_000 }, ({ kind, missing }) => {
  describe.skipIf(missing !== null)('of a backup', () => {
    let server: S3Server
    const bucket = `locks-${randomUUID().slice(0, 8)}`
    const open = (prefix: string): Promise<ObjectStore> =>
      openStore(`s3://${bucket}/${prefix}`, { endpoint: server.endpoint, credentials: server.credentials })
    beforeAll(async () => {
      server = await kind.start()
      await server.makeBucket(bucket, 'locks')
    })
    afterAll(async () => server?.stop())

    const lockOf = async (prefix: string, key: string): Promise<string | null> => {
      const place = { Bucket: bucket, Key: `${prefix}/${key}` }
      const { ObjectLockMode, ObjectLockRetainUntilDate } = await server.client.send(new HeadObjectCommand(place))
      if (ObjectLockMode === undefined) return null
      return `${ObjectLockMode} ${ObjectLockRetainUntilDate!.toISOString()}`
    }

    it('locks the segments of marked topics, and what names them', async () => {
      const store = await open('marked')
      await produce('audit', 'orders')
      const until = Math.ceil(Date.now() / 1_000) * 1_000 + dayMs
      const { manifest } = await takeBackup(cluster, store, { tool: 'test', lockOf: lockAudit(until, 'compliance') })
      expect(manifest.lock).toEqual({ untilMs: until, mode: 'compliance' })
      const locked = `COMPLIANCE ${new Date(until).toISOString()}`
      const keys = await collectKeys(store)
      expect(keys).toHaveLength(5)
      for (const key of keys) {
        expect([key, await lockOf('marked', key)]).toEqual([key, key.includes('/topics/orders/') ? null : locked])
      }
      await store.close()
    })

    it('keeps a locked backup whole when it is pruned, and names it', async () => {
      const store = await open('pruned')
      const now = Date.now()
      const take = (lock?: ReturnType<typeof lockAudit>) => takeBackup(cluster, store, { tool: 'test', lockOf: lock })
      await produce('audit', 'orders')
      await take()
      await produce('audit', 'orders')
      await take(lockAudit(now + dayMs, 'compliance'))
      await produce('audit', 'orders')
      await take()
      const plan = await planPrune(store, clusterId, { keepLast: 1 }, now)
      expect(plan).toMatchObject({ keep: [2, 3], remove: [1], locked: [{ number: 2, untilMs: now + dayMs }] })
      expect(await prune(store, plan)).toMatchObject({ removed: [1], locked: [] })
      for (const number of [2, 3]) expect((await verifyBackup(store, clusterId, { number })).findings).toEqual([])
      // When its time is over it goes.
      expect(await planPrune(store, clusterId, { keepLast: 1 }, now + 2 * dayMs)).toMatchObject({
        remove: [2],
        locked: [],
      })
      await store.close()
    })

    it('keeps what the bucket refuses to delete although no backup says that it is locked', async () => {
      const store = await open('refused')
      const untilMs = Date.now() + dayMs
      // As a bucket with a default retention does.
      const locking: ObjectStore = {
        ...store,
        put: (key, bytes) => store.put(key, bytes, { lock: { untilMs, mode: 'governance' } }),
      }
      for (const target of [locking, store]) {
        await produce('audit')
        await takeBackup(cluster, target, { tool: 'test' })
      }
      const plan = await planPrune(store, clusterId, { keepLast: 1 }, Date.now())
      expect(plan).toMatchObject({ keep: [2], remove: [1], locked: [] })
      const pruned = await prune(store, plan)
      expect(pruned).toEqual({
        removed: [],
        objects: 0,
        locked: [expect.stringMatching(/manifests\/0000000001\.json$/)],
      })
      expect((await verifyBackup(store, clusterId, { number: 1 })).findings).toEqual([])
      const found = await server.client.send(new ListObjectVersionsCommand({ Bucket: bucket, Prefix: 'refused/' }))
      expect(found.DeleteMarkers ?? []).toEqual([])
      await store.close()
    })
  })
})

describe('pruning', () => {
  it('goes on after objects that are locked longer than the backups that need them', async () => {
    const store = memoryStore()
    for (const keys of [['audit', 'orders'], ['orders']]) {
      await produce(...keys)
      await takeBackup(cluster, store, { tool: 'test' })
    }
    const held = `${clusterId}/state/0000000001`
    const refusing = {
      ...store,
      delete: async (keys: readonly string[]) => {
        const locked = keys.filter((key) => key.startsWith(held))
        await store.delete(keys.filter((key) => !locked.includes(key)))
        if (locked.length > 0) throw new StoreError('LOCKED', 'locked', { keys: locked })
      },
    }
    const plan = await planPrune(refusing, clusterId, { keepLast: 1 }, Date.now())
    expect(await prune(refusing, plan)).toEqual({ removed: [1], objects: 1, locked: [expect.stringContaining(held)] })
    expect((await verifyBackup(store, clusterId)).findings).toEqual([])
  })

  it('removes a backup whose manifest is damaged', async () => {
    const store = memoryStore()
    for (let at = 0; at < 2; at++) await takeBackup(cluster, store, { tool: 'test' })
    const key = `${clusterId}/manifests/0000000001.json`
    store.objects.set(key, store.objects.get(key)!.subarray(0, 40))
    expect(await planPrune(store, clusterId, { keepLast: 1 }, Date.now())).toMatchObject({ keep: [2], remove: [1] })
  })
})
