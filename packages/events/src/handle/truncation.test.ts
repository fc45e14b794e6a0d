// A log that loses records which this group has read, because a leader without them took over (KIP-320). Real brokers do this only
// after an unclean leader election; here a scripted cluster does, by Kafka's rules.
import { afterEach, describe, expect, it } from 'vitest'
import { until } from '../../../../test/support/events.ts'
import { scriptedCluster } from '../kafka/test-support/scripted-cluster.ts'
import { resolveOptions } from '../options.ts'
import { createProblems } from '../problems.ts'
import { createStreamMetrics } from '../telemetry/index.ts'
import type { Envelope, EventStreamOptions, Logger } from '../types.ts'
import type { Codec } from '../wire/index.ts'
import { type Consumer, createConsumer } from './consumer.ts'

const envelopeOf = (value: Buffer): Envelope => ({
  event_id: value.toString(),
  event_type: 'a',
  user_id: 'u',
  timestamp: 0,
  data: '{}',
})

describe('a log that was truncated', () => {
  const consumers: Consumer[] = []
  afterEach(async () => {
    for (const consumer of consumers.splice(0)) await consumer.stop()
  })

  function setUp() {
    const cluster = scriptedCluster('t', 1)
    const [log] = cluster.partitions
    const warnings: { readonly message: string; readonly context: object }[] = []
    const logger: Logger = {
      debug() {},
      info() {},
      warn: (context, message) => void warnings.push({ context, message }),
      error() {},
    }
    const append = (...values: readonly string[]): void => {
      for (const value of values) log!.append(value)
    }
    /** A member of the group; the next one begins at what the former committed. */
    async function handle(options: EventStreamOptions = {}) {
      const seen: string[] = []
      const handler = ({ eventId }: { readonly eventId: string }): void => void seen.push(eventId)
      const settings = resolveOptions({ service: 's', commitIntervalMs: 5, ...options }, {})
      const consumer = createConsumer({
        settings,
        handlers: new Map([['t', { kind: 'events', byType: new Map([['*', handler]]) }]]),
        clients: { control: cluster.client, join: cluster.client, fetch: cluster.client },
        codec: { decode: envelopeOf, payloads: { read: () => null } } as unknown as Codec,
        deadLetters: { write: () => Promise.reject(new Error('no event fails here')) },
        logger,
        problems: createProblems(logger),
        tracing: { settings: settings.tracing, clientId: 's', group: 's', clusterId: () => null },
        metrics: createStreamMetrics('s', false),
        random: () => 0,
      })
      consumers.push(consumer)
      await consumer.start()
      return { consumer, seen }
    }
    const committed = (): string => {
      const at = cluster.committed.get(0)
      return at === undefined ? 'nothing' : `${at.offset} of epoch ${at.leaderEpoch}`
    }
    return { log: log!, append, handle, committed, warnings }
  }

  it('is read on where it diverges, also when the new leader has others at the same offsets', async () => {
    const { log, append, handle, committed, warnings } = setUp()
    append('a', 'b', 'c', 'd', 'e')
    const { seen } = await handle()
    await until('the first events', () => committed() === '5 of epoch 0')
    log.elect(3n)
    append('x', 'y', 'z')
    await until('the new events', () => seen.length === 8)
    expect(seen).toEqual(['a', 'b', 'c', 'd', 'e', 'x', 'y', 'z'])
    await until('the commit', () => committed() === '6 of epoch 1')
    expect(warnings).toMatchObject([
      { context: { topic: 't', partition: 0, from: '5', to: '3' }, message: expect.stringContaining('truncated') },
    ])
  })

  it('is noticed by a member that begins at a committed offset', async () => {
    const { log, append, handle, committed } = setUp()
    append('a', 'b', 'c', 'd', 'e')
    const first = await handle()
    await until('the first events', () => committed() === '5 of epoch 0')
    await first.consumer.stop()
    log.elect(2n)
    append('x', 'y', 'z', 'more')
    const { seen } = await handle()
    await until('the new events', () => seen.length === 4)
    expect(seen).toEqual(['x', 'y', 'z', 'more'])
  })

  it('is read from the beginning, as `from` says, when its leader knows nothing of what was read', async () => {
    const { log, append, handle, committed, warnings } = setUp()
    log.leaderEpoch = 4
    log.elect(0n)
    append('a', 'b', 'c')
    const first = await handle()
    await until('the first events', () => committed() === '3 of epoch 5')
    await first.consumer.stop()
    // Restored from elsewhere: other records, and epochs that begin anew.
    log.reset()
    append('w', 'x', 'y', 'z')
    const { seen } = await handle()
    await until('all events', () => seen.length === 4)
    expect(seen).toEqual(['w', 'x', 'y', 'z'])
    expect(warnings).toMatchObject([{ message: expect.stringContaining('beginning at its earliest offset') }])
  })

  it('is not suspected after an election that lost nothing, nor after retention', async () => {
    const { log, append, handle, committed, warnings } = setUp()
    append('a', 'b', 'c')
    const { seen } = await handle()
    await until('the first events', () => committed() === '3 of epoch 0')
    log.elect(log.end())
    append('d')
    await until('the next event', () => committed() === '4 of epoch 1')
    log.deleteBefore(4n)
    append('e')
    await until('the last event', () => committed() === '5 of epoch 1')
    expect(seen).toEqual(['a', 'b', 'c', 'd', 'e'])
    expect(warnings).toEqual([])
  })

  it('is not suspected when retention took what comes after an election before it was read', async () => {
    const { log, append, handle, committed, warnings } = setUp()
    append('a', 'b')
    const first = await handle()
    await until('the first events', () => committed() === '2 of epoch 0')
    await first.consumer.stop()
    append('c')
    log.elect(log.end())
    append('d', 'e')
    log.deleteBefore(4n)
    const { seen } = await handle()
    await until('what is left', () => committed() === '5 of epoch 1')
    expect(seen).toEqual(['e'])
    expect(warnings).toMatchObject([{ message: expect.stringContaining('deleted by retention') }])
  })
})
