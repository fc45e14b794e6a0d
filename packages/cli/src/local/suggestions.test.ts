import { describe, expect, it } from 'vitest'
import { storyTopics } from '../demo/story.ts'
import { suggestions } from './suggestions.ts'

const nothing = { name: 'selfmonitor', topics: [], shapes: null, toSetUp: false }

describe('what `up` suggests', () => {
  it('is init where there is nothing yet', () => {
    expect(suggestions(nothing)).toEqual([
      'selfmonitor init',
      'selfmonitor topics list',
      'selfmonitor status',
      'selfmonitor doctor',
    ])
  })

  it('is setup where a file was not applied', () => {
    expect(suggestions({ ...nothing, toSetUp: true })[0]).toBe('selfmonitor setup')
  })

  it('names a topic of this platform, one with a known shape first, and no demo of another platform', () => {
    const shapes = { gone: '{}', orders: '{"type":"record"}' }
    expect(suggestions({ ...nothing, topics: ['archive', 'orders'], shapes })).toEqual([
      'selfmonitor topics list',
      'selfmonitor events tail orders --follow',
      'selfmonitor status',
      'selfmonitor doctor',
    ])
    expect(suggestions({ ...nothing, topics: ['archive'] })).toContain('selfmonitor events tail archive --follow')
  })

  it('is the demo only where its topics are, and carry events', () => {
    const topics = [...storyTopics]
    const events = Object.fromEntries(topics.map((topic) => [topic, { a: {} }]))
    expect(suggestions({ ...nothing, topics, shapes: events })).toContain('selfmonitor demo --rate 20')
    expect(suggestions({ ...nothing, topics: topics.slice(1), shapes: events }).join()).not.toContain('demo')
    expect(suggestions({ ...nothing, topics, shapes: { ...events, 'fraud.alerts': '{}' } }).join()).not.toContain(
      'demo',
    )
  })
})
