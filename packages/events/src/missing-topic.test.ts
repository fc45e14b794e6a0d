// A topic that is deleted while a service handles it: the service says so, in its log and its health, also after its group has
// rebalanced without the topic, and reads it again when it is there again.
import { expect, it } from 'vitest'
import { describeEngines } from '../../../test/support/engines.ts'
import { until, useEvents } from '../../../test/support/events.ts'

describeEngines('a topic that is gone', (engine) => {
  const rig = useEvents(engine)

  it('is in the log and in health() until it is there again, through a rebalance too', {
    timeout: 90_000,
  }, async () => {
    const topic = await rig.topic('user.events', { partitions: 2 })
    const kept = await rig.topic('user.events', { partitions: 2 })
    const group = rig.unique('group')
    const connect = async () => {
      const stream = await rig.connect({ group })
      const seen: string[] = []
      for (const name of [topic, kept]) stream.on(name, '*', ({ eventId }) => void seen.push(eventId))
      return { stream, seen }
    }
    const first = await connect()
    await first.stream.run()
    const problems = () => first.stream.health().problems
    const code = 'UNKNOWN_TOPIC_OR_PARTITION'
    const isMissing = () => problems().length > 0 && problems().every((one) => one.code === code)
    const warned = () => rig.logs.filter(({ level, context }) => level === 'warn' && context.code === code)

    await rig.cluster.deleteTopics([topic])
    await until('the log says it', () => warned().length > 0)
    expect(warned()[0]!.message).toContain(`events of ${topic} cannot be read`)
    expect(warned()[0]!.message).toContain('create it with `selfmonitor apply`')
    expect(isMissing()).toBe(true)

    // Another member cannot start, but makes the group rebalance: nothing of the topic is assigned any more.
    const { rebalances } = first.stream.stats()
    const other = await rig.connect({ group })
    other.on(kept, '*', ({ eventId }) => void first.seen.push(eventId))
    await other.run()
    await until('the group has rebalanced', () => first.stream.stats().rebalances > rebalances)
    await until('nothing of the topic is assigned', () => first.stream.stats().assignedPartitions <= 1)
    expect(isMissing()).toBe(true)
    expect(warned().length).toBe(1)

    await rig.cluster.createTopics([{ name: topic, partitions: 2, replicationFactor: 1 }])
    const emitter = await rig.connect()
    const { eventId } = await emitter.emit(topic, 'a', {}, { userId: 'u' })
    await until('the event', () => first.seen.includes(eventId), 40_000)
    await until('all is well', () => problems().length === 0)
    expect(rig.logs.some(({ level, message }) => level === 'warn' && message.startsWith('over: '))).toBe(true)
  })
})
