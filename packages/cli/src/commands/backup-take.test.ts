// Runs by schedule, on both engines: which topics they have, two processes on one store, and SIGTERM in the middle.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Manifest } from '@selfmonitor/backup'
import { asOf } from '@selfmonitor/backup/as-of'
import { type Cluster, connectCluster } from '@selfmonitor/cluster'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeEngines } from '../../../../test/support/engines.ts'
import { selfmonitor, type TestIo } from '../test-io.ts'

describeEngines('backups by schedule', (engine) => {
  const run = Date.now().toString(36)
  const name = (topic: string) => `schedule-${run}-${topic}`
  let folder: string
  let cluster: Cluster
  let targets = 0
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'cli-schedule-'))
    cluster = connectCluster({ bootstrapServers: engine.bootstrapServers })
    await cluster.createTopics(
      ['often', 'seldom', 'scratch'].map((topic) => ({ name: name(topic), partitions: 1, replicationFactor: 1 })),
    )
    writeFileSync(
      join(folder, 'platform.yaml'),
      `backup: { none: of another test }
topics:
  ${name('often')}: { partitions: 1, backup: { none: null, frequency: 1s } }
  ${name('seldom')}: { partitions: 1, backup: { none: null, frequency: 0 2 * * * Europe/Berlin } }
  ${name('scratch')}: { partitions: 1 }
`,
    )
    writeFileSync(join(folder, 'nothing.yaml'), 'backup: { none: not needed }\ntopics: {}\n')
  })
  afterAll(async () => {
    await cluster.close()
    rmSync(folder, { recursive: true, force: true })
  })

  const newTarget = () => join(folder, `target-${targets++}`)
  const backup = (target: string, words: readonly string[], io: TestIo = {}) =>
    selfmonitor(['backup', ...words, '--target', target, '--bootstrap-servers', engine.bootstrapServers], {
      cwd: folder,
      env: {},
      ...io,
    })
  const topicsOf = async (target: string, number = ''): Promise<Record<string, number>> => {
    const { stdout } = await selfmonitor(
      ['backup', 'describe', ...(number === '' ? [] : [number]), '--target', target, '-o', 'json'],
      { env: {} },
    )
    const manifest = JSON.parse(stdout) as Manifest
    return Object.fromEntries(manifest.topics.map((topic) => [topic.name, asOf(manifest, topic)!]))
  }

  it('follow the frequency that platform.yaml gives each topic, and keep the others as they were', async () => {
    const target = newTarget()
    const stop = new AbortController()
    const { code, stdout, stderr } = await backup(target, ['--service', '-o', 'name'], {
      signal: stop.signal,
      onOutput: (text) => text.includes('3\n') && stop.abort(),
    })
    expect(code).toBe(0)
    expect(stdout).toBe('1\n2\n3\n')
    expect(stderr).toContain(`Backed up every 1s: ${name('often')}\n`)
    expect(stderr).toContain(`Backed up at 02:00, Europe/Berlin: ${name('seldom')}\n`)
    expect(stderr).toMatch(new RegExp(`\nNext run at 20\\d\\d-.*Z, in \\ds: ${name('often')}\\.\n`))
    const [first, third] = [await topicsOf(target, '1'), await topicsOf(target, '3')]
    expect(Object.keys(first).sort()).toEqual([name('often'), name('seldom')])
    expect(third[name('seldom')]).toBe(first[name('seldom')])
    expect(third[name('often')]).toBeGreaterThan(first[name('often')]!)
  })

  it('are taken once by a job, of what is due', async () => {
    const target = newTarget()
    await backup(target, ['--topic', name('seldom')])
    const due = await backup(target, ['--due', '-o', 'name'])
    expect(due).toMatchObject({ code: 0, stdout: '2\n', stderr: '' })
    expect(Object.keys(await topicsOf(target)).sort()).toEqual([name('often'), name('seldom')])
    const again = await backup(target, ['--due', '-o', 'name', '--topic', name('seldom')])
    expect(again).toMatchObject({
      code: 0,
      stdout: '',
      stderr: expect.stringMatching(
        /^Nothing is due\. Next run at 20.* 0[01]:00:00\.000Z, in .*: schedule-\S+-seldom\.\n$/,
      ),
    })
  })

  it('of two processes on one place one takes each backup, and both go on', async () => {
    const target = newTarget()
    const stop = new AbortController()
    const numbers: number[] = []
    const io: TestIo = {
      signal: stop.signal,
      onOutput: (text) => {
        numbers.push(Number(text))
        if (numbers.length === 4) stop.abort()
      },
    }
    const both = await Promise.all(
      [1, 2].map(() => backup(target, ['--every', '1s', '-o', 'name', '--topic', name('often')], io)),
    )
    expect([...new Set(numbers)]).toEqual(numbers)
    expect(numbers.toSorted((a, b) => a - b)).toEqual(numbers.map((_, at) => at + 1))
    expect(both.map(({ code }) => code)).toContain(0)
    const verified = await selfmonitor(['backup', 'verify', '--target', target], { env: {} })
    expect(verified.stdout).toMatch(/^intact: \d backups/)
  })

  it('are refused where nothing would be backed up, or nothing says how often', async () => {
    const target = newTarget()
    expect(await backup(target, ['-f', 'nothing.yaml'])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/nothing\.yaml, environment development leaves all \d+ topics out/),
    })
    expect(await backup(target, ['-f', 'nothing.yaml', '--service'])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/no topic of \S+nothing\.yaml, environment development has a frequency/),
    })
    expect(await backup(target, ['--due'], { cwd: tmpdir() })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('there is no platform.yaml for --due'),
    })
    for (const [words, message] of [
      [['--service', '--every', '1h'], 'exclude each other'],
      [['--schedule', '61 * * * *'], 'is not a schedule: it must be a cron expression: invalid value for minute: 61'],
      [['--schedule', '0 2 * * * Europe/Berlinn'], 'must end with a time zone such as Europe/Berlin'],
    ] as const) {
      expect(await backup(target, words)).toMatchObject({ code: 2, stderr: expect.stringContaining(message) })
    }
  })

  it('take a topic that is left out when it is named', async () => {
    const target = newTarget()
    expect(await backup(target, ['--topic', name('scratch')])).toMatchObject({ code: 0 })
    expect(Object.keys(await topicsOf(target))).toEqual([name('scratch')])
  })
})
