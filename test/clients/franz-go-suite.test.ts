// franz-go's own tests of its package kgo against the embedded broker: 150 tests, groups whose members come and go among them. What
// is known to fail is left out here; `npm run suites` runs that too, on Apache Kafka as well, and librdkafka's suite.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startBroker } from '@selfmonitor/broker'
import { afterAll, describe, expect, it } from 'vitest'
import { franzGo } from '../../scripts/suites/franz-go.ts'
import { judge } from '../../scripts/suites/suite.ts'
import { ToolUnavailable } from '../deployment/static/fetch.ts'

// As with Kubernetes, Go and its modules are not everywhere: missing in CI, too, it is skipped by name.
const missing = await franzGo
  .prepare(() => {})
  .then(
    () => undefined,
    (error: unknown) => {
      if (error instanceof ToolUnavailable) return error.message
      throw error
    },
  )

describe.skipIf(missing !== undefined)('franz-go', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'selfmonitor-franz-go-suite-'))
  afterAll(() => rm(folder, { recursive: true, force: true }))

  it('passes its own tests, but for what the broker does not have', { timeout: 300_000 }, async () => {
    const broker = await startBroker({ config: { 'num.partitions': '4' } })
    try {
      const { failures, leftOut } = franzGo.expected.embedded
      const leaveOut = [...Object.keys(leftOut), ...Object.keys(failures)]
      const { bootstrapServers } = broker
      const outcomes = await franzGo.run({ bootstrapServers, folder, leaveOut, timeoutMs: 240_000 })
      const { failed, passed } = judge(outcomes, franzGo.expected.embedded)
      expect(failed).toEqual([])
      expect(passed).toBeGreaterThan(140)
    } finally {
      await broker.close()
    }
  })
})
