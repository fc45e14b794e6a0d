// A Fastify service that is killed, and killed again while it joins its group: every start listens, and the group waits for
// the dead member no longer than its session.
import { expect, it } from 'vitest'
import { describeEngines } from '../../../test/support/engines.ts'
import { useEventProcesses } from '../../../test/support/event-process.ts'
import { until, useEvents } from '../../../test/support/events.ts'

const sessionTimeoutMs = 10_000

describeEngines('a service that is killed', (engine) => {
  const rig = useEvents(engine)
  const startProcess = useEventProcesses()
  const start = (topic: string, group: string) => {
    const { registryUrl } = rig
    const { bootstrapServers } = engine
    return startProcess(topic, { service: 'killed', group, bootstrapServers, registryUrl, sessionTimeoutMs })
  }

  it('listens at each start, and handles what came meanwhile', {
    timeout: 120_000,
  }, async () => {
    const topic = await rig.topic('user.events', { partitions: 2 })
    const group = rig.unique('killed')
    const members = async () => (await rig.cluster.describeGroups([group]))[0]!.members.length
    const first = await start(topic, group)
    await first.ready()
    await first.kill()

    for (let crash = 1; crash <= 2; crash++) {
      const again = await start(topic, group)
      // It waits in the group, behind the member that died: killed now, it would be a member that never answers.
      const hasJoined = async () => (await again.health()).consumer === 'running'
      await until('it has asked to join', async () => (await members()) >= 2 || (await hasJoined()))
      await again.kill()
    }
    const last = await start(topic, group)
    const emitter = await rig.connect()
    const { eventId } = await emitter.emit(topic, 'a', {}, { userId: 'u' })
    await last.ready()
    await until('the event', () => last.lines.includes(`handled ${eventId}`), 40_000)
    // Kafka itself waits for those that were killed while they joined, a second session long.
    if (engine.name === 'embedded') expect(await members()).toBe(1)
    expect(await last.health()).toMatchObject({ ready: true, consumer: 'running', problems: [] })
  })
})
