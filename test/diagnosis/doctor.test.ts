// `selfmonitor doctor` on the embedded broker: well under load, and what it says when it is not, or when nothing answers.
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Broker, startBroker } from '@selfmonitor/broker'
import { type RegistryServer, startRegistry } from '@selfmonitor/registry'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RunResult, selfmonitor } from '../../packages/cli/src/test-io.ts'
import { freePorts } from '../support/ports.ts'
import { type Members, members, write } from './members.ts'
import { watch } from './watch.ts'

const repository = fileURLToPath(new URL('../../', import.meta.url))

describe('the doctor', { timeout: 60_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'selfmonitor-doctor-'))
  let broker: Broker
  let registry: RegistryServer
  let clients: Members
  let env: Record<string, string>
  const cli = (...words: string[]): Promise<RunResult> => selfmonitor(words, { cwd: folder, env })

  beforeAll(async () => {
    for (const name of ['platform.yaml', 'schemas']) {
      cpSync(join(repository, name), join(folder, name), { recursive: true })
    }
    broker = await startBroker()
    registry = await startRegistry({ bootstrapServers: broker.bootstrapServers, port: 0 })
    clients = members(broker.bootstrapServers)
    env = { KAFKA_BOOTSTRAP_SERVERS: broker.bootstrapServers, SCHEMA_REGISTRY_URL: registry.url }
  })
  afterAll(async () => {
    await clients?.close()
    await registry?.close()
    await broker?.close()
    rmSync(folder, { recursive: true, force: true })
  })

  it('finds nothing in a platform at work', async () => {
    expect(await cli('apply', '--yes')).toMatchObject({ code: 0 })
    const demo = cli('demo', '--rate', '100', '--duration', '5s', '--yes')
    await clients.join('reader', ['user.events', 'transaction.events'])
    const { code, stdout } = await cli('doctor', '--watch', '3s')
    expect(stdout).toMatch(/^WELL {2}nothing found\ncluster .*, 1 broker, \d+ topics, /)
    expect(code).toBe(0)
    expect(await demo).toMatchObject({ code: 0 })
  })

  it('says first what is worst, then why and what to type', async () => {
    // Of its own: commands write to audit.events, and the demo to others.
    expect(await cli('topics', 'create', 'left.events', '--partitions', '2', '--yes')).toMatchObject({ code: 0 })
    await write(clients.kafka, 'left.events', 3)
    await cli('groups', 'reset-offsets', 'gone', '--topic', 'left.events', '--to-earliest', '--execute', '--yes')
    const { code, stdout } = await cli('doctor', '--watch', '0s')
    const [first, about, , head, message] = stdout.split('\n')
    expect(first).toBe('NOT WELL: 1 error. Worst: group gone has no members, and 3 messages are waiting for it')
    expect(about).toMatch(/ looked once, /)
    expect(head).toBe('ERROR  GROUP_EMPTY_WITH_LAG')
    expect(message).toBe('  group gone has no members, and 3 messages are waiting for it')
    expect(stdout).toMatch(
      /\n {2}type {2}selfmonitor groups describe gone\n {2}see {3}docs\/runbooks\/alerts.md#kafkagroupemptywithlag\n/,
    )
    expect(code).toBe(1)
    expect(await cli('doctor', '--watch', '0s', '--fail-on', 'critical', '-o', 'name')).toMatchObject({
      code: 0,
      stdout: 'GROUP_EMPTY_WITH_LAG\n',
    })
  })

  it('finds what does not run beside Kafka', async () => {
    const [nobody] = await freePorts(1)
    const url = `http://127.0.0.1:${nobody}`
    const watcher = await watch(broker.bootstrapServers, {
      services: { schemaRegistry: url, connect: url, ksqldb: url },
    })
    await watcher.finds('SCHEMA_REGISTRY_DOWN', 'schema-registry')
    await watcher.finds('CONNECT_DOWN', 'connect')
    await watcher.finds('KSQLDB_DOWN', 'ksqldb')
    await watcher.close()
    const words = ['--registry-url', url, '--connect-url', url, '--ksqldb-url', url, '--watch', '0s', '-o', 'json']
    const { verdicts } = JSON.parse((await cli('doctor', ...words)).stdout)
    const codes = verdicts.map(({ code }: { code: string }) => code)
    expect(codes).toEqual(expect.arrayContaining(['SCHEMA_REGISTRY_DOWN', 'CONNECT_DOWN', 'KSQLDB_DOWN']))
  })

  it('says that no broker answers, with exit code 4', async () => {
    const [nobody] = await freePorts(1)
    const { code, stdout } = await cli('doctor', '--bootstrap-servers', `127.0.0.1:${nobody}`, '--timeout', '2s')
    expect(stdout).toMatch(/^NOT WELL: 1 critical[^\n]*Worst: no broker of the cluster answers\n/)
    expect(code).toBe(4)
  })
})
