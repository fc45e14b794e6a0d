import { type ApiName, decodeResponse, errorCodes, type ResponseOf } from '@selfmonitor/protocol'
import { describe, expect, it } from 'vitest'
import type { BrokerContext } from '../broker-context.ts'
import { KafkaError } from '../errors.ts'
import { BrokerCounters } from '../metrics/index.ts'
import { CloseConnection } from '../request/handler.ts'
import type { HandlerTable } from '../request/handler-table.ts'
import { requestBytes } from '../test-support/raw-client.ts'
import { makeDispatcher } from './dispatch.ts'
import { makeFaults } from './faults.ts'
import { makeRequestLog } from './request-log.ts'

describe('dispatch', () => {
  function dispatcher(handlers: HandlerTable) {
    const errors: object[] = []
    const logger = { debug() {}, info() {}, warn() {}, error: (context: object) => void errors.push(context) }
    const broker = {
      logger,
      clock: { now: () => 0 },
      metadata: {},
      counters: new BrokerCounters(),
    } as unknown as BrokerContext
    const { prepare } = makeDispatcher({ broker, handlers, faults: makeFaults(), requests: makeRequestLog() })
    const connection = { id: 'c', clientSoftwareName: '', clientSoftwareVersion: '' }
    const peer = { brokerId: 1, clientHost: '/127.0.0.1', connection, signal: new AbortController().signal }
    return { errors, handle: (bytes: Buffer) => prepare(bytes.subarray(4), peer).run() }
  }
  function bodyOf<N extends ApiName>(name: N, version: number, buffers: Buffer[] | null): ResponseOf<N> {
    return decodeResponse(name, version, Buffer.concat(buffers!).subarray(4)).body
  }
  const request = requestBytes('DeleteRecords', 1, 1, {
    topics: [{ name: 't', partitions: [{ partitionIndex: 3, offset: 1n }] }],
    timeoutMs: 0,
  })

  it('answers UNKNOWN_SERVER_ERROR for what a handler did not expect, and logs it', async () => {
    const bug = new TypeError('a bug')
    const { handle, errors } = dispatcher({ DeleteRecords: { handle: () => Promise.reject(bug) } })
    const { topics } = bodyOf('DeleteRecords', 1, await handle(request))
    expect(topics[0]).toMatchObject({ name: 't', partitions: [{ partitionIndex: 3, errorCode: -1 }] })
    expect(errors).toEqual([expect.objectContaining({ api: 'DeleteRecords', error: bug })])
  })

  it('answers with the Kafka error that a handler throws, and does not log it as a fault of ours', async () => {
    const handleError = () => {
      throw new KafkaError('KAFKA_STORAGE_ERROR', 'the disk is full')
    }
    const { handle, errors } = dispatcher({ DeleteRecords: { handle: handleError } })
    const { topics } = bodyOf('DeleteRecords', 1, await handle(request))
    expect(topics[0]!.partitions[0]!.errorCode).toBe(errorCodes.KAFKA_STORAGE_ERROR)
    expect(errors).toEqual([])
  })

  it('answers UNKNOWN_SERVER_ERROR for a response that cannot be written', async () => {
    const { handle, errors } = dispatcher({ DeleteRecords: { handle: () => ({ throttleTimeMs: Number.NaN }) } })
    const { topics } = bodyOf('DeleteRecords', 1, await handle(request))
    expect(topics[0]!.partitions[0]!.errorCode).toBe(-1)
    expect(errors).toHaveLength(1)
  })

  it('passes on that a handler wants the connection closed, or has no answer', async () => {
    const closing = dispatcher({ DeleteRecords: { handle: () => Promise.reject(new CloseConnection('enough')) } })
    await expect(closing.handle(request)).rejects.toThrow('enough')
    expect(await dispatcher({ DeleteRecords: { handle: () => null } }).handle(request)).toBeNull()
  })

  it('closes the connection where the answer has no place for an error', async () => {
    const { handle } = dispatcher({ DescribeLogDirs: { handle: () => Promise.reject(new Error('a bug')) } })
    await expect(handle(requestBytes('DescribeLogDirs', 1, 1, { topics: null }))).rejects.toThrow(CloseConnection)
  })
})
