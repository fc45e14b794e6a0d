// Dead letters are sent again once each: over runs that are cut off anywhere, and runs at the same time.
import {
  type BatchAppender,
  type Cluster,
  ClusterError,
  connectCluster,
  type ReadRecord,
  type TopicInfo,
} from '@selfmonitor/cluster'
import { encodeBatch } from '@selfmonitor/protocol/records'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeEngines } from '../../../../test/support/engines.ts'
import { deadLetterHeaders, replayHeaders } from '../dead-letters/index.ts'
import { discardLetters } from './discard.ts'
import {
  journalTopic,
  letterRanges,
  openJournal,
  type Replayed,
  readLetters,
  replayLetters,
  stepCounts,
} from './index.ts'

class Killed extends Error {}

describeEngines('dead letters', (engine) => {
  const id = `replay${Date.now().toString(36)}`
  let cluster: Cluster
  beforeAll(() => {
    cluster = connectCluster({ bootstrapServers: engine.bootstrapServers })
  })
  afterAll(async () => {
    const mine = (await cluster.listTopics()).filter(({ name }) => name.includes(id))
    await cluster.deleteTopics(mine.map(({ name }) => name))
    await cluster.close()
  })

  /** A topic and its dead letters, the nth of which is of offset n of a partition of the topic. */
  async function prepare(name: string, count: number, partitions = 2): Promise<{ topic: string; dlq: TopicInfo }> {
    const topic = `${id}.${name}`
    const config = { 'retention.ms': '-1' }
    await cluster.createTopics([
      { name: topic, partitions, replicationFactor: 1, config },
      { name: `${topic}.dlq`, partitions, replicationFactor: 1, config },
    ])
    const appender = await cluster.appendBatches()
    const identity = await cluster.initProducer()
    const text = (value: string | number): Buffer => Buffer.from(String(value))
    for (let partition = 0; partition < partitions; partition++) {
      const records = Array.from({ length: count }, (_, n) => ({
        key: text(`k${n}`),
        value: text(`${partition}/${n}`),
        timestamp: BigInt(Date.now()),
        headers: [
          { key: 'trace', value: text(n) },
          { key: 'trace', value: null },
          { key: deadLetterHeaders.topic, value: text(topic) },
          { key: deadLetterHeaders.partition, value: text(partition) },
          { key: deadLetterHeaders.offset, value: text(n) },
          { key: deadLetterHeaders.timestamp, value: text(1_700_000_000_000 + n) },
          { key: deadLetterHeaders.errorClass, value: text('RangeError') },
          { key: deadLetterHeaders.errorMessage, value: text(`no owner of card ${n}`) },
        ],
      }))
      await appender.append(`${topic}.dlq`, partition, encodeBatch(records, { ...identity, baseSequence: 0 }))
    }
    await appender.close()
    const [dlq] = await cluster.describeTopics([`${topic}.dlq`])
    return { topic, dlq: dlq! }
  }

  async function replay(dlq: TopicInfo, more: object = {}, through: Cluster = cluster): Promise<Replayed> {
    const journal = await openJournal(through, 'write')
    try {
      return await replayLetters(
        {
          cluster: through,
          journal,
          from: dlq,
          to: null,
          by: 'ada',
          rate: null,
          again: false,
          timestamps: 'original',
          uncertain: 'fail',
          ...more,
        },
        readLetters(through, await letterRanges(through, dlq)),
      )
    } finally {
      await journal.close()
    }
  }

  async function recordsOf(topic: string): Promise<ReadRecord[]> {
    const [info] = await cluster.describeTopics([topic])
    const records: ReadRecord[] = []
    for await (const event of cluster.read(await letterRanges(cluster, info!))) {
      if (event.kind === 'records') records.push(...event.records)
    }
    return records
  }
  const valuesOf = async (topic: string): Promise<string[]> =>
    (await recordsOf(topic)).map(({ value }) => value!.toString()).sort()
  const valuesFor = (count: number, partitions = 2): string[] =>
    Array.from({ length: partitions }, (_, partition) => Array.from({ length: count }, (__, n) => `${partition}/${n}`))
      .flat()
      .sort()

  it('go back to their topic, partition and time, with their own headers and a trace', async () => {
    const { topic, dlq } = await prepare('plain', 3)
    expect(await replay(dlq)).toEqual({ sent: 6, settled: { found: 0, sent: 0 }, skipped: 0 })
    const records = await recordsOf(topic)
    const record = records.find(({ partition, offset }) => partition === 1 && offset === 2n)!
    expect(record.value!.toString()).toBe('1/2')
    expect(record.key!.toString()).toBe('k2')
    expect(record.timestampMs).toBe(1_700_000_000_002)
    expect(record.headers.map(({ key, value }) => [key, value?.toString() ?? null])).toEqual([
      ['trace', '2'],
      ['trace', null],
      ['dlq.replayed.from', `${topic}.dlq/1/2`],
      ['dlq.replayed.batch', expect.any(String)],
      ['dlq.replayed.at', expect.stringMatching(/^\d{4}-/)],
      ['dlq.replayed.by', 'ada'],
      ['dlq.replayed.times', '1'],
    ])
    expect(await replay(dlq)).toMatchObject({ sent: 0, skipped: 6 })
    expect(await replay(dlq, { again: true, to: `${topic}.dlq.copy` }).catch((error) => error)).toMatchObject({
      code: 'UNKNOWN_TOPIC',
    })
    expect(await replay(dlq, { again: true, timestamps: 'now' })).toMatchObject({ sent: 6, skipped: 0 })
    const again = (await recordsOf(topic)).find(({ partition, offset }) => partition === 1 && offset === 5n)!
    expect(again.headers.at(-1)!.value!.toString()).toBe('2')
    expect(again.timestampMs).toBeGreaterThan(1_700_000_000_002)
  })

  it('are sent at a rate', async () => {
    const { topic, dlq } = await prepare('rate', 5)
    const progress: number[] = []
    const startedAt = performance.now()
    await replay(dlq, { rate: 50, onProgress: ({ sent }: { sent: number }) => progress.push(sent) })
    // Not a limit for the machine: ten letters cannot take less than a fifth of a second.
    expect(performance.now() - startedAt).toBeGreaterThan(150)
    expect(await valuesOf(topic)).toEqual(valuesFor(5))
  })

  it('that are discarded are not sent', async () => {
    const { topic, dlq } = await prepare('discard', 2)
    const journal = await openJournal(cluster, 'write')
    const some = async function* () {
      for await (const letters of readLetters(cluster, await letterRanges(cluster, dlq)))
        yield letters.filter(({ record }) => record.partition === 0)
    }
    const of = { journal, from: dlq, by: 'ada', reason: 'test data' }
    expect(await discardLetters(of, some())).toEqual({ discarded: 2, skipped: 0 })
    expect(await discardLetters(of, some())).toEqual({ discarded: 0, skipped: 2 })
    await journal.close()
    expect(await replay(dlq)).toMatchObject({ sent: 2, skipped: 2 })
    expect(await valuesOf(topic)).toEqual(['1/0', '1/1'])
  })

  /** The cluster of a process that is killed at its nth append: before it, or after the broker has it. */
  function mortal(dies: { readonly at: number; readonly after: boolean }): Cluster {
    let appends = 0
    let isDead = false
    return {
      ...cluster,
      appendBatches: async (): Promise<BatchAppender> => {
        const appender = await cluster.appendBatches()
        return {
          close: () => appender.close(),
          append: async (topic, partition, batch) => {
            const isLast = ++appends >= dies.at
            if (isDead || (isLast && !dies.after)) {
              isDead = true
              throw new Killed()
            }
            const offset = await appender.append(topic, partition, batch)
            if (isLast) {
              isDead = true
              throw new Killed()
            }
            return offset
          },
        }
      },
    }
  }

  it.each([
    ['before its claim', { at: 1, after: false }, { found: 0, sent: 0 }],
    ['after its claim', { at: 1, after: true }, { found: 0, sent: 3 }],
    ['before a batch is sent', { at: 2, after: false }, { found: 0, sent: 3 }],
    ['after a batch is sent', { at: 2, after: true }, { found: 3, sent: 0 }],
    ['after the outcome is written', { at: 3, after: true }, { found: 0, sent: 0 }],
  ])('of a run that is killed %s are sent once by the next', async (where, dies, settled) => {
    const { topic, dlq } = await prepare(`killed.${where.replaceAll(' ', '-')}`, 3)
    await expect(replay(dlq, {}, mortal(dies))).rejects.toThrow(Killed)
    expect(await replay(dlq)).toMatchObject({ settled })
    expect(await valuesOf(topic)).toEqual(valuesFor(3))
  })

  const small = { lettersPerBatch: 4 }

  it('are sent once each when every run is killed somewhere', async () => {
    const { topic, dlq } = await prepare('often', 40)
    for (let run = 0; run < 40; run++) {
      const finished = await replay(dlq, small, mortal({ at: 1 + (run % 7), after: run % 2 === 0 })).then(
        () => true,
        (error) => {
          if (!(error instanceof Killed)) throw error
          return false
        },
      )
      if (finished) break
    }
    await replay(dlq)
    expect(await valuesOf(topic)).toEqual(valuesFor(40))
  })

  it('are sent once each by several runs at the same time', async () => {
    const { topic, dlq } = await prepare('together', 30)
    const results = await Promise.all(
      Array.from({ length: 4 }, () => {
        const own = connectCluster({ bootstrapServers: engine.bootstrapServers })
        return replay(dlq, small, own).finally(() => own.close())
      }),
    )
    expect(await valuesOf(topic)).toEqual(valuesFor(30))
    expect(results.reduce((sum, { sent }) => sum + sent, 0)).toBeLessThanOrEqual(60)
    const journal = await openJournal(cluster, 'read')
    expect(stepCounts(journal.state, dlq.id)).toEqual({ sending: 0, replayed: 60, discarded: 0 })
  })

  it('that the topic does not take are named, and not counted as sent', async () => {
    const { topic, dlq } = await prepare('large', 1, 1)
    await cluster.alterTopicConfigs([{ topic, set: { 'max.message.bytes': '100' } }])
    await expect(replay(dlq)).rejects.toMatchObject({
      code: 'REPLAY_REFUSED',
      message: expect.stringContaining(`${topic}.dlq/0/0 cannot be sent to ${topic}`),
    })
    await cluster.alterTopicConfigs([{ topic, set: { 'max.message.bytes': null } }])
    expect(await replay(dlq)).toMatchObject({ sent: 1, settled: { found: 0, sent: 0 } })
  })

  /** The cluster of an account that may not write to a topic. */
  function refusing(topic: string, { isUnwritten = true, mayRead = true, arrives = false } = {}): Cluster {
    const refusal = new ClusterError('TOPIC_AUTHORIZATION_FAILED', `topic ${topic}: no`, {
      reason: 'not-allowed',
      isUnwritten,
    })
    return {
      ...cluster,
      listOffsets: async (places, ...more) => {
        if (!mayRead && more[0] === 'earliest' && places.some((one) => one.topic === topic)) throw refusal
        return await cluster.listOffsets(places, ...more)
      },
      appendBatches: async () => {
        const appender = await cluster.appendBatches()
        return {
          close: () => appender.close(),
          append: async (to, ...more) => {
            if (to !== topic) return await appender.append(to, ...more)
            if (arrives) await appender.append(to, ...more)
            throw refusal
          },
        }
      },
    }
  }
  const notAllowed = { code: 'REPLAY_NOT_ALLOWED', message: expect.stringContaining('cannot be sent to') }

  it('that the account may not write stay open, to be sent elsewhere', async () => {
    for (const of of [{ mayRead: false }, { isUnwritten: false }]) {
      const { topic, dlq } = await prepare(`denied-${Object.keys(of)}`, 2, 1)
      const other = `${topic}.other`
      await cluster.createTopics([{ name: other, partitions: 1, replicationFactor: 1 }])
      await expect(replay(dlq, {}, refusing(topic, of))).rejects.toMatchObject(notAllowed)
      expect(await replay(dlq, { to: other, timestamps: 'now' }, refusing(topic, of))).toMatchObject({ sent: 2 })
      expect([await valuesOf(topic), await valuesOf(other)]).toEqual([[], valuesFor(2, 1)])
    }
  })

  it('that arrived before the right went are not sent again', async () => {
    const { topic, dlq } = await prepare('revoked', 2, 1)
    await replay(dlq, {}, refusing(topic, { isUnwritten: false, arrives: true }))
    expect(await replay(dlq)).toMatchObject({ sent: 0, skipped: 2 })
    expect(await valuesOf(topic)).toEqual(valuesFor(2, 1))
  })

  it('of an interrupted run go where the next one sends them, when it may not write to their topic', async () => {
    const { topic, dlq } = await prepare('moved', 2, 1)
    const other = `${topic}.other`
    await cluster.createTopics([{ name: other, partitions: 1, replicationFactor: 1 }])
    await expect(replay(dlq, {}, mortal({ at: 2, after: false }))).rejects.toThrow(Killed)
    expect(await replay(dlq, { to: other, timestamps: 'now' }, refusing(topic))).toMatchObject({ sent: 2 })
    expect([await valuesOf(topic), await valuesOf(other)]).toEqual([[], valuesFor(2, 1)])
  })

  it('of an interrupted run that cannot be looked for hold up no others', async () => {
    const { topic, dlq } = await prepare('unsettled', 3, 2)
    const other = `${topic}.other`
    await cluster.createTopics([{ name: other, partitions: 1, replicationFactor: 1 }])
    await expect(replay(dlq, {}, mortal({ at: 2, after: false }))).rejects.toThrow(Killed)
    const blind = refusing(topic, { mayRead: false })
    await expect(replay(dlq, { to: other, timestamps: 'now' }, blind)).rejects.toMatchObject({
      code: 'REPLAY_UNSETTLED',
      message: expect.stringMatching(/left as they are \(3\).*Others were sent \(3\)/),
    })
    expect(await valuesOf(other)).toHaveLength(3)
    expect(await replay(dlq)).toMatchObject({ settled: { found: 0, sent: 3 }, skipped: 6 })
    expect([...(await valuesOf(topic)), ...(await valuesOf(other))].sort()).toEqual(valuesFor(3))
  })

  it('of an interrupted run to a topic that the account may not describe are left as they are', async () => {
    const { topic, dlq } = await prepare('hidden', 2, 1)
    const other = `${topic}.other`
    await cluster.createTopics([{ name: other, partitions: 1, replicationFactor: 1 }])
    await expect(replay(dlq, {}, mortal({ at: 2, after: true }))).rejects.toThrow(Killed)
    const blind: Cluster = {
      ...cluster,
      listTopics: async (...of) => (await cluster.listTopics(...of)).filter(({ name }) => name !== topic),
      describeTopics: async () => {
        throw new ClusterError('TOPIC_AUTHORIZATION_FAILED', `topic ${topic}: no`, { reason: 'not-allowed' })
      },
    }
    await expect(replay(dlq, { to: other, timestamps: 'now' }, blind)).rejects.toMatchObject({
      code: 'REPLAY_UNSETTLED',
    })
    expect(await replay(dlq)).toMatchObject({ settled: { found: 2, sent: 0 }, sent: 0 })
    expect([await valuesOf(topic), await valuesOf(other)]).toEqual([valuesFor(2, 1), []])
  })

  it('that were to be sent once more, and were half sent, are continued from the time at which that began', async () => {
    const { topic, dlq } = await prepare('continued', 8, 1)
    expect(await replay(dlq, small)).toMatchObject({ sent: 8 })
    const last = (await recordsOf(topic)).at(-1)!
    const at = Date.parse(last.headers.find(({ key }) => key === replayHeaders.at)!.value!.toString())
    // The clock may stand still between two runs.
    await expect.poll(() => Date.now()).toBeGreaterThan(at)
    const againBeforeMs = Date.now()
    const again = { ...small, again: true }
    await expect(replay(dlq, again, mortal({ at: 4, after: true }))).rejects.toThrow(Killed)
    expect(await valuesOf(topic)).toHaveLength(12)
    await replay(dlq, { ...again, againBeforeMs })
    expect(await valuesOf(topic)).toEqual([...valuesFor(8, 1), ...valuesFor(8, 1)].sort())
  })

  it('of which it cannot be told whether they were sent stop the next run, until it is told what to do', async () => {
    for (const uncertain of ['resend', 'assume-sent']) {
      const { topic, dlq } = await prepare(uncertain, 1, 1)
      // A run of yesterday, whose batch is not in the target; and the target has lost records since.
      await cluster.alterTopicConfigs([{ topic, set: { 'cleanup.policy': 'delete' } }])
      const writer = await openJournal(cluster, 'write')
      const identity = await cluster.initProducer()
      const [target] = await cluster.describeTopics([topic])
      const claim = {
        step: 'sending',
        topic: dlq.name,
        topicId: dlq.id,
        letters: [{ partition: 0, offset: '0', round: 1 }],
        at: new Date(Date.now() - 86_400_000).toISOString(),
        by: 'grace',
        to: { topic, topicId: target!.id, partition: 0 },
        producerId: String(identity.producerId),
        producerEpoch: identity.producerEpoch,
        sequence: 0,
        searchFrom: '0',
        timestamps: 'original',
      } as const
      // Other test files write to the journal too.
      while (!(await writer.claim(`old-${topic}`, claim)));
      await writer.close()
      const appender = await cluster.appendBatches()
      const other = await cluster.initProducer()
      await appender.append(
        topic,
        0,
        encodeBatch([{ value: Buffer.from('x'), timestamp: 1n }], { ...other, baseSequence: 0 }),
      )
      await appender.close()
      await cluster.deleteRecords([{ topic, partition: 0, offset: 1n }])
      await expect(replay(dlq)).rejects.toMatchObject({
        code: 'REPLAY_UNCERTAIN',
        message: expect.stringContaining(`${dlq.name}/0/0`),
      })
      const settled = uncertain === 'resend' ? { found: 0, sent: 1 } : { found: 1, sent: 0 }
      expect(await replay(dlq, { uncertain })).toMatchObject({ sent: 0, settled })
      expect(await valuesOf(topic)).toEqual(uncertain === 'resend' ? ['0/0'] : [])
    }
  })

  it('have a journal that is compacted', async () => {
    const configs = await cluster.topicConfigs([journalTopic])
    expect(configs.get(journalTopic)!.find(({ name }) => name === 'cleanup.policy')!.value).toBe('compact')
  })
})
