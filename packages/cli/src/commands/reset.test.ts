import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Broker, startBroker } from '@selfmonitor/broker'
import { processIdentity, stateFile, writeState } from '@selfmonitor/platform/running'
import { Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { type RunResult, selfmonitor, temporaryFolder } from '../test-io.ts'

const folder = temporaryFolder()
afterAll(() => folder.remove())

describe('reset', () => {
  let serial = 0
  let cwd = ''
  let data = ''
  const cli = (...words: string[]): Promise<RunResult> => selfmonitor(['reset', ...words], { cwd })

  beforeEach(() => {
    serial += 1
    cwd = join(folder.path, String(serial))
    mkdirSync(join(cwd, '.selfmonitor'), { recursive: true })
    data = join(cwd, '.selfmonitor/data/embedded')
  })

  async function brokerWithTopic(): Promise<Broker> {
    const broker = await startBroker({ dataDir: data })
    const kafka = new Kafka({ brokers: [broker.bootstrapServers], logLevel: logLevel.NOTHING })
    const admin = kafka.admin()
    await admin.connect()
    await admin.createTopics({ topics: [{ topic: 'orders', numPartitions: 3 }] })
    await admin.disconnect()
    return broker
  }

  it('shows what it deletes and wants a yes; then the next broker begins with empty data', async () => {
    const broker = await brokerWithTopic()
    await broker.close()
    expect(await cli()).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(
        /^ {2}- \.selfmonitor\/data\/embedded: [\d.]+ \w+, all topics, .*\n.*Pass --yes\n$/s,
      ),
    })
    expect(existsSync(join(data, 'meta.json'))).toBe(true)
    expect(await cli('--yes', '-o', 'name')).toMatchObject({ code: 0, stdout: '.selfmonitor/data/embedded\n' })
    const again = await startBroker({ dataDir: data })
    expect(again.clusterId).not.toBe(broker.clusterId)
    await again.close()
  })

  it('deletes what is left of a directory that was deleted under a broker, which no broker takes', async () => {
    mkdirSync(join(data, 'logs/orders-0'), { recursive: true })
    await expect(startBroker({ dataDir: data })).rejects.toThrow('not a broker')
    expect((await cli('--yes')).code).toBe(0)
    await (await startBroker({ dataDir: data })).close()
  })

  it('deletes nothing while a broker runs on it: its platform is named, or its process', async () => {
    const broker = await brokerWithTopic()
    const unknown = await cli('--yes')
    expect(unknown).toMatchObject({ code: 1, stderr: expect.stringContaining('is in use by this process') })
    const identity = processIdentity(process.pid)!
    writeState(stateFile(cwd, 100), {
      formatVersion: 1,
      process: { pid: process.pid, identity },
      ready: true,
      startedAtMs: 0,
      engine: 'embedded',
      environment: 'development',
      portOffset: 100,
      bootstrapServers: broker.bootstrapServers,
      registryUrl: 'http://127.0.0.1:1',
      dataDir: data,
      logFile: '',
      nodes: [],
    })
    expect(await cli('--yes')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('`selfmonitor down --port-offset 100` stops it.'),
    })
    expect(existsSync(join(data, 'meta.json'))).toBe(true)
    await broker.close()
  })

  it('deletes nothing of a folder that holds something else', async () => {
    mkdirSync(data, { recursive: true })
    writeFileSync(join(data, 'thesis.doc'), '')
    expect(await cli('--yes')).toMatchObject({ code: 1, stderr: expect.stringContaining('thesis.doc') })
    expect(existsSync(join(data, 'thesis.doc'))).toBe(true)
  })

  it('names the other data directories of the project, and leaves them', async () => {
    for (const folder of ['.selfmonitor/second', 'elsewhere'])
      await (await startBroker({ dataDir: join(cwd, folder, 'embedded') })).close()
    writeState(stateFile(cwd, 100), {
      formatVersion: 1,
      process: { pid: process.pid, identity: 'of a process before it' },
      ready: true,
      startedAtMs: 0,
      engine: 'embedded',
      environment: 'development',
      portOffset: 100,
      bootstrapServers: '127.0.0.1:1',
      registryUrl: 'http://127.0.0.1:1',
      dataDir: join(cwd, 'elsewhere/embedded'),
      logFile: '',
      nodes: [],
    })
    const { code, stderr } = await cli('--yes')
    expect(code).toBe(0)
    for (const folder of ['.selfmonitor/second', 'elsewhere']) {
      expect(stderr).toContain(`\`selfmonitor reset --data-dir ${folder}\` deletes it.`)
      expect(await cli('--data-dir', folder, '--yes', '-o', 'name')).toMatchObject({ stdout: `${folder}/embedded\n` })
    }
  })

  it('has nothing to do where there is no data', async () => {
    expect(await cli()).toMatchObject({
      code: 0,
      stdout: '',
      stderr: 'Nothing to delete: there is no data in .selfmonitor/data.\n',
    })
  })
})
