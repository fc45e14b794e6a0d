// The recorder against a broker: a crash in between, an outcome that cannot be written.
import { type Cluster, connectCluster } from '@selfmonitor/cluster'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeEngines } from '../../../../test/support/engines.ts'
import { verifyChain } from '../record/chain.ts'
import type { AuditEnvelope } from '../record/types.ts'
import { readTrail } from './read.ts'
import { createRecorder, outcomeOf, type RecorderOptions } from './recorder.ts'

it('an outcome has the code of the error, and tells what was refused from what failed', () => {
  const coded = (code: string, cause?: unknown) => Object.assign(new Error('no', { cause }), { code })
  expect(outcomeOf(undefined)).toEqual({ status: 'success', code: null, message: null })
  expect(outcomeOf(coded('INVALID_CONFIG'))).toEqual({ status: 'failure', code: 'INVALID_CONFIG', message: 'no' })
  expect(outcomeOf(new Error('outer', { cause: coded('TOPIC_AUTHORIZATION_FAILED') }))).toMatchObject({
    status: 'refused',
    code: 'TOPIC_AUTHORIZATION_FAILED',
  })
  expect(outcomeOf('text')).toEqual({ status: 'failure', code: null, message: 'text' })
})

describeEngines('a recorder', (engine) => {
  const id = `recorder${Date.now().toString(36)}`
  let cluster: Cluster
  beforeAll(() => {
    cluster = connectCluster({ bootstrapServers: engine.bootstrapServers })
  })
  afterAll(async () => {
    const mine = (await cluster.listTopics()).map(({ name }) => name).filter((name) => name.startsWith(id))
    await cluster.deleteTopics(mine)
    await cluster.close()
  })

  const recorderOf = (topic: string, notes: string[] = [], timeoutMs = 15_000, more: Partial<RecorderOptions> = {}) =>
    createRecorder({
      topic,
      connect: async () => cluster,
      encode: async (envelope) => Buffer.from(JSON.stringify(envelope)),
      isRequired: true,
      note: (line) => notes.push(line),
      environment: 'production',
      command: 'selfmonitor test',
      toolVersion: '0',
      connection: {
        bootstrapServers: engine.bootstrapServers,
        clientId: 'test',
        username: 'ann',
        certificate: undefined,
      },
      env: {},
      timeoutMs,
      now: Date.now,
      ...more,
    })
  const trailOf = (topic: string) =>
    readTrail(cluster, topic, { decode: async (value) => JSON.parse(value!.toString()) as AuditEnvelope })
  const entry = { action: 'topics.delete', resources: [{ type: 'topic', name: 'orders' }] }

  it('whose process dies in a change leaves an intention without an outcome', async () => {
    const topic = `${id}.crash`
    await cluster.createTopics([{ name: topic, partitions: 1, replicationFactor: 1 }])
    // The process of this change never comes to its end.
    await new Promise<void>((begun) => {
      void recorderOf(topic).audited(entry, () => {
        begun()
        return new Promise(() => {})
      })
    })
    await recorderOf(topic).audited(entry, async () => {})
    const { records, start } = await trailOf(topic)
    const verdict = verifyChain(records, { start, retentionMs: null, nowMs: Date.now() })
    expect(verdict).toMatchObject({ records: 3, breaks: [], unfinished: [{ offset: 0n }] })
  })

  it('that can no longer write the outcome says that the change was made', async () => {
    const topic = `${id}.gone`
    await cluster.createTopics([{ name: topic, partitions: 1, replicationFactor: 1 }])
    const recorder = recorderOf(topic, [], 3_000)
    const made = recorder.audited(entry, () => cluster.deleteTopics([topic]))
    await expect(made).rejects.toMatchObject({
      code: 'AUDIT_INCOMPLETE',
      message: expect.stringMatching(/^The change was made\./),
    })
  })

  it('gives a record up that takes too long, and uses neither its number nor its place again', async () => {
    const topic = `${id}.late`
    await cluster.createTopics([{ name: topic, partitions: 1, replicationFactor: 1 }])
    let appends = 0
    const held = Promise.withResolvers<void>()
    /** The append of the second record is answered after its time is over, and reaches the log. */
    const slow: Cluster = {
      ...cluster,
      appendBatches: async () => {
        const appender = await cluster.appendBatches()
        return {
          close: () => appender.close(),
          append: async (...of) => {
            const offset = await appender.append(...of)
            if (++appends === 2) await held.promise
            return offset
          },
        }
      },
    }
    const notes: string[] = []
    const recorder = recorderOf(topic, notes, 3_000, { connect: async () => slow, isRequired: false })
    const first = recorder.audited(entry, async () => {})
    await expect.poll(() => notes).toEqual([expect.stringContaining('did not answer within 3 s')])
    held.resolve()
    await first
    await recorder.audited(entry, async () => {})
    await recorder.end()
    const { records, start } = await trailOf(topic)
    const chains = records.map((placed) => ('record' in placed ? placed.record!.data.chain : undefined)!)
    expect(chains.map(({ sequence }) => sequence)).toEqual([0, 1, 2, 3])
    expect(chains.map(({ previous }) => previous?.offset)).toEqual([undefined, 0, 0, 2])
    expect(verifyChain(records, { start, retentionMs: null, nowMs: Date.now() }).breaks).toEqual([])
  })

  it('keeps the change’s own error when the outcome cannot be written either', async () => {
    const topic = `${id}.both`
    const notes: string[] = []
    await cluster.createTopics([{ name: topic, partitions: 1, replicationFactor: 1 }])
    const failed = recorderOf(topic, notes, 3_000).audited(entry, async () => {
      await cluster.deleteTopics([topic])
      throw new Error('its own')
    })
    await expect(failed).rejects.toThrow('its own')
    expect(notes).toEqual([expect.stringContaining('outcome could not be recorded')])
  })
})
