// What groups have in a topic before a restore gives them other places: written down, and put back by the command that is printed.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Broker, startBroker } from '@selfmonitor/broker'
import { type Cluster, connectCluster } from '@selfmonitor/cluster'
import { encodeBatch } from '@selfmonitor/protocol/records'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { selfmonitor } from '../test-io.ts'

describe('a restore that gives groups other places', () => {
  let broker: Broker
  let cluster: Cluster
  let folder: string
  beforeAll(async () => {
    broker = await startBroker()
    cluster = connectCluster({ bootstrapServers: broker.bootstrapServers })
    folder = mkdtempSync(join(tmpdir(), 'cli-positions-'))
  })
  afterAll(async () => {
    await cluster.close()
    await broker.close()
    rmSync(folder, { recursive: true, force: true })
  })
  const run = (...words: string[]) =>
    selfmonitor(words, {
      cwd: folder,
      env: { KAFKA_BOOTSTRAP_SERVERS: broker.bootstrapServers, SELFMONITOR_BACKUP: join(folder, 'backups') },
    })
  const placeOf = async (groupId: string, topic: string): Promise<bigint | null | undefined> =>
    (await cluster.groupLag(groupId)).find((one) => one.topic === topic)?.committedOffset

  it('writes them down first, and says how to put them back', async () => {
    const groupId = "billing's"
    await cluster.createTopics([{ name: 'orders', partitions: 1, replicationFactor: 1 }])
    const appender = await cluster.appendBatches()
    const records = ['a', 'b', 'c'].map((value) => ({ value: Buffer.from(value), timestamp: BigInt(Date.now()) }))
    await appender.append('orders', 0, encodeBatch(records, { ...(await cluster.initProducer()), baseSequence: 0 }))
    await appender.close()
    await cluster.commitOffsets(groupId, [{ topic: 'orders', partition: 0, to: 3n }])
    await run('backup')
    const words = ['restore', '--topic', 'orders', '--target', 'sales', '--groups', 'all', '--yes']
    const first = await run(...words)
    expect(first).toMatchObject({ code: 0, stderr: expect.not.stringContaining('put them back') })
    expect(await placeOf(groupId, 'sales')).toBe(3n)

    await cluster.commitOffsets(groupId, [{ topic: 'sales', partition: 0, to: 1n }])
    const { code, stderr } = await run(...words, '--resume')
    expect(code).toBe(0)
    expect(await placeOf(groupId, 'sales')).toBe(3n)
    const [, file] = /selfmonitor groups reset-offsets 'billing'\\''s' --from-file (\S+) --execute/.exec(stderr)!
    expect(await run('groups', 'reset-offsets', groupId, '--from-file', file!, '--execute', '--yes')).toMatchObject({
      code: 0,
    })
    expect(await placeOf(groupId, 'sales')).toBe(1n)
  })
})
