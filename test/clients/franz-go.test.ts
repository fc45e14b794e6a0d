// franz-go, the client of many services in Go and of Redpanda's tools.
import { run } from '@selfmonitor/apache'
import { describe } from 'vitest'
import { describeEngines } from '../support/engines.ts'
import { franzGoClient, goProgram } from '../support/go.ts'
import { itPlays, sawOf } from './scenarios.ts'

const program = await goProgram(franzGoClient)

describeEngines('franz-go', (engine) => {
  describe.skipIf('missing' in program)('as its users use it', () => {
    itPlays(engine, 'franz', async (scenario, bootstrapServers, prefix, codec = '') => {
      if ('missing' in program) throw new Error(program.missing)
      const result = await run(program.value, [scenario, bootstrapServers, prefix, codec])
      if (result.exitCode !== 0) throw new Error(`franz-go ${scenario}: ${result.stdout}\n${result.stderr}`)
      return sawOf(result.stdout)
    })
  })
})
