// Encrypted backups, and the `age` command as a reader that is not ours.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { zstdDecompressSync } from 'node:zlib'
import { type Broker, startBroker } from '@selfmonitor/broker'
import { type Cluster, connectCluster } from '@selfmonitor/cluster'
import { encodeBatch } from '@selfmonitor/protocol/records'
import { generateX25519Identity, identityToRecipient } from 'age-encryption'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { missingTool } from '../../../test/support/tools.ts'
import { readKeyFile, withSealing } from './format/sealing.ts'
import { planRestore } from './restore/plan.ts'
import { runRestore } from './restore/run.ts'
import { takeBackup } from './take/take.ts'
import { type MemoryStore, memoryStore } from './test-support/memory-store.ts'
import { verifyBackup } from './verify.ts'

const secret = 'card number 4111'

describe('an encrypted backup', () => {
  let broker: Broker
  let cluster: Cluster
  let clusterId: string
  let folder: string
  const store: MemoryStore = memoryStore()
  const keys: { identity: string; recipient: string }[] = []

  beforeAll(async () => {
    broker = await startBroker()
    folder = await mkdtemp(join(tmpdir(), 'sealing-'))
    cluster = connectCluster({ bootstrapServers: broker.bootstrapServers })
    clusterId = (await cluster.info()).clusterId
    for (let at = 0; at < 3; at++) {
      const identity = await generateX25519Identity()
      keys.push({ identity, recipient: await identityToRecipient(identity) })
    }
    await cluster.createTopics([{ name: 'cards', partitions: 1, replicationFactor: 1 }])
    const identity = await cluster.initProducer()
    const appender = await cluster.appendBatches()
    const records = [{ value: Buffer.from(secret), timestamp: BigInt(Date.now()) }]
    await appender.append('cards', 0, encodeBatch(records, { ...identity, baseSequence: 0 }))
    await appender.close()
    await cluster.commitOffsets('secret-group', [{ topic: 'cards', partition: 0, to: 1n }])
    const sealed = await withSealing(store, { recipients: [keys[0]!.recipient, keys[1]!.recipient], identities: [] })
    await takeBackup(cluster, sealed, { tool: 'test' })
  })
  afterAll(async () => {
    await cluster.close()
    await broker.close()
    await rm(folder, { recursive: true })
  })

  const reading = (...identities: string[]) => withSealing(store, { recipients: [], identities })
  const restore = async (identities: readonly string[], to: string) => {
    const request = { point: { kind: 'latest' }, nameOf: () => to, includeGroup: () => false, resume: false } as const
    const from = await reading(...identities)
    return runRestore(cluster, await planRestore(from, clusterId, cluster, request, Date.now()))
  }

  it('has nothing of the records and the groups to read', () => {
    for (const bytes of store.objects.values()) {
      expect(bytes.includes(secret)).toBe(false)
      expect(bytes.includes('secret-group')).toBe(false)
    }
    expect([...store.objects.keys()].filter((key) => key.includes('/topics/'))).toEqual([
      expect.stringMatching(/\.log\.zst\.age$/),
    ])
  })

  it.each([0, 1])('is opened by the identity %i', async (at) => {
    expect((await restore([keys[at]!.identity], `cards.${at}`)).isComplete).toBe(true)
  })

  it('is opened by no other, and says what is missing', async () => {
    await expect(restore([keys[2]!.identity], 'cards.2')).rejects.toMatchObject({
      code: 'SEALED',
      message: expect.stringContaining('is not encrypted to any of these identities'),
    })
    await expect(restore([], 'cards.3')).rejects.toMatchObject({
      code: 'SEALED',
      hint: expect.stringContaining('--identity'),
    })
    expect((await cluster.listTopics()).map(({ name }) => name)).not.toContain('cards.2')
  })

  it('is verified by its hashes without an identity', async () => {
    expect(await verifyBackup(store, clusterId)).toMatchObject({ segments: 1, sealed: 1, findings: [] })
    expect(await verifyBackup(await reading(keys[0]!.identity), clusterId)).toMatchObject({ sealed: 0, findings: [] })
    const damaged = memoryStore()
    for (const [key, bytes] of store.objects) damaged.objects.set(key, Buffer.from(bytes))
    const key = [...damaged.objects.keys()].find((one) => one.includes('/topics/'))!
    damaged.objects.get(key)!.writeUInt8(damaged.objects.get(key)!.at(-1)! ^ 1, damaged.objects.get(key)!.length - 1)
    expect((await verifyBackup(damaged, clusterId)).findings).toMatchObject([{ subject: key }])
  })

  it('is not continued by one that is not encrypted', async () => {
    await expect(takeBackup(cluster, store, { tool: 'test' })).rejects.toMatchObject({
      code: 'SEALED',
      hint: expect.stringContaining(keys[0]!.recipient),
    })
  })

  it('refuses keys that are none, without saying a secret', async () => {
    await expect(withSealing(store, { recipients: ['age1nonsense'], identities: [] })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('age1nonsense'),
    })
    const wrong = keys[0]!.identity.slice(0, -1)
    await expect(reading(wrong)).rejects.toMatchObject({ message: expect.not.stringContaining(wrong) })
    await expect(readKeyFile(join(folder, 'none'))).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })

  it.skipIf(missingTool('age') !== null)('is opened by the age command, with keys of age-keygen', async () => {
    const keyFile = join(folder, 'key.txt')
    const { stderr } = await promisify(execFile)('age-keygen', ['-o', keyFile])
    const recipient = /age1\w+/.exec(stderr)![0]
    const own = memoryStore()
    await takeBackup(cluster, await withSealing(own, { recipients: [recipient], identities: [] }), {
      tool: 'test',
      include: (name) => name === 'cards',
    })
    const [, bytes] = [...own.objects].find(([key]) => key.includes('/topics/'))!
    const sealedFile = join(folder, 'segment.age')
    await writeFile(sealedFile, bytes)
    const age = spawn('age', ['--decrypt', '--identity', keyFile, sealedFile], { stdio: ['ignore', 'pipe', 'inherit'] })
    const parts: Buffer[] = []
    age.stdout.on('data', (part: Buffer) => parts.push(part))
    await once(age, 'close')
    expect(zstdDecompressSync(Buffer.concat(parts)).includes(secret)).toBe(true)
    expect(await readKeyFile(keyFile)).toEqual([expect.stringMatching(/^AGE-SECRET-KEY-1/)])
  })
})
