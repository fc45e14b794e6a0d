// The producer against a broker that checks sequences as Kafka does and fails in every way that Kafka can.
import { gzipSync } from 'node:zlib'
import type { ResponseInput } from '@selfmonitor/protocol/api'
import { errorCodes, type KafkaErrorName } from '@selfmonitor/protocol/errors'
import { decodeRecords, noHeaders, readBatchHeader } from '@selfmonitor/protocol/records'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { EmitError } from '../errors.ts'
import type { KafkaClient } from './client.ts'
import type { Compressor } from './compression.ts'
import { createProducer, type Producer } from './producer.ts'
import type { Receipt, RecordToSend } from './record-to-send.ts'
import { fakeConnection } from './test-support/fake-connection.ts'

type Fault =
  | 'refused connection'
  | 'no producer id'
  | 'lost request'
  | 'lost answer'
  | 'NOT_LEADER_OR_FOLLOWER'
  | 'NOT_ENOUGH_REPLICAS'
  | 'NOT_ENOUGH_REPLICAS_AFTER_APPEND'
  | 'forgotten producer'

const faults: readonly Fault[] = [
  'refused connection',
  'no producer id',
  'lost request',
  'lost answer',
  'NOT_LEADER_OR_FOLLOWER',
  'NOT_ENOUGH_REPLICAS',
  'NOT_ENOUGH_REPLICAS_AFTER_APPEND',
  'forgotten producer',
]

type Answer = NonNullable<NonNullable<ResponseInput<'Produce'>['responses']>[number]['partitionResponses']>[number]

interface FakeBroker {
  readonly client: KafkaClient
  /** The records of each partition, in order. */
  readonly logs: readonly string[][]
  /** Sequence errors that were not asked for. */
  readonly unexpected: string[]
  identities: number
}

/** One broker, one topic; `next` says what goes wrong with the next request, per partition. */
function fakeBroker(partitions: number, next: () => Fault | null): FakeBroker {
  const logs: string[][] = Array.from({ length: partitions }, () => [])
  /** By partition, then by producer: the sequence that comes next, and the offset of the last batch. */
  const producers: Map<bigint, { next: number; last: number; offset: number }>[] = logs.map(() => new Map())
  const broker = { logs, unexpected: [] as string[], identities: 0 }

  function append(partition: number, records: Buffer, fault: Fault | null): Answer {
    const result = (error: KafkaErrorName, offset: number): Answer => ({
      index: partition,
      errorCode: errorCodes[error],
      baseOffset: BigInt(offset),
    })
    const { producerId, baseSequence, recordsCount } = readBatchHeader(records)
    const known = producers[partition]!
    const state = known.get(producerId)
    // Kafka forgets producers that have long been silent (producer.id.expiration.ms), never one that it has just heard of.
    if (fault === 'forgotten producer' && state !== undefined && baseSequence === state.next) {
      known.delete(producerId)
      return result('UNKNOWN_PRODUCER_ID', -1)
    }
    if (fault === 'NOT_LEADER_OR_FOLLOWER' || fault === 'NOT_ENOUGH_REPLICAS') return result(fault, -1)
    if (state !== undefined && baseSequence === state.last) return result('NONE', state.offset)
    if (baseSequence !== (state?.next ?? 0)) {
      broker.unexpected.push(`${partition}: sequence ${baseSequence} after ${state?.next}`)
      return result('OUT_OF_ORDER_SEQUENCE_NUMBER', -1)
    }
    const offset = logs[partition]!.length
    logs[partition]!.push(...[...decodeRecords(records)].map(({ value }) => value!.toString()))
    known.set(producerId, { next: baseSequence + recordsCount, last: baseSequence, offset })
    return result(
      fault === 'NOT_ENOUGH_REPLICAS_AFTER_APPEND' ? fault : 'NONE',
      fault === 'NOT_ENOUGH_REPLICAS_AFTER_APPEND' ? -1 : offset,
    )
  }

  const connection = fakeConnection('Produce', (request) => {
    const answers: Answer[] = []
    let broken = false
    for (const { index, records } of request.topicData[0]!.partitionData) {
      const fault = next()
      // A connection takes the rest of the request with it.
      if (broken || fault === 'lost request') {
        broken = true
        continue
      }
      answers.push(append(index, records!, fault))
      if (fault === 'lost answer') broken = true
    }
    if (broken) throw new Error('Connection closed')
    return { responses: [{ name: 't', partitionResponses: answers }] }
  })

  const client: KafkaClient = {
    metadata: async () =>
      new Map([
        [
          't',
          {
            name: 't',
            id: 't',
            error: null,
            partitions: logs.map(() => ({ leader: 1, leaderEpoch: 0, replicas: [1] })),
          },
        ],
      ]),
    call: async <Response>() => {
      if (next() === 'no producer id') throw new Error('ECONNREFUSED')
      return { producerId: BigInt(++broker.identities), producerEpoch: 0 } as Response
    },
    connection: async () => {
      if (next() === 'refused connection') throw new Error('ECONNREFUSED')
      return connection
    },
    version: async () => 11,
    offers: async () => false,
    clusterId: () => null,
    server: () => null,
    isReachable: () => true,
    close: async () => {},
  }
  return Object.assign(broker, { client })
}

const logger = { debug() {}, info() {}, warn() {}, error() {} }

interface Sent {
  readonly partition: number
  readonly value: string
  outcome: { offset: bigint } | { error: EmitError } | null
}

function send(producer: Producer, partition: number, value: string): Sent {
  const sent: Sent = { partition, value, outcome: null }
  producer.append(
    record(partition, Buffer.from(value), {
      acknowledged: (_, offset) => {
        sent.outcome = { offset }
      },
      failed: (error) => {
        sent.outcome = { error: error as EmitError }
      },
    }),
  )
  return sent
}

function record(partition: number, value: Buffer, receipt: Receipt): RecordToSend {
  const noKey = { key: Buffer.alloc(0), keyLength: -1 }
  return {
    topic: 't',
    partition,
    ...noKey,
    value,
    valueLength: value.length,
    headers: noHeaders,
    timestampMs: 1,
    receipt,
  }
}

describe('the producer', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'clearImmediate', 'Date'] })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  /** Compresses without leaving the turn of the event loop, so that the clock of the test is enough. */
  const gzipInTurn: Compressor = { type: 'gzip', code: 1, compress: async (records) => gzipSync(records) }

  const start = async (
    broker: FakeBroker,
    deliveryTimeoutMs = 600_000,
    compressor: Compressor | null = null,
  ): Promise<Producer> => {
    const producer = createProducer({
      client: broker.client,
      logger,
      deliveryTimeoutMs,
      maxWaitingBytes: 1e9,
      compressor,
      onRoom() {},
    })
    await producer.load('t')
    return producer
  }

  it.each([
    ['as they are', null],
    ['compressed', gzipInTurn],
  ])('writes every record once and in order, %s, whatever goes wrong', async (_, compressor) => {
    const steps = fc.array(fc.tuple(fc.nat(2), fc.nat(20)), { minLength: 1, maxLength: 40 })
    const script = fc.array(fc.option(fc.constantFrom(...faults), { freq: 3 }), { maxLength: 60 })
    await fc.assert(
      fc.asyncProperty(steps, script, async (list, failures) => {
        const remaining = [...failures]
        const broker = fakeBroker(3, () => remaining.shift() ?? null)
        const producer = await start(broker, 600_000, compressor)
        const sent: Sent[] = []
        for (const [partition, waitMs] of list) {
          sent.push(send(producer, partition, `${sent.length}`), send(producer, partition, `${sent.length + 1}`))
          await vi.advanceTimersByTimeAsync(waitMs * 10)
        }
        const flushed = producer.flush()
        await vi.advanceTimersByTimeAsync(300_000)
        await flushed
        producer.close()

        expect(broker.unexpected).toEqual([])
        for (const partition of [0, 1, 2]) {
          const wanted = sent.filter((one) => one.partition === partition)
          expect(broker.logs[partition]).toEqual(wanted.map(({ value }) => value))
          expect(wanted.map(({ outcome }) => outcome)).toEqual(wanted.map((_, i) => ({ offset: BigInt(i) })))
        }
        expect(producer.stats()).toMatchObject({ waiting: 0, waitingBytes: 0 })
      }),
      { numRuns: 300 },
    )
  })

  it('reports after the delivery timeout that a record may be in the log, and continues with a new producer id', async () => {
    let fault: Fault | null = null
    const broker = fakeBroker(1, () => fault)
    const producer = await start(broker, 5000)
    const before = send(producer, 0, 'before')
    await vi.advanceTimersByTimeAsync(10)
    fault = 'lost answer'
    const uncertain = send(producer, 0, 'uncertain')
    await vi.advanceTimersByTimeAsync(6000)
    expect(uncertain.outcome).toMatchObject({
      error: { code: 'EMIT_UNACKNOWLEDGED', maybeWritten: true, topic: 't', partition: 0 },
    })
    fault = null
    const after = send(producer, 0, 'after')
    await vi.advanceTimersByTimeAsync(2000)
    expect([before.outcome, after.outcome]).toEqual([{ offset: 0n }, { offset: 2n }])
    expect(broker.logs[0]).toEqual(['before', 'uncertain', 'after'])
    expect(broker.identities).toBe(2)
    expect(broker.unexpected).toEqual([])
    producer.close()
  })

  it('says that a record was not written when no broker could be reached at all', async () => {
    const broker = fakeBroker(1, () => 'refused connection')
    const producer = await start(broker, 5000)
    const sent = send(producer, 0, 'a')
    await vi.advanceTimersByTimeAsync(6000)
    expect(sent.outcome).toMatchObject({ error: { code: 'EMIT_UNACKNOWLEDGED', maybeWritten: false } })
    producer.close()
  })

  it('flushes what was appended before, however much keeps coming', async () => {
    const broker = fakeBroker(2, () => null)
    const producer = createProducer({
      client: broker.client,
      logger,
      deliveryTimeoutMs: 60_000,
      maxWaitingBytes: 1e9,
      compressor: null,
      onRoom() {},
    })
    await producer.load('t')
    const before = [send(producer, 0, 'a'), send(producer, 1, 'b')]
    // Until 500 are there, something is always unacknowledged: each acknowledgement appends the next record.
    let later = 0
    let laterWhenFlushed = Number.POSITIVE_INFINITY
    const bytes = Buffer.from('later')
    const again = (): void => {
      const acknowledged = (): void => (++later < 500 ? again() : undefined)
      producer.append(record(0, bytes, { acknowledged, failed() {} }))
    }
    again()
    const flushed = producer.flush().then(() => {
      laterWhenFlushed = later
      expect(before.every(({ outcome }) => outcome !== null && 'offset' in outcome)).toBe(true)
    })
    await vi.advanceTimersByTimeAsync(10_000)
    await flushed
    expect(laterWhenFlushed).toBeLessThan(10)
    producer.close()
  })

  it('serves all partitions in turn when more of them are full than fit into a request', async () => {
    const partitions = 40
    const broker = fakeBroker(partitions, () => null)
    const producer = createProducer({
      client: broker.client,
      logger,
      deliveryTimeoutMs: 60_000,
      maxWaitingBytes: 1e9,
      compressor: null,
      onRoom() {},
    })
    await producer.load('t')
    // Every partition always has a full batch to send: a request takes about sixteen of them.
    const value = Buffer.alloc(250 * 1024, 'x')
    const acknowledged = Array<number>(partitions).fill(0)
    const again = (partition: number): void => {
      if (producer.stats().requests >= 12) return
      producer.append(
        record(partition, value, {
          acknowledged() {
            acknowledged[partition]!++
            again(partition)
          },
          failed() {},
        }),
      )
    }
    for (let partition = 0; partition < partitions; partition++) for (let i = 0; i < 3; i++) again(partition)
    while (producer.stats().requests < 12) await vi.advanceTimersByTimeAsync(0)
    producer.close()
    expect(Math.min(...acknowledged)).toBeGreaterThan(0)
    expect(Math.max(...acknowledged) - Math.min(...acknowledged)).toBeLessThanOrEqual(1)
  })

  it('writes what is appended while the producer id cannot be had, also when batches are compressed', async () => {
    let fault: Fault | null = 'no producer id'
    const broker = fakeBroker(1, () => fault)
    const producer = await start(broker, 600_000, gzipInTurn)
    const sent = [send(producer, 0, 'before')]
    await vi.advanceTimersByTimeAsync(20)
    sent.push(send(producer, 0, 'meanwhile'))
    await vi.advanceTimersByTimeAsync(20)
    fault = null
    await vi.advanceTimersByTimeAsync(5000)
    expect(broker.logs[0]).toEqual(['before', 'meanwhile'])
    expect(sent.map(({ outcome }) => outcome)).toEqual([{ offset: 0n }, { offset: 1n }])
    producer.close()
  })

  it('sends what is appended in one turn of the event loop together', async () => {
    const broker = fakeBroker(3, () => null)
    const producer = await start(broker)
    for (let i = 0; i < 300; i++) send(producer, i % 3, `${i}`)
    await vi.advanceTimersByTimeAsync(10)
    expect(producer.stats()).toMatchObject({ requests: 1, waiting: 0 })
    producer.close()
  })
})
