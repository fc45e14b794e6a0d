import { describe, expect, it } from 'vitest'
import { errorCodes, kafkaErrorByCode, kafkaErrorByName, kafkaErrors } from './index.ts'

describe('the table of Kafka errors', () => {
  it('has every code from -1 to 136 once, in order, each with a name and a meaning of its own', () => {
    expect(kafkaErrors.map(({ code }) => code)).toEqual(Array.from({ length: 138 }, (_, index) => index - 1))
    expect(new Set(kafkaErrors.map(({ name }) => name)).size).toBe(138)
    expect(new Set(kafkaErrors.map(({ meaning }) => meaning)).size).toBe(138)
  })

  it('finds an error by code and by name', () => {
    expect(kafkaErrorByCode(errorCodes.NOT_COORDINATOR)).toMatchObject({
      code: 16,
      name: 'NOT_COORDINATOR',
      retriable: true,
    })
    expect(kafkaErrorByName('REBALANCE_IN_PROGRESS')).toMatchObject({ code: 27, retriable: false })
  })

  it('returns undefined for unknown codes and names', () => {
    expect(kafkaErrorByCode(9999)).toBeUndefined()
    expect(kafkaErrorByName('toString')).toBeUndefined()
  })
})
