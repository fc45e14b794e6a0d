// A broker that goes away and comes back under a running registry. On the embedded broker only: the real Kafka of the
// test run is shared, and stays up.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Broker, startBroker } from '@selfmonitor/broker'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { startTestRegistry, type TestRegistry } from '../test-support/app.ts'

describe('while the broker is down', () => {
  let dataDir: string
  let broker: Broker
  let registry: TestRegistry

  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'registry-broker-'))
    broker = await startBroker({ dataDir })
    registry = await startTestRegistry(broker.bootstrapServers, { timeoutMs: 1000 })
    // The first write makes the producer and its connections: on a busy machine that takes longer than a request may.
    await vi.waitFor(
      async () => expect((await registry.call('PUT', '/mode', { mode: 'READWRITE' })).status).toBe(200),
      {
        timeout: 20_000,
      },
    )
    expect(await register('before', '"int"')).toMatchObject({ status: 200, body: { id: 1 } })
  })
  afterEach(async () => {
    await registry.close()
    await broker.close()
    await rm(dataDir, { recursive: true, force: true })
  })

  const register = (subject: string, schema: string) =>
    registry.call('POST', `/subjects/${subject}/versions`, { schema })
  const restart = async () => {
    const { port } = broker.addresses[0]!
    await broker.close()
    broker = await startBroker({ dataDir, port })
  }

  it('reads and known schemas are answered, new ones are refused with 50002 in time', async () => {
    await broker.close()
    expect((await registry.call('GET', '/schemas/ids/1')).status).toBe(200)
    expect((await register('before', '"int"')).body).toMatchObject({ id: 1 })
    const answers = await Promise.all(Array.from({ length: 5 }, (_, n) => register(`s${n}`, '"long"')))
    for (const { status, body } of answers) {
      expect([status, (body as { error_code: number }).error_code]).toEqual([500, 50002])
    }
    const { port } = broker.addresses[0]!
    broker = await startBroker({ dataDir, port })
  })

  it('nothing is lost: once it is back, registering goes on where it was', async () => {
    await restart()
    await expect
      .poll(async () => (await register('after', '"long"')).body, { timeout: 15_000 })
      .toMatchObject({ id: 2 })
    expect((await register('before', '"int"')).body).toMatchObject({ id: 1 })
    expect((await registry.call('GET', '/subjects')).body).toEqual(['after', 'before'])
  })

  it('what other registries write afterwards is seen', async () => {
    await restart()
    const other = await startTestRegistry(broker.bootstrapServers, { topic: registry.topic })
    try {
      const answer = await other.call('POST', '/subjects/other/versions', { schema: '"bytes"' })
      expect(answer.body).toMatchObject({ id: 2 })
      await expect
        .poll(async () => (await registry.call('GET', '/subjects')).body, { timeout: 15_000 })
        .toEqual(['before', 'other'])
    } finally {
      await other.close()
    }
  })

  it('a broker that comes back empty is read anew: nothing is shown that Kafka does not have', async () => {
    const { port } = broker.addresses[0]!
    await broker.close()
    await rm(dataDir, { recursive: true, force: true })
    broker = await startBroker({ dataDir, port })
    // As `selfmonitor up` would on the new broker: somebody makes the topic and writes to it.
    const other = await startTestRegistry(broker.bootstrapServers, { topic: registry.topic })
    try {
      await other.call('POST', '/subjects/fresh/versions', { schema: '"bytes"' })
      await expect
        .poll(async () => (await registry.call('GET', '/subjects')).body, { timeout: 15_000 })
        .toEqual(['fresh'])
    } finally {
      await other.close()
    }
  })

  it('a request that Kafka never answers is refused in time', async () => {
    broker.faults.add({ api: 'Produce', action: { drop: true } })
    const answer = await register('s', '"long"')
    expect([answer.status, (answer.body as { error_code: number }).error_code]).toEqual([500, 50002])
    broker.faults.clear()
    await expect.poll(async () => (await register('s', '"long"')).body, { timeout: 15_000 }).toMatchObject({ id: 2 })
  })

  it('a refusal of Kafka that will not pass is answered at once with 50001', async () => {
    broker.faults.add({ api: 'Produce', action: { error: 'TOPIC_AUTHORIZATION_FAILED' } })
    const { status, body } = await register('s', '"long"')
    expect([status, (body as { error_code: number }).error_code]).toEqual([500, 50001])
    expect((body as { message: string }).message).toMatch(/cannot write \(.*authori/i)
  })

  it('closing does not wait for it', async () => {
    await broker.close()
    await registry.close()
    broker = await startBroker({ dataDir })
    registry = await startTestRegistry(broker.bootstrapServers)
  })
})
