// `selfmonitor restore`, as it is typed, from the bucket of an S3 sink connector: versitygw has the bucket, fastavro made the files, and
// Confluent's client reads what was restored.
import { randomUUID } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PutObjectCommand } from '@aws-sdk/client-s3'
import { type Broker, startBroker } from '@selfmonitor/broker'
import { type RegistryServer, startRegistry } from '@selfmonitor/registry'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { selfmonitor } from '../packages/cli/src/test-io.ts'
import { pythonWith } from './support/python.ts'
import { missingVersitygw, type S3Server, versitygw } from './support/s3/servers.ts'

const python = await pythonWith('archive-files')
const client = await pythonWith('confluent-kafka-avro')
const missing = 'missing' in python ? python.missing : 'missing' in client ? client.missing : await missingVersitygw()
const script = new URL('support/archive/make_archive.py', import.meta.url).pathname
const reader = new URL('support/archive/read_topic.py', import.meta.url).pathname

describe.skipIf(missing !== null)('restore --source s3://kafka-backups/user.events, of a sink’s bucket', () => {
  const bucket = `kafka-backups-${randomUUID()}`
  let server: S3Server
  let broker: Broker
  let registry: RegistryServer
  let folder: string
  let written: readonly Record<string, unknown>[]

  beforeAll(async () => {
    server = await versitygw.start()
    broker = await startBroker()
    registry = await startRegistry({ bootstrapServers: broker.bootstrapServers, port: 0 })
    await server.makeBucket(bucket)
    // The SDK reads the environment of the process.
    vi.stubEnv('AWS_ENDPOINT_URL_S3', server.endpoint)
    vi.stubEnv('AWS_ACCESS_KEY_ID', server.credentials.accessKeyId)
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', server.credentials.secretAccessKey)
    folder = mkdtempSync(join(tmpdir(), 'archive-'))
    if ('missing' in python) throw new Error(python.missing)
    written = JSON.parse(await python.value.run(script, [folder]))['user.events']
    for (const path of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      if (!/user\.events\+/.test(path)) continue
      // The time-based partitioner's paths: 250 records of the first of January, the last ten of the second.
      const day = path.includes('+0000000200') ? '02' : '01'
      const Key = path.replace('partition=0', `year=2024/month=01/day=${day}/hour=10`)
      await server.client.send(new PutObjectCommand({ Bucket: bucket, Key, Body: readFileSync(join(folder, path)) }))
    }
  }, 120_000)
  afterAll(async () => {
    vi.unstubAllEnvs()
    await registry?.close()
    await broker?.close()
    await server?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  const run = (line: string) =>
    selfmonitor(line.split(' '), {
      env: { KAFKA_BOOTSTRAP_SERVERS: broker.bootstrapServers, SCHEMA_REGISTRY_URL: registry.url },
    })

  interface Restored {
    readonly key: string
    readonly timestamp: number
    readonly headers: readonly (readonly [string, string | null])[]
    readonly value: Record<string, unknown>
  }
  async function read(topic: string, count: number): Promise<Restored[]> {
    if ('missing' in client) throw new Error(client.missing)
    return JSON.parse(await client.value.run(reader, [broker.bootstrapServers, registry.url, topic, String(count)]))
  }

  it('previews, restores up to the end of the day, and compares', { timeout: 120_000 }, async () => {
    const command = `restore --source s3://${bucket}/user.events --target user.events.restored --date 2024-01-01`
    const preview = await run(`${command} --dry-run`)
    expect(preview).toMatchObject({ code: 0, stdout: '' })
    expect(preview.stderr).toContain(`From the files of a sink connector in s3://${bucket}, up to 2024-01-01`)
    expect(preview.stderr).toMatch(/\nuser\.events +user\.events\.restored +1 +4 +200 +0 +0 +1\n/)
    expect(preview.stderr).toContain('the archive has no times of records: they get the time of their file’s path')
    expect(preview.stderr).toContain(
      `user.events.restored: 1 schema as subject user.events.restored-value in ${registry.url}`,
    )
    expect(await (await fetch(`${registry.url}/subjects`)).json()).toEqual([])

    const restored = await run(`${command} --yes`)
    expect(restored.stdout).toMatch(/^restored: 200 records in 1 partition, read back and equal, in /)
    expect(restored.code).toBe(0)
    const records = await read('user.events.restored', 200)
    expect(records.map(({ key }) => key)).toEqual(written.slice(0, 200).map(({ id }) => `key ${id}`))
    expect(records.map(({ value }) => value)).toEqual(written.slice(0, 200))
    expect(records[3]!.headers).toEqual([
      ['n', '3'],
      ['n', null],
    ])
    expect(new Set(records.map(({ timestamp }) => timestamp))).toEqual(new Set([Date.parse('2024-01-01T10:00Z')]))
  })

  it('restores the later schema as the next version', { timeout: 120_000 }, async () => {
    const { code, stdout } = await run(
      `restore --source s3://${bucket}/user.events --target user.events.all --yes -o json`,
    )
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ isComplete: true, partitions: [{ records: '210' }] })
    expect(await (await fetch(`${registry.url}/subjects/user.events.all-value/versions`)).json()).toEqual([1, 2])
    const records = await read('user.events.all', 210)
    expect(records.map(({ value }) => value)).toEqual(written)
  })

  it('refuses what an archive does not have', async () => {
    for (const [option, message] of [
      ['--access', '--access is for a backup of `selfmonitor backup`'],
      ['--groups all', '--groups is for a backup of `selfmonitor backup`'],
      ['--date 2023-12-31', 'has no record up to 2023-12-31T23:59:59.999Z'],
      ['--topic orders', 'has no topic'],
      ['--partition 4', 'has no file of partition 4'],
      ['--timestamps never', '"never" is not a source of times'],
    ]) {
      const refused = await run(`restore --source s3://${bucket} --target refused --yes ${option}`)
      expect(refused.code).not.toBe(0)
      expect(refused.stderr).toContain(message)
    }
  })
})
