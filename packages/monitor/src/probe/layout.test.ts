import { describe, expect, it } from 'vitest'
import { brokersToCover } from './layout.ts'

const partitions = (...replicas: number[][]) => replicas.map((each, partition) => ({ partition, replicas: each }))

describe('the partitions of the probe', () => {
  it('are enough while every broker is preferred by one, also when one of them is away', () => {
    const three = partitions([1, 2, 3], [2, 3, 1], [3, 1, 2])
    expect(brokersToCover([3, 1, 2], three)).toEqual([])
    expect(brokersToCover([1, 3], three)).toEqual([])
  })

  it('become one more for each new broker, led by it, with as many replicas as the others', () => {
    expect(brokersToCover([1, 2, 3, 4, 7], partitions([1, 2, 3], [2, 3, 1], [3, 1, 2]))).toEqual([
      [4, 7, 1],
      [7, 1, 2],
    ])
    expect(brokersToCover([1, 2], partitions([1]))).toEqual([[2]])
  })

  it('are added for a broker that only follows', () => {
    expect(brokersToCover([1, 2], partitions([1, 2], [1, 2]))).toEqual([[2, 1]])
  })
})
