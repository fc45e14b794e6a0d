import { describe, expect, it } from 'vitest'
import { nearest } from './nearest.ts'

describe('the name that was probably meant', () => {
  const known = ['partitions', 'replication', 'retention', 'user.events', 'audit.events', 'owns']

  it.each([
    ['partition', 'partitions'],
    ['partitons', 'partitions'],
    ['retnetion', 'retention'],
    ['Replication', 'replication'],
    ['user.evnts', 'user.events'],
    ['user.evetns', 'user.events'],
    ['ows', 'owns'],
    ['onws', 'owns'],
  ])('%s is %s', (word, meant) => {
    expect(nearest(word, known)).toBe(meant)
  })

  it.each(['colour', 'orders', 'owner', 'ow', ''])('%j is none of them', (word) => {
    expect(nearest(word, known)).toBeUndefined()
  })

  it('is undefined when nothing is known', () => {
    expect(nearest('partitions', [])).toBeUndefined()
  })
})
