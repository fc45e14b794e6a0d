// kafka-python, written in Python alone.
import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { describeEngines } from '../support/engines.ts'
import { pythonWith } from '../support/python.ts'
import { itPlays, sawOf } from './scenarios.ts'

const script = fileURLToPath(new URL('kafka_python.py', import.meta.url))
const python = await pythonWith('kafka-python')

describeEngines('kafka-python', (engine) => {
  describe.skipIf('missing' in python)('as its users use it', () => {
    const play = async (...args: readonly string[]) => {
      if ('missing' in python) throw new Error(python.missing)
      return sawOf(await python.value.run(script, args))
    }
    itPlays(engine, 'kafka-python', (...args) => play(...args.filter((arg) => arg !== undefined)), {
      without: ['admin'],
    })

    it('creates, grows, lists and deletes topics', { timeout: 120_000 }, async () => {
      const topic = `kafka-python-admin-${randomBytes(4).toString('hex')}`
      expect(await play('admin', engine.bootstrapServers, topic)).toEqual({
        refused: 'TOPIC_ALREADY_EXISTS',
        topics: true,
        brokers: 1,
      })
    })
  })
})
