// kafka-python, written in Python alone.
import { fileURLToPath } from 'node:url'
import { describe } from 'vitest'
import { describeEngines } from '../support/engines.ts'
import { pythonWith } from '../support/python.ts'
import { itPlays, sawOf } from './scenarios.ts'

const script = fileURLToPath(new URL('kafka_python.py', import.meta.url))
const python = await pythonWith('kafka-python')

describeEngines('kafka-python', (engine) => {
  describe.skipIf('missing' in python)('as its users use it', () => {
    itPlays(engine, 'kafka-python', async (...args) => {
      if ('missing' in python) throw new Error(python.missing)
      return sawOf(
        await python.value.run(
          script,
          args.filter((arg) => arg !== undefined),
        ),
      )
    })
  })
})
