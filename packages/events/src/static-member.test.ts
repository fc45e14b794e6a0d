// Static members (KIP-345): a process that is killed and comes back within its session finds its partitions, without a rebalance of
// the others. Of two processes with one instance id the later one stays.
import { expect, it } from 'vitest'
import { describeEngines } from '../../../test/support/engines.ts'
import { useEventProcesses } from '../../../test/support/event-process.ts'
import { until, useEvents } from '../../../test/support/events.ts'

describeEngines('a static member', (engine) => {
  const rig = useEvents(engine)
  const startProcess = useEventProcesses()

  const members = async (group: string) => (await rig.cluster.describeGroups([group]))[0]!.members
  const memberOf = async (group: string, instanceId: string) =>
    (await members(group)).find(({ groupInstanceId }) => groupInstanceId === instanceId)

  async function connect(topic: string, group: string, groupInstanceId: string) {
    const stream = await rig.connect({ group, groupInstanceId })
    const seen: string[] = []
    stream.on(topic, '*', ({ eventId }) => void seen.push(eventId))
    return { stream, seen }
  }

  it('that is killed and restarts at once gets its partitions again, without a rebalance', {
    timeout: 90_000,
  }, async () => {
    const topic = await rig.topic('user.events', { partitions: 4 })
    const group = rig.unique('static')
    const options = {
      service: 'killed',
      group,
      bootstrapServers: engine.bootstrapServers,
      registryUrl: rig.registryUrl,
    }
    const start = () => startProcess(topic, { ...options, groupInstanceId: 'killed-0', sessionTimeoutMs: 30_000 })

    const other = await connect(topic, group, 'other-0')
    await other.stream.run()
    const first = await start()
    await first.ready()
    const shares = () => other.stream.stats().assignedPartitions === 2
    await until(
      'each has its half',
      async () => shares() && (await members(group)).every((one) => one.assignment.length),
    )
    const before = (await memberOf(group, 'killed-0'))!
    const { rebalances } = other.stream.stats()

    await first.kill()
    const again = await start()
    await again.ready()
    const emitter = await rig.connect()
    const users = Array.from({ length: 40 }, (_, i) => `u${i}`)
    const sent = await Promise.all(users.map((userId) => emitter.emit(topic, 'a', {}, { userId })))
    const handledBy = (ids: readonly string[], lines: readonly string[]) => ids.filter((id) => lines.includes(id))
    const ids = sent.map(({ eventId }) => eventId)
    const own = () => again.lines.map((line) => line.replace('handled ', ''))
    await until('every event', () => handledBy(ids, own()).length + handledBy(ids, other.seen).length === ids.length)

    const after = (await memberOf(group, 'killed-0'))!
    expect(after.memberId).not.toBe(before.memberId)
    expect(after.assignment).toEqual(before.assignment)
    expect(await members(group)).toHaveLength(2)
    expect(other.stream.stats()).toMatchObject({ rebalances, assignedPartitions: 2 })
    expect(own().length).toBeGreaterThan(1)
  })

  it('that closes keeps its partitions for as long as its session lasts', async () => {
    const topic = await rig.topic('user.events', { partitions: 2 })
    const group = rig.unique('static')
    const first = await connect(topic, group, 'a')
    await first.stream.run()
    const { assignment } = (await memberOf(group, 'a'))!
    await first.stream.close()
    expect(await memberOf(group, 'a')).toMatchObject({ assignment })
    const again = await connect(topic, group, 'a')
    await again.stream.run()
    expect(await memberOf(group, 'a')).toMatchObject({ assignment })
    const { eventId } = await again.stream.emit(topic, 'a', {}, { userId: 'u' })
    await until('the event', () => again.seen.includes(eventId))
  })

  it('whose instance id another process takes never joins again, and reports that', { timeout: 60_000 }, async () => {
    const topic = await rig.topic('user.events', { partitions: 2 })
    const group = rig.unique('static')
    const first = await connect(topic, group, 'twice')
    await first.stream.run()
    const second = await connect(topic, group, 'twice')
    await second.stream.run()

    await until('the first is fenced', () => first.stream.health().consumer === 'fenced')
    // A commit of the first may have been refused before its heartbeat was; it has nothing to commit any more.
    await until('nothing else is in its way', () => first.stream.health().problems.length === 1)
    expect(first.stream.health()).toMatchObject({
      ready: false,
      problems: [{ resource: `group ${group}`, code: 'FENCED_INSTANCE_ID', fatal: true }],
    })
    const line = rig.logs.find(({ level, message }) => level === 'error' && message.includes('FENCED_INSTANCE_ID'))
    expect(line?.message).toContain('groupInstanceId "twice"')
    expect(first.stream.stats().assignedPartitions).toBe(0)

    // It does not come back: the second keeps its partitions and handles what comes.
    const { memberId } = (await memberOf(group, 'twice'))!
    const { eventId } = await second.stream.emit(topic, 'a', {}, { userId: 'u' })
    await until('the event', () => second.seen.includes(eventId))
    expect(second.stream.health()).toMatchObject({ ready: true, consumer: 'running', problems: [] })
    expect(await members(group)).toMatchObject([{ memberId, groupInstanceId: 'twice' }])
    expect(first.seen).toEqual([])
  })
})
