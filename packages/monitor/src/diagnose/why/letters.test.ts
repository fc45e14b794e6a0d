import { describe, expect, it } from 'vitest'
import { letterKind, originOf } from './letters.ts'

const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}
const int64 = (value: bigint): Buffer => {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64BE(value)
  return bytes
}
const record = (headers: Readonly<Record<string, string | Buffer>>) => ({
  headers: Object.entries(headers).map(([key, value]) => ({ key, value: Buffer.from(value) })),
})

describe('where a record came from', () => {
  it('is in the headers of this library', () => {
    const headers = {
      'dlq.original.topic': 'orders',
      'dlq.original.partition': '2',
      'dlq.original.offset': '17',
      'dlq.error.class': 'Error',
      'dlq.error.message': 'no',
      'dlq.attempts': '5',
      'dlq.service': 'billing',
    }
    expect(originOf(record(headers))).toEqual({
      topic: 'orders',
      partition: 2,
      offset: 17n,
      letter: { convention: 'selfmonitor', attempts: '5', error: 'Error: no', by: 'billing' },
    })
  })
  it('is in those of Spring, as binary numbers', () => {
    const dead = {
      'kafka_dlt-original-topic': 'orders',
      'kafka_dlt-original-partition': int32(2),
      'kafka_dlt-original-offset': int64(17n),
      'kafka_dlt-original-consumer-group': 'billing',
    }
    expect(originOf(record(dead))).toMatchObject({
      topic: 'orders',
      partition: 2,
      offset: 17n,
      letter: { convention: 'spring', by: 'billing' },
    })
    const retry = {
      'kafka_original-topic': 'orders',
      'kafka_original-partition': int32(0),
      'kafka_original-offset': int64(3n),
      'retry_topic-attempts': int32(2),
    }
    expect(originOf(record(retry))).toMatchObject({ offset: 3n, letter: { attempts: '2' } })
  })
  it('is in those of Connect', () => {
    const headers = {
      '__connect.errors.topic': 'orders',
      '__connect.errors.partition': '0',
      '__connect.errors.offset': '9',
      '__connect.errors.connector.name': 'sink',
    }
    expect(originOf(record(headers))).toMatchObject({ offset: 9n, letter: { convention: 'connect', by: 'sink' } })
  })
  it('is not in others', () => {
    expect(originOf(record({ traceparent: '00-1' }))).toBeNull()
    expect(
      originOf(record({ 'dlq.original.topic': 'orders', 'dlq.original.partition': 'x', 'dlq.original.offset': '1' })),
    ).toBeNull()
  })
})

describe('a topic is for copies of orders', () => {
  it.each([
    ['orders.dlq', 'dead letter'],
    ['orders-dlt', 'dead letter'],
    ['orders.DLT', 'dead letter'],
    ['orders-billing-dlt', 'dead letter'],
    ['dlq-orders', 'dead letter'],
    ['orders-retry', 'retry'],
    ['orders-retry-5000', 'retry'],
    ['orders.retry.1', 'retry'],
    ['orders', null],
    ['orders.v2', null],
    ['payments.dlq', null],
  ])('%s: %s', (name, kind) => {
    expect(letterKind(name, 'orders')).toBe(kind)
  })
})
