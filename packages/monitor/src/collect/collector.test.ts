import type { Logger } from '@selfmonitor/cluster'
import { describe, expect, it } from 'vitest'
import { probeGroup } from '../snapshot/probe-names.ts'
import { startCollector } from './collector.ts'
import { world } from './test-support/world.ts'

function recorder(): { readonly logger: Logger; readonly errors: unknown[][] } {
  const errors: unknown[][] = []
  return { logger: { debug() {}, info() {}, warn() {}, error: (...said: unknown[]) => errors.push(said) }, errors }
}

describe('the collector', () => {
  it('logs that a snapshot could not be used, and collects the next one', async () => {
    const { logger, errors } = recorder()
    const mistake = new Error('a mistake')
    const second = Promise.withResolvers<void>()
    let snapshots = 0
    const collector = startCollector(world().source, { intervalMs: 1, logger }, () => {
      snapshots += 1
      if (snapshots === 1) throw mistake
      second.resolve()
    })
    await second.promise
    await collector.close()
    expect(errors).toEqual([[{ err: mistake }, 'The snapshot could not be used']])
  })

  it.each([
    ['leaves out the group of the end-to-end probe, which never has members', undefined, ['billing']],
    ['unless a pattern asks for it', { include: ['_selfmonitor.*'] }, [probeGroup]],
  ])('%s', async (_, groups, collected) => {
    const it = world()
    const asked: string[][] = []
    const names = ['billing', probeGroup]
    const source: typeof it.source = {
      ...it.source,
      async surveyGroups({ include = () => true } = {}) {
        asked.push(names.filter(include))
        return { groups: [], problems: [], offsets: [] }
      },
    }
    const first = Promise.withResolvers<void>()
    const { logger } = recorder()
    const collector = startCollector(source, { intervalMs: 1, logger, ...(groups && { groups }) }, () =>
      first.resolve(),
    )
    await first.promise
    await collector.close()
    expect(asked[0]).toEqual(collected)
  })

  it('says that a service did not answer in time, whatever its client waits for', async () => {
    const { logger } = recorder()
    const first = Promise.withResolvers<void>()
    const ask = () => new Promise<never>(() => {})
    const collector = startCollector(
      world().source,
      {
        ...{ intervalMs: 1, logger, serviceTimeoutMs: 10 },
        services: { schemaRegistry: { url: 'http://registry:8081', ask } },
      },
      () => first.resolve(),
    )
    await first.promise
    await collector.close()
    expect(collector.snapshot()!.services).toMatchObject({
      value: [{ url: 'http://registry:8081', problem: { code: 'NOT_ANSWERING' } }],
    })
  })
})
