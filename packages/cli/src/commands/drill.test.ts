// `selfmonitor drill` on embedded brokers: texts, exit codes, files, what it refuses.
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Broker, startBroker } from '@selfmonitor/broker'
import { connectCluster } from '@selfmonitor/cluster'
import { backupReportTopic, decodeOutcome, type Outcome } from '@selfmonitor/monitor/backup-report'
import { encodeBatch } from '@selfmonitor/protocol/records'
import { generateIdentity, identityToRecipient } from 'age-encryption'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { selfmonitor, type TestIo } from '../test-io.ts'

describe('drill', () => {
  let broker: Broker
  let folder: string
  let backups: string
  beforeAll(async () => {
    broker = await startBroker()
    folder = mkdtempSync(join(tmpdir(), 'cli-drill-'))
    backups = join(folder, 'backups')
    const cluster = connectCluster({ bootstrapServers: broker.bootstrapServers })
    await cluster.createTopics([{ name: 'orders', partitions: 1, replicationFactor: 1 }])
    const appender = await cluster.appendBatches()
    const records = ['a', 'b', 'c'].map((text) => ({ value: Buffer.from(text), timestamp: BigInt(Date.now()) }))
    await appender.append('orders', 0, encodeBatch(records, { ...(await cluster.initProducer()), baseSequence: 0 }))
    await appender.close()
    await cluster.commitOffsets('billing', [{ topic: 'orders', partition: 0, to: 2n }])
    await cluster.close()
    expect((await run('backup')).code).toBe(0)
  })
  afterAll(async () => {
    await broker.close()
    rmSync(folder, { recursive: true, force: true })
  })
  const run = (line: string, more: TestIo = {}) =>
    selfmonitor(line.split(' '), {
      cwd: folder,
      ...more,
      env: { KAFKA_BOOTSTRAP_SERVERS: broker.bootstrapServers, SELFMONITOR_BACKUP: backups, ...more.env },
    })

  it('makes keys, runs, signs, keeps, lists and verifies', async () => {
    expect((await run('drill keygen key.pem')).stdout).toContain('key id')
    expect(statSync(join(folder, 'key.pem')).mode & 0o777).toBe(0o600)
    expect(await run('drill keygen key.pem')).toMatchObject({ code: 1, stderr: expect.stringContaining('exists') })

    const drill = await run('drill --key key.pem --report report.json --rpo 1d --rto 1h --approver ada --folder data')
    expect(drill.stderr).toBe('')
    expect(drill.code).toBe(0)
    expect(drill.stdout).toMatch(/^drill +\S+, PASSED\n/)
    expect(drill.stdout).toMatch(/RPO +\S+ \w+ of 1d, met\n/)
    expect(drill.stdout).toMatch(/passed +A client reads the records that the backup has +3 records of 1 partition/)
    // The broker of its own has left nothing.
    expect(readdirSync(join(folder, 'data'))).toEqual([])

    const verified = await run('drill verify-report report.json --key key.pem.pub')
    expect(verified).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^signed: drill .*\nthe drill passed\n$/s),
    })
    writeFileSync(
      join(folder, 'changed.json'),
      readFileSync(join(folder, 'report.json'), 'utf8').replace('"approver":"ada"', '"approver":"bob"'),
    )
    expect(await run('drill verify-report changed.json --key key.pem.pub')).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('was changed after it was signed'),
    })

    const [name] = (await run('drill list -o name')).stdout.trim().split('\n')
    expect((await run('drill list')).stdout).toMatch(new RegExp(`${name} .* cluster-lost +passed +1 `))
    await run(`drill show ${name} --report kept.json --html page.html`)
    const page = readFileSync(join(folder, 'page.html'), 'utf8')
    expect(page).toContain('<title>Restore drill')
    expect(page).toContain('DORA Art. 12(7)')
    // Nothing is loaded from elsewhere.
    expect(page).not.toMatch(/<script|<link|<img|https?:\/\/|url\(/)
    expect(readFileSync(join(folder, 'kept.json'))).toEqual(readFileSync(join(folder, 'report.json')))
    // Pruning backups leaves reports.
    await run('backup')
    await run('backup prune --keep-last 1 --yes')
    expect((await run('drill list -o name')).stdout).toBe(`${name}\n`)
  })

  it('tells the exporter of a drill that passes, and of one that fails', async () => {
    const cluster = connectCluster({ bootstrapServers: broker.bootstrapServers })
    const outcomes = async (): Promise<Outcome[]> => {
      const [end] = await cluster.listOffsets([{ topic: backupReportTopic, partition: 0 }], 'latest')
      const found: Outcome[] = []
      const ranges = [{ topic: backupReportTopic, partition: 0, next: 0n, end: end!.offset! }]
      for await (const event of cluster.read(ranges)) {
        if (event.kind === 'records') found.push(...event.records.map(({ value }) => decodeOutcome(value!)!))
      }
      return found
    }
    try {
      await cluster.createTopics([{ name: backupReportTopic, partitions: 1, replicationFactor: 1 }])
      expect((await run('drill --next-due 30d')).code).toBe(0)
      expect(await outcomes()).toEqual([
        {
          kind: 'drill',
          value: {
            target: backups,
            atMs: expect.any(Number),
            rpoMs: expect.any(Number),
            rtoMs: expect.any(Number),
            dueMs: expect.any(Number),
          },
        },
      ])
      expect((await run('drill --topic no-such-topic')).code).toBe(1)
      expect((await outcomes()).map(({ kind }) => kind)).toEqual(['drill', 'drillFailure'])
    } finally {
      await cluster.deleteTopics([backupReportTopic])
      await cluster.close()
    }
  })

  it('needs no source, and says loudly that a report is not signed', async () => {
    const { code, stdout, stderr } = await run('drill', { env: { KAFKA_BOOTSTRAP_SERVERS: undefined } })
    expect(code).toBe(0)
    expect(stdout).toMatch(/signed +NO\n/)
    expect(stderr).toContain('The report is NOT SIGNED')
  })

  it('restores into a named cluster with a yes, and removes it again unless it is to stay', async () => {
    const other = await startBroker()
    try {
      const into = `--into ${other.bootstrapServers}`
      expect(await run(`drill ${into}`)).toMatchObject({ code: 2, stderr: expect.stringContaining('Pass --yes') })
      const topics = async () => (await run(`topics list -o name --bootstrap-servers ${other.bootstrapServers}`)).stdout
      expect((await run(`drill ${into} --yes`)).code).toBe(0)
      expect(await topics()).toBe('')
      expect((await run(`drill ${into} --yes --keep`)).code).toBe(0)
      expect(await topics()).toBe('orders\n')
      // A topic that exists is neither changed nor removed.
      const again = await run(`drill ${into} --yes`)
      expect(again).toMatchObject({ code: 1, stdout: expect.stringContaining('topic orders exists in the target') })
      expect(await topics()).toBe('orders\n')
    } finally {
      await other.close()
    }
  })

  it('refuses the source as the target, also under another name', async () => {
    const port = broker.addresses[0]!.port
    for (const address of [broker.bootstrapServers, `localhost:${port}`]) {
      const { code, stderr } = await run(`drill --into ${address} --yes`)
      expect(stderr).toContain('the target of the drill is not apart from the source: they share cluster id')
      expect(code).toBe(1)
    }
  })

  it('a copy elsewhere is what is left when the bucket is lost', async () => {
    cpSync(backups, join(folder, 'copy'), { recursive: true })
    const lost = { env: { SELFMONITOR_BACKUP: join(folder, 'lost') } }
    const { code, stdout } = await run('drill --scenario bucket-region-lost --copy copy', lost)
    expect(code).toBe(0)
    expect(stdout).toContain(`backups in ${join(folder, 'copy')}`)
  })

  it('a backup that one key alone opens fails the drill of a lost key', async () => {
    const keys = await Promise.all([1, 2].map(() => generateIdentity()))
    const recipients = await Promise.all(keys.map((key) => identityToRecipient(key)))
    writeFileSync(join(folder, 'both.txt'), keys.join('\n'))
    writeFileSync(join(folder, 'one.txt'), keys[0]!)
    const sealed = { env: { SELFMONITOR_BACKUP: join(folder, 'sealed') } }
    await run(`backup --recipient ${recipients[0]} --recipient ${recipients[1]}`, sealed)
    const both = await run('drill --scenario key-lost --identity both.txt', sealed)
    expect(both.stdout).toMatch(/passed +The loss of any one key loses no backup/)
    expect(both.code).toBe(0)
    const one = await run('drill --scenario key-lost --identity one.txt', sealed)
    expect(one.stdout).toContain('when this key is lost, so is the backup')
    expect(one.code).toBe(1)
    const none = await run('drill --scenario key-lost', sealed)
    expect(none.stdout).toContain(`no identity was given that opens it; it is encrypted to ${recipients.join(', ')}`)
    expect(none.code).toBe(1)
  })

  it('without schemas in the backup a lost registry is not recovered from', async () => {
    const { code, stdout } = await run('drill --scenario registry-lost')
    expect(code).toBe(1)
    expect(stdout).toContain('the check schemas did not pass: The backup has no schemas.')
  })

  it('refuses what cannot be meant', async () => {
    for (const [line, message] of [
      ['drill --keep', '--keep needs --into'],
      ['drill --scenario fire', 'fire'],
      ['drill --scenario topic-deleted', 'needs --topic'],
      ['drill --copy copy', 'go together'],
      ['drill --key nowhere.pem', '--key nowhere.pem'],
      ['drill --cluster-id other', 'no backup of cluster other'],
      ['drill verify-report report.json', '--key is missing'],
      ['drill show nothing', 'has no report nothing'],
    ] as const) {
      const { code, stderr } = await run(line)
      expect({ line, failed: code !== 0 }).toEqual({ line, failed: true })
      expect(stderr).toContain(message)
    }
  })
})

describe('what platform.yaml asks of a drill', () => {
  let broker: Broker
  let folder: string
  beforeAll(async () => {
    broker = await startBroker()
    folder = mkdtempSync(join(tmpdir(), 'cli-drill-file-'))
    const cluster = connectCluster({ bootstrapServers: broker.bootstrapServers })
    await cluster.createTopics([{ name: 'ledger', partitions: 1, replicationFactor: 1 }])
    const appender = await cluster.appendBatches()
    const amounts = ['0.10', '0.2', '9007199254740993', '0.3', '9007199254740993.00']
    const records = amounts.map((amount, at) => ({
      value: Buffer.from(`{"side":"${at < 3 ? 'debit' : 'credit'}","amount":${amount}}`),
      timestamp: BigInt(Date.now()),
    }))
    await appender.append('ledger', 0, encodeBatch(records, { ...(await cluster.initProducer()), baseSequence: 0 }))
    await appender.close()
    await cluster.close()
    expect((await run('backup')).code).toBe(0)
  })
  afterAll(async () => {
    await broker.close()
    rmSync(folder, { recursive: true, force: true })
  })
  const run = (line: string) =>
    selfmonitor(line.split(' '), {
      cwd: folder,
      env: { KAFKA_BOOTSTRAP_SERVERS: broker.bootstrapServers, SELFMONITOR_BACKUP: join(folder, 'backups') },
    })
  const fold = `{ debits: 'value.side == "debit" ? value.amount : 0', credits: 'value.side == "credit" ? value.amount : 0' }`
  const drill = async (topics: string, checks: string) => {
    const file = `version: 1\nbackup: { frequency: 1h, rpo: 2h, rto: 4h }\ntopics: ${topics}\ndrills:\n  checks:\n    ${checks}\n`
    writeFileSync(join(folder, 'platform.yaml'), file)
    return run('drill')
  }
  const ledger = '{ ledger: { partitions: 1, backup: { rpo: 90m } } }'

  it('debits equal credits, exactly', async () => {
    const { code, stdout } = await drill(
      ledger,
      `debits equal credits: { topics: [ledger], fold: ${fold}, assert: totals.debits == totals.credits && records == 5 }`,
    )
    expect(stdout).toMatch(
      /passed +debits equal credits +debits = 9007199254740993\.30, credits = 9007199254740993\.30, over 5 records\n/,
    )
    expect(stdout).toMatch(/RPO +\S+ \S+ of 1h 30m, met\nRTO +\S+ \S+ of 4h, met\n/)
    expect(stdout).toContain('set by topic ledger in platform.yaml, development')
    expect(code).toBe(0)
  })

  it('a reconciliation that does not hold fails the drill, and so does one that cannot be computed', async () => {
    const wrong = await drill(
      ledger,
      `sums: { topics: [ledger], fold: ${fold}, assert: totals.debits < totals.credits }`,
    )
    expect(wrong.code).toBe(1)
    expect(wrong.stdout).toMatch(/FAILED +sums /)
    expect(wrong.stdout).toContain(
      'totals.debits < totals.credits does not hold: debits = 9007199254740993.30, credits = 9007199254740993.30',
    )
    const missing = await drill(ledger, `sums: { topics: [ledger], fold: { x: value.amuont }, assert: totals.x > 0 }`)
    expect(missing.code).toBe(1)
    expect(missing.stdout).toContain('topic ledger partition 0 offset 0 of the target: No such key: amuont')
    const text = await drill(ledger, `sums: { topics: [ledger], fold: { x: value.side }, assert: totals.x > 0 }`)
    expect(text.stdout).toContain('x is "debit", and must be a number, or true or false')
    const slow = await drill(
      ledger,
      `slow: { topics: [ledger], fold: { x: '"${'a'.repeat(40)}!".matches("^(a+)+$")' }, assert: totals.x > 0 }`,
    )
    expect(slow.code).toBe(1)
    expect(slow.stdout).toContain('it took longer than 1000 ms')
  })

  it('a topic that has to be in the backup and is not there fails the drill', async () => {
    const { code, stdout } = await drill(
      '{ ledger: { partitions: 1 }, accounts: { partitions: 1 } }',
      'sums: { topics: [accounts], fold: { x: "1" }, assert: "true" }',
    )
    expect(code).toBe(1)
    expect(stdout).toMatch(/topic accounts +it has to be backed up, and the backup does not have it\n/)
    expect(stdout).toMatch(/sums +the backup does not have accounts\n/)
  })

  it('a mistake in an expression is found before anything starts', async () => {
    const { code, stdout, stderr } = await drill(ledger, 'a: { topics: [ledger], fold: { x: value. }, assert: "true" }')
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain('"value." is not a CEL expression')
  })
})
