// A backup in a real bucket, on both engines: what is special to S3 between a backup and its restore.
import { randomUUID } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { type Cluster, connectCluster } from '@selfmonitor/cluster'
import { encodeBatch } from '@selfmonitor/protocol/records'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeEngines } from '../../../test/support/engines.ts'
import { missingVersitygw, type S3Server, versitygw } from '../../../test/support/s3/servers.ts'
import { planRestore } from './restore/plan.ts'
import { runRestore } from './restore/run.ts'
import { openStore } from './store/open-store.ts'
import type { ObjectStore } from './store/types.ts'
import { takeBackup } from './take/take.ts'
import { collectKeys } from './test-support/store-contract.ts'
import { verifyBackup } from './verify.ts'

const missing = await missingVersitygw()

describeEngines('a backup in S3', (engine) => {
  describe.skipIf(missing !== null)('of versitygw', () => {
    const bucket = `backups-${randomUUID()}`
    const topic = `s3-${randomUUID()}`
    let server: S3Server
    let store: ObjectStore
    let cluster: Cluster
    let clusterId: string

    beforeAll(async () => {
      server = await versitygw.start()
      await server.makeBucket(bucket, 'versions')
      store = await openStore(`s3://${bucket}/kafka`, { endpoint: server.endpoint, credentials: server.credentials })
      cluster = connectCluster({ bootstrapServers: engine.bootstrapServers })
      clusterId = (await cluster.info()).clusterId
      await cluster.createTopics([{ name: topic, partitions: 1, replicationFactor: 1, config: {} }])
      const appender = await cluster.appendBatches()
      for (let at = 0; at < 5; at++) {
        const record = { key: Buffer.from(`${at}`), value: Buffer.alloc(1_000, at), timestamp: BigInt(Date.now()) }
        await appender.append(topic, 0, encodeBatch([record]))
      }
      await appender.close()
      await takeBackup(cluster, store, { tool: 'test', include: (name) => name === topic })
    })

    afterAll(async () => {
      await store?.close()
      await cluster?.close()
      await server?.stop()
    })

    it('is restored whole', async () => {
      expect(await verifyBackup(store, clusterId)).toMatchObject({ manifests: 1, records: 5n, findings: [] })
      const request = {
        point: { kind: 'latest' },
        nameOf: (name: string) => (name === topic ? `${topic}.restored` : null),
        includeGroup: () => false,
        resume: false,
      } as const
      const plan = await planRestore(store, clusterId, cluster, request, Date.now())
      const { isComplete, partitions } = await runRestore(cluster, plan)
      expect(isComplete).toBe(true)
      expect(partitions.map(({ records }) => records)).toEqual([5n])
    })

    it('names the segment of which the disk of the server has another bit', async () => {
      const key = (await collectKeys(store)).find((one) => one.includes('/topics/'))!
      const path = join(server.folder, 'objects', bucket, 'kafka', key)
      const bytes = await readFile(path)
      bytes[40]! ^= 4
      await writeFile(path, bytes)
      const { findings } = await verifyBackup(store, clusterId)
      expect(findings).toEqual([{ subject: key, message: expect.stringContaining('CRC-64') }])
      bytes[40]! ^= 4
      await writeFile(path, bytes)
      expect(await verifyBackup(store, clusterId)).toMatchObject({ findings: [] })
    })

    it('names the segment that was replaced with other bytes', async () => {
      const key = (await collectKeys(store)).find((one) => one.includes('/topics/'))!
      const place = { Bucket: bucket, Key: `kafka/${key}` }
      const { Body } = await server.client.send(new GetObjectCommand(place))
      const bytes = Buffer.from(await Body!.transformToByteArray())
      bytes[40]! ^= 4
      await server.client.send(new PutObjectCommand({ ...place, Body: bytes }))
      const { findings } = await verifyBackup(store, clusterId)
      expect(findings).toEqual([{ subject: key, message: expect.stringContaining('SHA-256') }])
    })
  })
})
