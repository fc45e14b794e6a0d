// The commands for backups, on the embedded broker: texts, exit codes, what they refuse.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Broker, startBroker } from '@selfmonitor/broker'
import { connectCluster } from '@selfmonitor/cluster'
import { encodeBatch } from '@selfmonitor/protocol/records'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { selfmonitor, type TestIo } from '../test-io.ts'
import { topicFilter } from './backup-place.ts'

describe('the commands for backups', () => {
  let broker: Broker
  let folder: string
  beforeAll(async () => {
    broker = await startBroker()
    folder = mkdtempSync(join(tmpdir(), 'cli-backup-'))
  })
  afterAll(async () => {
    await broker.close()
    rmSync(folder, { recursive: true, force: true })
  })
  const run = (line: string, more: TestIo = {}) =>
    selfmonitor(line.split(' '), {
      ...more,
      env: { KAFKA_BOOTSTRAP_SERVERS: broker.bootstrapServers, SELFMONITOR_BACKUP: folder, ...more.env },
    })

  async function produce(topic: string, ...values: string[]): Promise<void> {
    const cluster = connectCluster({ bootstrapServers: broker.bootstrapServers })
    if (!(await cluster.listTopics()).some(({ name }) => name === topic)) {
      await cluster.createTopics([{ name: topic, partitions: 1, replicationFactor: 1 }])
    }
    const identity = await cluster.initProducer()
    const appender = await cluster.appendBatches()
    const records = values.map((value) => ({ value: Buffer.from(value), timestamp: BigInt(Date.now()) }))
    await appender.append(topic, 0, encodeBatch(records, { ...identity, baseSequence: 0 }))
    await appender.close()
    await cluster.close()
  }

  it('take, list, describe, verify, restore and prune', async () => {
    expect(await run('backup list')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('there is no backup in'),
    })
    await produce('orders', 'a', 'b')
    expect(await run('backup -o name')).toEqual({ code: 0, stdout: '1\n', stderr: '' })
    await produce('orders', 'c')
    const second = await run('backup take')
    expect(second.stdout).toMatch(
      /^backup +2\ncluster +\S+\ntarget +\S+\ntopics +1\nnew records +1\nnew bytes +\d+ B, stored as \d+ B in 1 object\n/,
    )
    expect((await run('backup list')).stdout).toMatch(
      /^BACKUP +UP TO +TOPICS +RECORDS +SCHEMAS +TOOK\n +1 .* 1 +2 +– +\S+ \w+\n +2 .* 1 +3 +– +\S+ \w+\n$/,
    )
    expect((await run('backup describe')).stdout).toMatch(/\norders +1 +3 +\d+ B /)
    expect((await run('backup describe 1 -o json')).stdout).toContain('"number": 1')
    expect(await run('backup verify')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^intact: 2 backups, 2 segments, 3 records/),
    })

    const restored = await run('restore --topic orders --target orders.restored --yes')
    expect(restored.stdout).toMatch(/^restored: 3 records in 1 partition, read back and equal, in /)
    expect(restored.stderr).toMatch(/^From backup 2 of cluster .*\norders +orders\.restored +1 +3 +0\n/s)
    const again = await run('restore --topic orders --target orders.restored --yes')
    expect(again).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('topic orders.restored exists in the target'),
    })
    expect((await run(`restore --source ${folder}/orders --target orders.third --yes`)).code).toBe(0)

    const pruned = await run('backup prune --keep-last 1 --yes')
    expect(pruned).toMatchObject({ code: 0, stdout: expect.stringMatching(/^deleted: 1 backup, 2 objects, .*\n$/) })
    expect((await run('backup list -o name')).stdout).toBe('2\n')
  })

  it('say that the registry could not be read, and take the rest', async () => {
    await produce('with-schemas', 'a')
    const own = ['--target', `${folder}/with-schemas`].join(' ')
    const named = await run(`backup ${own} --topic with-schemas --registry-url http://127.0.0.1:1`)
    expect(named.code).toBe(1)
    expect(named.stderr).toContain(
      'Not backed up: schemas: REGISTRY_UNREACHABLE: cannot reach the registry at http://127.0.0.1:1',
    )
    expect((await run(`backup list ${own}`)).stdout).toContain('could not be read')
    expect((await run(`backup describe ${own}`)).stdout).toMatch(/\nschemas +could not be read: REGISTRY_UNREACHABLE: /)
  })

  it('export the records as files, each once', async () => {
    await produce('exported', 'a', 'b')
    await run('backup')
    const to = join(folder, 'exported')
    expect(await run(`backup export --topic exported --to ${to} --format json`)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^exported: 2 records in 1 file, \d+ B\n$/),
    })
    expect((await run(`backup export --topic exported --to ${to} --format json`)).stdout).toBe(
      'exported: 0 records in 0 files, 0 B; there already: 1 file\n',
    )
    expect(await run('backup export --to x --format csv')).toMatchObject({ code: 2 })
    expect(await run('backup export')).toMatchObject({ code: 2, stderr: expect.stringContaining('--to is missing') })
  })

  it('change nothing without a yes, and without a terminal ask nobody', async () => {
    await produce('unasked', 'a')
    await run('backup')
    const { code, stderr } = await run('restore --topic unasked --target unasked.restored')
    expect(stderr).toContain('this needs confirmation, and standard input is not a terminal.')
    expect(code).toBe(2)
    const production = await run('restore --topic unasked --target unasked.restored --yes --env production')
    expect(production).toMatchObject({ code: 2, stderr: expect.stringContaining('--confirm unasked.restored') })
    expect((await run('topics list -o name')).stdout).not.toContain('unasked.restored')
    expect(await run('backup prune --yes')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('which backups should be kept?'),
    })
  })

  it('refuse what cannot be meant', async () => {
    for (const [line, message] of [
      ['restore --at yesterday', 'is not a time'],
      [
        'restore --backup 1 --date 2026-01-01',
        '--backup, --at, --to, --date, --before-event and --before-offset exclude each other',
      ],
      ['restore --backup 99', 'has no backup 99'],
      ['restore --topic or*ders', '`*` may only be the last character'],
      ['restore --topic order --dry-run', 'has no such topic'],
      ['restore --target one --yes', 'two topics of the backup would get the name one'],
      ['backup --target gopher://x', 'gopher'],
      ['backup verify 99', 'no backup 99'],
    ] as const) {
      const { code, stdout, stderr } = await run(line)
      expect({ line, stdout, failed: code !== 0 }).toEqual({ line, stdout: '', failed: true })
      expect(stderr).toContain(message)
    }
    const nowhere = await run('backup', { env: { SELFMONITOR_BACKUP: undefined } })
    expect(nowhere).toMatchObject({ code: 2, stderr: expect.stringContaining('--target is missing') })
    expect(readdirSync(process.cwd())).not.toContain('gopher:')
  })

  it('go on until they are stopped', async () => {
    const stop = new AbortController()
    let lines = ''
    const running = run('backup --every 50ms -o name', {
      signal: stop.signal,
      onOutput: (text) => {
        lines += text
        if (lines.split('\n').length > 3) stop.abort()
      },
    })
    const { stdout } = await running
    const numbers = stdout.trim().split('\n').map(Number)
    expect(numbers.length).toBeGreaterThanOrEqual(3)
    expect(numbers).toEqual(numbers.map((_, at) => numbers[0]! + at))
  })
})

describe('a choice of topics', () => {
  it('takes a dot for a dot, and `*` at the end for any end', () => {
    const chosen = ['audit.events', 'audit-events', 'audit', 'user.events']
    expect(chosen.filter(topicFilter(['audit.events']))).toEqual(['audit.events'])
    expect(chosen.filter(topicFilter(['audit*']))).toEqual(['audit.events', 'audit-events', 'audit'])
    expect(chosen.filter(topicFilter(undefined))).toEqual(chosen)
  })
})
