// Groups and topics that are ill, each caused for real and found under its own name; on both engines.
import { diagnoseEvent, gatherEvidence } from '@selfmonitor/monitor'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeEngines } from '../support/engines.ts'
import { until } from '../support/events.ts'
import { type Members, members, write } from './members.ts'
import { type Watch, watch } from './watch.ts'

const minutes = (amount: number): number => amount * 60_000

describeEngines('a diagnosis finds', (engine) => {
  const run = Date.now().toString(36)
  const name = (of: string): string => `${of}-${run}`
  let clients: Members
  let watcher: Watch

  beforeAll(async () => {
    clients = members(engine.bootstrapServers)
    // Apache Kafka is shared with other test files.
    const own = { include: [`.*-${run}`] }
    watcher = await watch(engine.bootstrapServers, { topics: own, groups: own })
  })
  afterAll(async () => {
    await clients?.close()
    const mine = (await watcher.cluster.listTopics()).filter((topic) => topic.name.endsWith(run))
    await watcher.cluster.deleteTopics(mine.map((topic) => topic.name))
    await watcher?.close()
  })

  async function topic(of: string, partitions = 1, config: Readonly<Record<string, string>> = {}): Promise<string> {
    const kept = { 'retention.ms': '-1', ...config }
    await watcher.cluster.createTopics([{ name: name(of), partitions, replicationFactor: 1, config: kept }])
    return name(of)
  }
  const commit = (group: string, of: string, offset: bigint): Promise<void> =>
    watcher.cluster.resetOffsets(group, [{ topic: of, partition: 0, from: null, to: offset, clamped: false }])

  it('a group without members and with messages that wait for it', async () => {
    const of = await topic('empty')
    await write(clients.kafka, of, 5)
    await commit(name('empty-group'), of, 2n)
    const verdict = await watcher.finds('GROUP_EMPTY_WITH_LAG', `group ${name('empty-group')}`)
    expect(verdict.evidence[0]).toMatchObject({ name: 'lag', value: 3n })
  })

  it('a member whose handler hangs, and says which record it is stopped at', async () => {
    const of = await topic('stuck')
    await write(clients.kafka, of, 9, { timestampMs: Date.now() - minutes(30) })
    const group = name('stuck-group')
    await clients.join(group, [of], { handle: ({ offset }, hang) => (offset === '3' ? hang : Promise.resolve()) })
    const verdict = await watcher.finds('GROUP_STUCK', `group ${group}, topic ${of}`)
    expect(verdict).toMatchObject({
      severity: 'warning',
      remedy: { command: `selfmonitor why ${of} 0 3 --group ${group}` },
    })
  })

  it('members that come and go', { timeout: 90_000 }, async () => {
    const of = await topic('flapping', 2)
    const group = name('flapping-group')
    await clients.join(group, [of])
    let found = false
    const flapping = (async () => {
      while (!found) {
        // Long enough for a collection to see it.
        const member = await clients.join(group, [of])
        await watcher.next()
        await member.disconnect()
        await watcher.next()
      }
    })()
    const verdict = await watcher.finds('GROUP_FLAPPING', `group ${group}`).finally(() => {
      found = true
    })
    await flapping
    expect(verdict.evidence[0]!.value).toBeGreaterThanOrEqual(3)
  })

  it('a group that falls behind: it reads more slowly than a producer writes', async () => {
    const of = await topic('slow')
    const group = name('behind-group')
    const own = await watch(engine.bootstrapServers, { topics: { include: [of] }, groups: { include: [group] } })
    let allowed = 1
    const handle = (record: { offset: string }): Promise<void> =>
      until('it may go on', async () => Number(record.offset) < allowed)
    try {
      await write(clients.kafka, of, 1)
      await clients.join(group, [of], { handle })
      const committed = () => own.snapshot().history.groupPartitions.get(`${of} 0 ${group}`)?.points.at(-1)?.committed
      // Five minutes, of which only the collector's clock knows: one message is read in each, and three hundred are written.
      for (; allowed <= 5; allowed++) {
        await until('it has read what it may', async () => committed() === BigInt(allowed))
        expect(own.about('GROUP_FALLING_BEHIND')).toEqual([])
        await write(clients.kafka, of, 300)
        own.passes(minutes(1))
      }
      const verdict = await own.finds('GROUP_FALLING_BEHIND', `group ${group}, topic ${of}`)
      expect(verdict.code).toBe('GROUP_FALLING_BEHIND')
      expect(verdict.message).toMatch(/: its lag grows by \d+ messages a second$/)
      expect(own.about('GROUP_STUCK')).toEqual([])
    } finally {
      allowed = Number.POSITIVE_INFINITY
      await own.close()
    }
  })

  it('that it says how things were, because no one has collected since', async () => {
    const stopped = await watch(engine.bootstrapServers, { topics: { include: [] }, groups: { include: [] } })
    await stopped.stops()
    stopped.passes(minutes(9))
    expect(stopped.about('SNAPSHOT_STALE')).toEqual([])
    stopped.passes(minutes(2))
    const verdict = await stopped.finds('SNAPSHOT_STALE', 'all of the snapshot')
    expect(verdict).toMatchObject({ severity: 'error', message: expect.stringMatching(/cluster 11 min( \d+ s)? ago$/) })
    await stopped.close()
  })

  it('more members than partitions', async () => {
    const of = await topic('crowded')
    const group = name('crowded-group')
    await clients.join(group, [of])
    await clients.join(group, [of])
    const verdict = await watcher.finds('MORE_MEMBERS_THAN_PARTITIONS', `group ${group}`)
    expect(verdict.evidence.map(({ value }) => value).slice(0, 2)).toEqual([2, 1])
  })

  it('messages that are deleted before they are read, and others that soon will be', async () => {
    const lost = await topic('lost')
    await write(clients.kafka, lost, 9)
    await commit(name('late-group'), lost, 2n)
    await watcher.cluster.deleteRecords([{ topic: lost, partition: 0, offset: 6n }])
    const soon = await topic('soon', 1, { 'retention.ms': String(minutes(60)) })
    await write(clients.kafka, soon, 3, { timestampMs: Date.now() - minutes(52) })
    await commit(name('slow-group'), soon, 0n)
    // Nobody reads for either group: that is the reason.
    expect(await watcher.finds('MESSAGES_LOST', `group ${name('late-group')}, topic ${lost}`)).toMatchObject({
      code: 'GROUP_EMPTY_WITH_LAG',
      severity: 'critical',
    })
    expect(await watcher.finds('RETENTION_NEAR', `group ${name('slow-group')}, topic ${soon}`)).toMatchObject({
      code: 'GROUP_EMPTY_WITH_LAG',
    })
  })

  it('a group that started at latest', async () => {
    const of = await topic('latest')
    await write(clients.kafka, of, 2)
    await clients.join(name('latest-group'), [of], { fromBeginning: false })
    await watcher.finds('STARTED_AT_LATEST', `group ${name('latest-group')}, topic ${of}`)
  })

  it('a topic that was created again, and offsets of the old one', async () => {
    const of = await topic('again')
    await write(clients.kafka, of, 9)
    await commit(name('again-group'), of, 9n)
    await watcher.next()
    await watcher.cluster.deleteTopics([of])
    await until('it is gone', async () => !(await watcher.cluster.listTopics()).some((one) => one.name === of))
    await topic('again')
    const recreated = await watcher.finds('TOPIC_RECREATED', `topic ${of}`)
    expect(recreated.evidence[1]!.text).toMatch(/^id .{22} before, .{22} now$/)
    // Kafka deletes the offsets of a deleted topic; what commits them again is a service that never noticed.
    await commit(name('again-group'), of, 9n)
    expect(await watcher.finds('COMMITTED_PAST_END', `group ${name('again-group')}, topic ${of}`)).toMatchObject({
      code: 'TOPIC_RECREATED',
    })
  })

  it('one partition with nearly all messages', async () => {
    const of = await topic('hot', 4)
    for (const partition of [0, 1, 3]) await write(clients.kafka, of, 5, { partition })
    await write(clients.kafka, of, 10_001, { partition: 2 })
    const verdict = await watcher.finds('HOT_PARTITION', `topic ${of}`)
    expect(verdict.message).toContain('partition 2 of')
  })

  it('messages that may be written and are larger than a request may be', async () => {
    const of = await topic('large', 1, { 'max.message.bytes': '200000000' })
    expect(await watcher.finds('OVERSIZED_MESSAGES', `topic ${of}`)).toMatchObject({ severity: 'error' })
  })

  it('which record a reset has skipped, with what was watched', async () => {
    const of = await topic('reset')
    const group = name('reset-group')
    await write(clients.kafka, of, 9)
    await commit(group, of, 1n)
    await watcher.next()
    await commit(group, of, 7n)
    const history = () => watcher.snapshot().history.groupPartitions.get(`${of} 0 ${group}`)
    await until('the reset is seen', () => history()?.lastReset?.to === 7n)
    const watched = { movedAtMs: history()!.movedAtMs, lastReset: history()!.lastReset, rebalancedAtMs: [] }
    const evidence = await gatherEvidence(watcher.cluster, { topic: of, partition: 0, offset: 4n }, group, { watched })
    expect(diagnoseEvent(evidence).map(({ code }) => code)).toEqual(['SKIPPED_BY_RESET', 'CONSUMED'])
  })
})
