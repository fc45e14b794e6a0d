// Confluent's client for Python, which is librdkafka, in two versions: many services still have the old one.
import { fileURLToPath } from 'node:url'
import { describe } from 'vitest'
import { describeEngines } from '../support/engines.ts'
import { pythonWith } from '../support/python.ts'
import { itPlays, sawOf } from './scenarios.ts'

const script = fileURLToPath(new URL('confluent.py', import.meta.url))

for (const version of ['2.3', '2.16'] as const) {
  const python = await pythonWith(`confluent-kafka-${version}`)
  describeEngines(`confluent-kafka ${version} of Python`, (engine) => {
    describe.skipIf('missing' in python)('as its users use it', () => {
      itPlays(engine, 'confluent', async (scenario, bootstrapServers, prefix, codec) => {
        if ('missing' in python) throw new Error(python.missing)
        const args = [scenario, bootstrapServers, prefix, ...(codec === undefined ? [] : [codec])]
        return sawOf(await python.value.run(script, args))
      })
    })
  })
}
