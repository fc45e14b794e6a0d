import { describe, expect, it } from 'vitest'
import { didYouMean, nearest } from './suggest.ts'

describe('did you mean', () => {
  const known = ['partitions', 'replication', 'retention', 'user.events', 'audit.events']
  it.each([
    ['partition', 'partitions'],
    ['partitons', 'partitions'],
    ['retnetion', 'retention'],
    ['Replication', 'replication'],
    ['user.event', 'user.events'],
  ])('%s is %s', (word, meant) => {
    expect(nearest(word, known)).toBe(meant)
  })

  it('says nothing when nothing is near', () => {
    expect(nearest('colour', known)).toBeNull()
    expect(didYouMean('xy', ['xz'])).toBe('')
    expect(didYouMean('owner', ['owns'])).toBe('')
  })
})
