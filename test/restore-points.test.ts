// The points of a restore that a person names by an event or an offset, with events of the library, on both engines.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { EmitResult } from '@selfmonitor/events'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { selfmonitor } from '../packages/cli/src/test-io.ts'
import { describeEngines } from './support/engines.ts'
import { until, useEvents } from './support/events.ts'

describeEngines('a restore to just before an event', (engine) => {
  const rig = useEvents(engine)
  let folder: string
  let users: string
  let payments: string
  const emitted: EmitResult[] = []

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'points-'))
    users = await rig.topic('user.events', { partitions: 1 })
    payments = await rig.topic('transaction.events', { partitions: 1 })
    const stream = await rig.connect()
    // Each has a later time than the one before, in turn in both topics.
    for (let at = 0; at < 6; at++) {
      const timestampMs = Date.now()
      emitted.push(await stream.emit(at % 2 === 0 ? users : payments, 'a', { at }, { userId: 'u' }))
      await until('the next millisecond', () => Date.now() > timestampMs)
    }
    // It refers to an earlier one, and is not it.
    await stream.emit(users, 'b', { cause: emitted[3]!.eventId }, { userId: 'u' })
    await stream.close()
    const topics = [users, payments].flatMap((topic) => ['--topic', topic])
    const taken = await run('backup', ...topics)
    expect(taken, taken.stderr).toMatchObject({ code: 0 })
  }, 120_000)
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  const run = (...words: string[]) =>
    selfmonitor(words, {
      env: { KAFKA_BOOTSTRAP_SERVERS: engine.bootstrapServers, SELFMONITOR_BACKUP: folder },
    })

  /** How many records each topic has of the plan. */
  async function planned(...options: string[]) {
    const { code, stdout, stderr } = await run(
      ...['restore', '--target-suffix', '.restored', '--dry-run', '-o', 'json', ...options],
    )
    if (code !== 0) return { code, stderr }
    const plan = JSON.parse(stdout) as { topics: { from: string; records: string; dropped: string; older: string }[] }
    const of = (name: string) => plan.topics.find(({ from }) => from === name)
    const counts = [of(users), of(payments)].map((topic) => [topic?.records, topic?.dropped, topic?.older].map(Number))
    return { stderr, counts }
  }

  it('finds the event by its id, and cuts all topics there', async () => {
    // 0 and 2 are before it in its own topic, 1 in the other.
    const { stderr, counts } = await planned('--before-event', emitted[3]!.eventId)
    expect(counts).toEqual([
      [2, 2, 0],
      [1, 2, 0],
    ])
    expect(stderr).toContain(`Event ${emitted[3]!.eventId} is in ${payments} partition 0 offset 1, `)
    expect(await planned('--before-event', emitted[0]!.eventId)).toMatchObject({
      counts: [
        [0, 4, 0],
        [0, 3, 0],
      ],
    })
  })

  it('finds it also in a topic that is not restored', async () => {
    const { counts } = await planned('--topic', users, '--before-event', emitted[3]!.eventId)
    expect(counts![0]).toEqual([2, 2, 0])
  })

  it('is the same before its offset', async () => {
    const byEvent = await planned('--before-event', emitted[4]!.eventId)
    const byOffset = await planned('--before-offset', `${users}:0:2`)
    expect(byOffset.counts).toEqual(byEvent.counts)
    expect(byOffset.counts).toEqual([
      [2, 2, 0],
      [2, 1, 0],
    ])
  })

  it('restores a window, and verifies it', async () => {
    const whole = await run(
      'restore',
      '--topic',
      users,
      '--target',
      `${users}.window`,
      '--before-event',
      emitted[4]!.eventId,
      '--yes',
    )
    expect(whole).toMatchObject({ code: 0, stdout: expect.stringMatching(/^restored: 2 records in 1 partition/) })
    const [first, second] = await rig.cluster.listOffsets([{ topic: `${users}.window`, partition: 0 }], 'latest')
    expect([first!.offset, second]).toEqual([2n, undefined])
    const third = await recordTime(users, 1n)
    const from = ['--from', new Date(third).toISOString(), '--before-event', emitted[4]!.eventId]
    expect(await planned(...from)).toMatchObject({
      counts: [
        [1, 2, 1],
        [1, 1, 1],
      ],
    })
    const windowed = await run('restore', '--topic', users, '--target', `${users}.late`, ...from, '--yes')
    expect(windowed).toMatchObject({ code: 0, stdout: expect.stringMatching(/^restored: 1 record in 1 partition/) })
  })

  async function recordTime(topic: string, offset: bigint): Promise<number> {
    for await (const event of rig.cluster.read([{ topic, partition: 0, next: offset, end: offset + 1n }])) {
      if (event.kind === 'records' && event.records.length > 0) return event.records[0]!.timestampMs
    }
    throw new Error('the record is not there')
  }

  it('says what the backup does not have', async () => {
    expect(await planned('--before-event', '00000000-0000-4000-8000-000000000000')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('has no event with the id 00000000-0000-4000-8000-000000000000'),
    })
    // A part of an id is not the id.
    expect(await planned('--before-event', emitted[3]!.eventId.slice(0, -1))).toMatchObject({ code: 1 })
    expect(await planned('--before-offset', `${users}:0:99`)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`has no record at offset 99 of topic ${users} partition 0`),
    })
    expect(await planned('--before-offset', users)).toMatchObject({ code: 2 })
    expect(await planned('--before-event', 'a', '--at', '2026-01-01')).toMatchObject({ code: 2 })
  })
})
