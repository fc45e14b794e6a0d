// A damaged partition of `__consumer_offsets`: its groups wait, all others are served.
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { iterateBatches, kafkaErrorByCode } from '@selfmonitor/protocol'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createTestLogger } from '../log/test-support/logs.ts'
import { startBroker } from '../start-broker.ts'
import { rawClient } from '../test-support/raw-client.ts'
import type { Broker } from '../types.ts'
import { groupPartition } from './partition-for.ts'

const partitions = 50
const nameOf = (code: number) => kafkaErrorByCode(code)!.name
/** Two groups of the same partition, and one of another. */
const [first, second, healthy] = (() => {
  const ids = Array.from({ length: 1000 }, (_, index) => `group-${index}`)
  const of = (id: string) => groupPartition(id, partitions)
  const same = ids.filter((id) => of(id) === of(ids[0]!))
  return [same[0]!, same[1]!, ids.find((id) => of(id) !== of(ids[0]!))!]
})()
const damagedPartition = groupPartition(first, partitions)

async function connect(broker: Broker) {
  const client = await rawClient(broker.bootstrapServers)
  onTestFinished(() => client.close())
  return {
    raw: client,
    async commit(groupId: string, offset: bigint) {
      const { topics } = await client.call('OffsetCommit', 8, {
        groupId,
        generationIdOrMemberEpoch: -1,
        topics: [{ name: 'orders', partitions: [{ partitionIndex: 0, committedOffset: offset }] }],
      })
      return nameOf(topics[0]!.partitions[0]!.errorCode)
    },
    async committed(groupId: string) {
      const topics = [{ name: 'orders', partitionIndexes: [0] }]
      const { groups } = await client.call('OffsetFetch', 8, { groups: [{ groupId, topics }] })
      const [group] = groups
      return group!.errorCode === 0 ? group!.topics[0]!.partitions[0]!.committedOffset : nameOf(group!.errorCode)
    },
  }
}

/** A data directory in which three groups have committed, and the log of the partition of two of them. */
async function stoppedBroker() {
  const dataDir = await mkdtemp(join(tmpdir(), 'damaged-offsets-'))
  onTestFinished(() => rm(dataDir, { recursive: true, force: true }))
  const broker = await startBroker({ dataDir })
  const client = await connect(broker)
  await client.raw.call('CreateTopics', 7, { topics: [{ name: 'orders', numPartitions: 1, replicationFactor: 1 }] })
  for (const offset of [5n, 6n]) {
    for (const group of [first, second, healthy]) expect(await client.commit(group, offset)).toBe('NONE')
  }
  await broker.close()
  const folder = join(dataDir, 'logs', `__consumer_offsets-${damagedPartition}`)
  return { dataDir, folder, log: join(folder, `${'0'.repeat(20)}.log`) }
}

async function restart(dataDir: string) {
  const logger = createTestLogger()
  const broker = await startBroker({ dataDir, logger })
  onTestFinished(() => broker.close())
  const errors = logger.lines.filter(({ level }) => level === 'error')
  return { broker, client: await connect(broker), errors }
}

describe('one flipped bit in a partition of __consumer_offsets', () => {
  const flip = (bytes: Buffer, at: number, bit: number) => bytes.writeUInt8(bytes[at]! ^ bit, at)
  const damages: [string, (bytes: Buffer, batches: readonly number[]) => void, string][] = [
    ['in an offset', (bytes, [, second]) => flip(bytes, second! - 20, 1), 'the batch at offset 0 is damaged'],
    ['in the length of a record', (bytes, [, second]) => flip(bytes, second! + 61, 0x40), 'the batch at offset 1'],
    ['in the size of a batch', (bytes, [, , third]) => flip(bytes, third! + 9, 0x40), 'the rest is kept in'],
    ['in the format of a batch', (bytes, [, second]) => flip(bytes, second! + 16, 0x40), 'the rest is kept in'],
  ]
  it.each(damages)('%s stops the groups of the partition, and nothing else', async (_, damage, problem) => {
    const { dataDir, folder, log } = await stoppedBroker()
    const bytes = await readFile(log)
    damage(
      bytes,
      [...iterateBatches(bytes)].map(({ position }) => position),
    )
    await writeFile(log, bytes)

    const { client, errors } = await restart(dataDir)
    expect(await client.committed(healthy)).toBe(6n)
    expect(await client.commit(healthy, 7n)).toBe('NONE')
    // Not 5, not "nothing": either would have the consumer handle events again, or pass over some.
    expect(await client.committed(first)).toBe('COORDINATOR_NOT_AVAILABLE')
    expect(await client.committed(second)).toBe('COORDINATOR_NOT_AVAILABLE')
    expect(await client.commit(first, 9n)).toBe('COORDINATOR_NOT_AVAILABLE')
    const join = await client.raw.call('JoinGroup', 5, {
      groupId: first,
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 10_000,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: Buffer.alloc(0) }],
    })
    expect(nameOf(join.errorCode)).toBe('COORDINATOR_NOT_AVAILABLE')

    const said = errors.find(({ context }) => context.folder === folder)!
    expect(said.context).toMatchObject({ partition: damagedPartition, problem: expect.stringContaining(problem) })
    expect(said.message).toMatch(/restore .* from a backup. Or move it away/)
    // Nothing is written behind the damage.
    const left = await readFile(log)
    expect(left.equals(bytes.subarray(0, left.length))).toBe(true)
  })

  it('is reported with the other groups of the partition', async () => {
    const { dataDir, log } = await stoppedBroker()
    const bytes = await readFile(log)
    bytes.writeUInt8(bytes[bytes.length - 20]! ^ 1, bytes.length - 20)
    await writeFile(log, bytes)
    const { errors } = await restart(dataDir)
    expect(errors.map(({ context }) => context.groups)).toContainEqual([first, second])
  })

  it('is repaired as the message says: restored, or moved away', async () => {
    const { dataDir, folder, log } = await stoppedBroker()
    const sound = await readFile(log)
    const bytes = Buffer.from(sound)
    bytes.writeUInt8(bytes[bytes.length - 20]! ^ 1, bytes.length - 20)
    await writeFile(log, bytes)
    const damaged = await restart(dataDir)
    expect(await damaged.client.committed(first)).toBe('COORDINATOR_NOT_AVAILABLE')
    await damaged.broker.close()

    await writeFile(log, sound)
    const restored = await restart(dataDir)
    expect(await restored.client.committed(first)).toBe(6n)
    await restored.broker.close()

    await rename(folder, join(dataDir, 'moved-away'))
    const emptied = await restart(dataDir)
    expect(await emptied.client.committed(first)).toBe(-1n)
    expect(await emptied.client.committed(healthy)).toBe(6n)
    expect(await emptied.client.commit(first, 3n)).toBe('NONE')
    await emptied.broker.close()
    expect(await (await restart(dataDir)).client.committed(first)).toBe(3n)
  })
})
