// What Prometheus itself says of the names, types and texts.
import { describe, expect, it } from 'vitest'
import { missingPrometheus, runMonitoringTool } from '../../../../test/support/prometheus.ts'
import { namingExceptions } from './table.ts'
import { everything } from './test-support/everything.ts'
import { pageOf } from './test-support/text.ts'
import { viewOf } from './view.ts'

const text = pageOf(viewOf(everything(), { version: '1.2.3', requests: 17 }), 'prometheus')

describe.skipIf(missingPrometheus() !== null)('promtool check metrics', () => {
  it('objects to the two names that were promised before, and to nothing else', async () => {
    const { stdout, stderr } = await runMonitoringTool('promtool', ['check', 'metrics'], { stdin: text })
    const said = `${stdout}${stderr}`.split('\n').filter((line) => line.trim() !== '')
    expect(said.map((line) => line.split(' ')[0]).sort()).toEqual([...namingExceptions].sort())
    for (const line of said) expect(line).toContain('abbreviated units')
  })
})
