import { cpSync, existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kafka, logLevel } from 'kafkajs'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { BrokerFailure } from '../failure.ts'
import { startBroker } from '../start-broker.ts'

function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'data-dir-watch-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  return join(dir, 'data')
}

describe('a broker whose data directory is gone', () => {
  it.each([
    ['deleted', (dir: string) => rmSync(dir, { recursive: true })],
    ['moved', (dir: string) => renameSync(dir, `${dir}.moved`)],
    [
      'replaced by a copy',
      (dir: string) => {
        renameSync(dir, `${dir}.moved`)
        cpSync(`${dir}.moved`, dir, { recursive: true })
      },
    ],
  ])('stops acknowledging when it was %s, says so, and can be started again', async (_, remove) => {
    const dataDir = folder()
    let failed: (failure: BrokerFailure) => void = () => {}
    const failure = new Promise<BrokerFailure>((resolve) => {
      failed = resolve
    })
    const broker = await startBroker({ dataDir, onFailure: (error) => failed(error) })
    const kafka = new Kafka({
      brokers: [broker.bootstrapServers],
      logLevel: logLevel.NOTHING,
      retry: { retries: 0 },
      connectionTimeout: 1000,
    })
    const producer = kafka.producer({ retry: { retries: 0 } })
    await producer.connect()
    await producer.send({ topic: 'a', messages: [{ value: 'kept' }] })

    remove(dataDir)
    expect(await failure).toMatchObject({ code: 'DATA_DIR_GONE', dataDir, message: expect.stringContaining(dataDir) })
    await expect(producer.send({ topic: 'a', messages: [{ value: 'lost' }] })).rejects.toThrow()
    await producer.disconnect()
    // Nothing is written into what took its place.
    await broker.close()
    expect(existsSync(join(dataDir, 'logs', 'clean-shutdown'))).toBe(false)

    const again = await startBroker({ dataDir })
    expect(again.clusterId === broker.clusterId).toBe(
      existsSync(`${dataDir}.moved`) && existsSync(join(dataDir, 'logs', 'a-0')),
    )
    await again.close()
  })

  it('is not watched for when the directory is a temporary one, and not after it was closed', async () => {
    const failures: BrokerFailure[] = []
    const dataDir = folder()
    const broker = await startBroker({ dataDir, onFailure: (error) => failures.push(error) })
    await broker.close()
    rmSync(dataDir, { recursive: true })
    const temporary = await startBroker({ onFailure: (error) => failures.push(error) })
    await temporary.close()
    expect(failures).toEqual([])
  })
})
