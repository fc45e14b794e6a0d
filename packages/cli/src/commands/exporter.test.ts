import { type Broker, startBroker } from '@selfmonitor/broker'
import { connectCluster } from '@selfmonitor/cluster'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePorts } from '../../../../test/support/ports.ts'
import { selfmonitor, temporaryFolder } from '../test-io.ts'
import { listenAddress } from './listen-address.ts'

const folder = temporaryFolder()

describe('selfmonitor exporter', () => {
  let broker: Broker
  beforeAll(async () => {
    broker = await startBroker()
  })
  afterAll(async () => {
    await broker.close()
    folder.remove()
  })

  it('serves metrics of the cluster that is named until it is stopped', { timeout: 30_000 }, async () => {
    const cluster = connectCluster({ bootstrapServers: broker.bootstrapServers })
    await cluster.createTopics(['kept', 'left-out'].map((name) => ({ name, partitions: 2, replicationFactor: 1 })))
    await cluster.close()
    const [port] = await freePorts(1)
    const stop = new AbortController()
    const words = ['--bootstrap-servers', broker.bootstrapServers, '--listen', String(port), '--cluster', 'mine']
    const more = [
      '--topics-exclude',
      'left-.*',
      '--granularity',
      'topic',
      '--expected-brokers',
      '3',
      '--interval',
      '1s',
    ]
    let savesMemory = false
    const ended = selfmonitor(['exporter', ...words, ...more], {
      ...{ cwd: folder.path, signal: stop.signal },
      saveMemory: () => {
        savesMemory = true
      },
    })
    const get = async (path: string) => await fetch(`http://127.0.0.1:${port}${path}`).catch(() => null)
    await expect.poll(async () => (await get('/-/ready'))?.status, { timeout: 20_000 }).toBe(200)
    const text = await (await get('/metrics'))!.text()
    expect(text).toContain('kafka_partition_end_offset_total{cluster="mine",topic="kept"} 0\n')
    expect(text).toContain('kafka_brokers_expected{cluster="mine"} 3\n')
    expect(text).not.toContain('left-out')
    expect(savesMemory).toBe(true)
    stop.abort()
    expect(await ended).toMatchObject({ code: 0, stderr: expect.stringContaining(`http://127.0.0.1:${port}/metrics`) })
  })

  it.each([
    ['9400', { port: 9400 }],
    ['0.0.0.0:9308', { host: '0.0.0.0', port: 9308 }],
    ['[::1]:9308', { host: '::1', port: 9308 }],
  ])('--listen %s', (text, expected) => {
    expect(listenAddress(text, 9308)).toEqual(expected)
  })

  it.each([
    [['--listen', 'kafka'], /--listen kafka is not an address and a port/],
    [['--listen', '127.0.0.1:70000'], /is not an address and a port/],
    [['--listen', '0.0.0.0:0'], /can be reached from other machines/],
    [['--interval', '10ms'], /at least 1s/],
    [['--listen', '0', '--topics', '('], /is not a regular expression/],
    [['--connect-url', 'connect:8083'], /--connect-url is not a URL/],
  ])('refuses %j with exit code 2', async (words, said) => {
    const result = await selfmonitor(['exporter', '--bootstrap-servers', '127.0.0.1:1', ...words], { cwd: folder.path })
    expect(result.stderr).toMatch(said)
    expect(result.code).toBe(2)
  })
})
