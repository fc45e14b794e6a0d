// The files of a partition as Apache Kafka's own kafka-dump-log reads them, while the broker writes to them.
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fetchDistribution, runTool } from '@selfmonitor/apache'
import { describe, expect, inject, it } from 'vitest'
import { systemClock } from '../../clock.ts'
import { batch, startLogs, startMs } from '../test-support/logs.ts'

describe.skipIf('missing' in inject('apache'))('the files of a partition that is written to', () => {
  it('are read by kafka-dump-log: log, both indexes, producer snapshot', async () => {
    const config = { segmentBytes: 200_000, timestampAfterMaxMs: Number.MAX_VALUE }
    const broker = await startLogs(config, { clock: systemClock })
    const log = await broker.log()
    const values = Array.from({ length: 20 }, (_, index) => `${index} ${'x'.repeat(100)}`)
    for (let n = 0; n < 120; n++) {
      const timestamps = values.map((_, index) => BigInt(startMs + n * 100 + index))
      await log.append(batch(values, { timestamps, producerId: 7n, producerEpoch: 1, baseSequence: n * values.length }))
    }

    const folder = join(broker.dir, 'events-0')
    const active = (await readdir(folder))
      .filter((name) => name.endsWith('.log'))
      .sort()
      .at(-1)!
      .slice(0, 20)
    // What was appended last is in the indexes a second later.
    await expect
      .poll(async () => (await readdir(folder)).includes(`${active}.timeindex`), { timeout: 10_000 })
      .toBe(true)
    const names = (await readdir(folder)).filter((name) => /\.(log|index|timeindex|snapshot)$/.test(name)).sort()
    expect(names.filter((name) => name.startsWith(active)).map((name) => name.slice(20))).toEqual([
      '.index',
      '.log',
      '.snapshot',
      '.timeindex',
    ])
    const files = names.map((name) => join(folder, name)).join(',')
    const { stdout, stderr } = await runTool(await fetchDistribution(), 'kafka-dump-log', ['--files', files])
    expect(stdout + stderr).not.toMatch(/invalid|mismatch|out of order|Exception|Could not|indexes failed/i)
    for (const name of names) expect(stdout).toContain(`Dumping ${join(folder, name)}`)
    expect(stdout).toMatch(/^offset: \d+ position: \d+$/m)
    expect(stdout).toMatch(/^timestamp: \d+ offset: \d+$/m)
    expect(stdout).toMatch(
      /producerId: 7 producerEpoch: 1 coordinatorEpoch: -1 currentTxnFirstOffset: (None|OptionalLong.empty|-1) lastTimestamp: \d+ firstSequence: \d+ lastSequence: \d+/,
    )
  })
})
