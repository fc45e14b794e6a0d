// A Fastify service that is killed, and killed again while it joins its group: every start listens, and the group waits for
// the dead member no longer than its session.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, it } from 'vitest'
import { describeEngines } from '../../../test/support/engines.ts'
import { until, useEvents } from '../../../test/support/events.ts'
import type { EventStreamHealth } from './index.ts'

const script = fileURLToPath(new URL('../../../test/support/event-service.ts', import.meta.url))
const sessionTimeoutMs = 10_000

interface Service {
  readonly url: string
  readonly lines: readonly string[]
  readonly process: ChildProcess
  kill(): Promise<void>
  health(): Promise<EventStreamHealth & { status: number }>
}

describeEngines('a service that is killed', (engine) => {
  const rig = useEvents(engine)
  const running = new Set<Service>()
  afterEach(async () => {
    for (const service of [...running]) await service.kill()
  })

  async function start(topic: string, group: string): Promise<Service> {
    const { registryUrl } = rig
    const options = { topic, service: 'killed', group, bootstrapServers: engine.bootstrapServers, registryUrl }
    const child = spawn(
      process.execPath,
      ['--conditions=source', script, JSON.stringify({ ...options, sessionTimeoutMs })],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    const exited = once(child, 'exit')
    const lines: string[] = []
    createInterface({ input: child.stdout }).on('line', (line) => lines.push(line))
    await until('the service listens', () => lines.length > 0 || child.exitCode !== null)
    if (child.exitCode !== null) throw new Error(`the service ended with ${child.exitCode} while it started`)
    const service: Service = {
      url: lines[0]!,
      lines,
      process: child,
      async kill() {
        running.delete(service)
        child.kill('SIGKILL')
        await exited
      },
      async health() {
        const response = await fetch(`${service.url}/ready`)
        return { ...((await response.json()) as EventStreamHealth), status: response.status }
      },
    }
    running.add(service)
    return service
  }

  const ready = (service: Service) =>
    until('the service is ready', async () => (await service.health()).status === 200, 60_000)

  it('listens at each start, and handles what came meanwhile', {
    timeout: 120_000,
  }, async () => {
    const topic = await rig.topic('user.events', { partitions: 2 })
    const group = rig.unique('killed')
    const members = async () => (await rig.cluster.describeGroups([group]))[0]!.members.length
    const first = await start(topic, group)
    await ready(first)
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
    await ready(last)
    await until('the event', () => last.lines.includes(`handled ${eventId}`), 40_000)
    // Kafka itself waits for those that were killed while they joined, a second session long.
    if (engine.name === 'embedded') expect(await members()).toBe(1)
    expect(await last.health()).toMatchObject({ ready: true, consumer: 'running', problems: [] })
  })
})
