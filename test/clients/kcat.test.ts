// kcat, the command line of librdkafka: here with Debian's librdkafka 2.0, from before the change that metadata of all topics shows.
import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { describeEngines } from '../support/engines.ts'
import { missingTool } from '../support/tools.ts'
import { createTopic, kcat, playKcat } from './kcat.ts'
import { itPlays } from './scenarios.ts'

const unique = (name: string) => `${name}-${randomBytes(4).toString('hex')}`

describeEngines('kcat', (engine) => {
  describe.skipIf(missingTool('kcat', '-V') !== null)('as its users use it', () => {
    itPlays(engine, 'kcat', playKcat, { without: ['admin'] })

    it('reads the last records from the end, and from a time on', async () => {
      const topic = unique('kcat-offsets')
      await createTopic(engine.bootstrapServers, topic, 1)
      await kcat(engine.bootstrapServers, ['-P', '-t', topic, '-p', '0'], 'a\nb\nc\n')
      const read = (from: string) =>
        kcat(engine.bootstrapServers, ['-C', '-t', topic, '-p', '0', '-o', from, '-e', '-q'])
      expect(await read('-2')).toBe('b\nc\n')
      expect(await read('s@1')).toBe('a\nb\nc\n')
    })

    it('continues in a group where the previous member stopped', async () => {
      const topic = unique('kcat-group')
      await createTopic(engine.bootstrapServers, topic, 4)
      const numbers = Array.from({ length: 100 }, (_, i) => String(i))
      const group = ['-G', unique('group'), '-X', 'auto.offset.reset=earliest', '-q']
      await kcat(engine.bootstrapServers, ['-P', '-t', topic], `${numbers.join('\n')}\n`)
      const first = await kcat(engine.bootstrapServers, [...group, '-c', '100', topic])
      expect(new Set(first.trimEnd().split('\n'))).toEqual(new Set(numbers))
      await kcat(engine.bootstrapServers, ['-P', '-t', topic], 'one more\n')
      expect(await kcat(engine.bootstrapServers, [...group, '-c', '1', topic])).toBe('one more\n')
    })

    it('carries a 10 MB record where the topic allows it, and is refused where it does not', {
      timeout: 60_000,
    }, async () => {
      const big = unique('kcat-big')
      const limit = String(12 * 1024 * 1024)
      await createTopic(engine.bootstrapServers, big, 1, [{ name: 'max.message.bytes', value: limit }])
      const record = 'x'.repeat(10 * 1024 * 1024)
      const settings = ['message.max.bytes', 'fetch.message.max.bytes'].flatMap((name) => ['-X', `${name}=${limit}`])
      const limits = [...settings, '-X', 'receive.message.max.bytes=100000000']
      await kcat(engine.bootstrapServers, ['-P', '-t', big, '-p', '0', ...limits], record)
      const from = ['-p', '0', '-o', 'beginning', '-e', '-q']
      const consumed = await kcat(engine.bootstrapServers, ['-C', '-t', big, ...from, ...limits])
      expect(consumed.length).toBe(record.length + 1)

      const small = unique('kcat-small')
      await createTopic(engine.bootstrapServers, small, 1)
      const refused = kcat(engine.bootstrapServers, ['-P', '-t', small, '-p', '0', ...limits], record)
      await expect(refused).rejects.toThrow(/Message size too large/i)
    })
  })
})
