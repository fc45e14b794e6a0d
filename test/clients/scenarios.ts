// The scenarios that every client must support, on both engines. A client is a small program in its own language that plays a scenario as
// its users would and prints what it saw; here is what it should have seen.
import { randomBytes } from 'node:crypto'
import { expect, it } from 'vitest'
import { openRawClient } from '../../packages/protocol/testing/raw-client.ts'
import type { EngineUnderTest } from '../support/engines.ts'

export type Scenario = 'metadata' | 'idempotent' | 'group' | 'times' | 'admin'

/**
 * Plays a scenario.
 * @param prefix the name of the topic, or the beginning of the names of all; the client creates them
 * @param codec of `idempotent`
 * @returns what the client prints under `saw`
 */
export type Play = (scenario: Scenario, bootstrapServers: string, prefix: string, codec?: string) => Promise<unknown>

/** Kafka's compression codecs by their number in a batch's attributes. */
const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
export type Codec = (typeof codecs)[number]

const unique = (name: string) => `${name}-${randomBytes(4).toString('hex')}`

/** Declares the scenarios as tests of the suite that is being declared. `without`: what this client does not have at all. */
export function itPlays(
  engine: EngineUnderTest,
  name: string,
  play: Play,
  { without = [] }: { readonly without?: readonly (Codec | 'admin')[] } = {},
): void {
  const timeout = 120_000

  it('lists all topics', { timeout }, async () => {
    const prefix = unique(`${name}-metadata`)
    const saw = await play('metadata', engine.bootstrapServers, prefix)
    expect(saw).toEqual({ [`${prefix}-a`]: 2, [`${prefix}-b`]: 1 })
  })

  it.each(codecs.filter((codec) => !without.includes(codec)))(
    'produces idempotently with %s compression and reads it back in order',
    { timeout },
    async (codec) => {
      const topic = unique(`${name}-${codec}`)
      const saw = await play('idempotent', engine.bootstrapServers, topic, codec)
      expect(saw).toEqual({ count: 300, ordered: true, headers: true })
      expect(await codecsInLog(engine.bootstrapServers, topic, 3)).toEqual([codec])
    },
  )

  it('shares a topic between two members of a group, and gives all of it to the one that stays', {
    timeout,
  }, async () => {
    const saw = await play('group', engine.bootstrapServers, unique(`${name}-group`))
    expect(saw).toEqual({ shared: [0, 1, 2, 3] })
  })

  it('finds the offsets of times', { timeout }, async () => {
    const saw = await play('times', engine.bootstrapServers, unique(`${name}-times`))
    // Records are dated 1000, 2000 and 3000; asked for 0, 1500, 3000, and 9000, for which there is none.
    expect(saw).toEqual({ offsets: [0, 1, 2, -1], low: 0, high: 3 })
  })

  if (without.includes('admin')) return
  it('creates, changes, describes and deletes topics and groups', { timeout }, async () => {
    const saw = await play('admin', engine.bootstrapServers, unique(`${name}-admin`))
    expect(saw).toEqual({
      refused: 'TOPIC_ALREADY_EXISTS',
      retention: ['5000', '6000'],
      listed: true,
      state: 'EMPTY',
      committed: { 0: 1 },
      brokers: 1,
    })
  })
}

/** Which codecs the first batches of a topic's partitions really have: a client that ignores its setting would pass otherwise. */
async function codecsInLog(bootstrapServers: string, topic: string, partitions: number): Promise<readonly Codec[]> {
  const attributesAt = 21
  const client = await openRawClient(bootstrapServers.split(',')[0]!)
  try {
    const wanted = Array.from({ length: partitions }, (_, partition) => ({
      partition,
      fetchOffset: 0n,
      partitionMaxBytes: 1_000_000,
    }))
    const answer = await client.call('Fetch', 11, {
      maxWaitMs: 0,
      minBytes: 0,
      topics: [{ topic, partitions: wanted }],
    })
    const found = answer.responses.flatMap((response) =>
      response.partitions.flatMap(({ records }) =>
        records === null || records.length === 0 ? [] : [codecs[records.readInt16BE(attributesAt) & 7]!],
      ),
    )
    return [...new Set(found)]
  } finally {
    client.close()
  }
}

/** The last line of a program's output, which is JSON with what it saw. */
export function sawOf(output: string): unknown {
  return (JSON.parse(output.trimEnd().split('\n').at(-1)!) as { saw: unknown }).saw
}
