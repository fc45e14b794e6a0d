import { describe, expect, it } from 'vitest'
import { handlers } from '../api/handlers.ts'
import { countErrors, isCounted } from './answer-errors.ts'
import { BrokerCounters } from './counters.ts'

describe('error codes of answers', () => {
  const errorsOf = (api: Parameters<typeof countErrors>[1], answer: object) => {
    const counters = new BrokerCounters().request(api)
    countErrors(counters, api, answer)
    return Object.fromEntries(counters.errors)
  }

  it('are counted for each partition, NONE included, as Kafka does', () => {
    const partitionResponses = [{ errorCode: 0 }, { errorCode: 6 }, { index: 2 }]
    expect(errorsOf('Produce', { responses: [{ partitionResponses }] })).toEqual({ 0: 2, 6: 1 })
  })

  it('are counted at each level that Kafka counts', () => {
    const groups = [{ errorCode: 0, topics: [{ partitions: [{ errorCode: 0 }, { errorCode: 3 }] }] }]
    expect(errorsOf('OffsetFetch', { groups })).toEqual({ 0: 2, 3: 1 })
    expect(errorsOf('Fetch', { errorCode: 70 })).toEqual({ 70: 1 })
  })

  it('are counted where the version has them', () => {
    expect(errorsOf('FindCoordinator', { errorCode: 15 })).toEqual({ 15: 1 })
    expect(errorsOf('FindCoordinator', { coordinators: [{ errorCode: 15 }, {}] })).toEqual({ 0: 1, 15: 1 })
    const topics = [{ partitions: [{ errorCode: 3 }] }]
    expect(errorsOf('OffsetFetch', { errorCode: 0, topics })).toEqual({ 0: 1, 3: 1 })
  })

  it('are known of every API that the broker answers', () => {
    expect(Object.keys(handlers).filter((api) => !isCounted(api as keyof typeof handlers))).toEqual([])
  })
})
