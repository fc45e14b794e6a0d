import type { ConfigEntry } from '@selfmonitor/cluster'
import { describe, expect, it } from 'vitest'
import { checkInternal } from './topic-guard.ts'
import type { PartitionView } from './topic-view.ts'
import { alterations } from './topics.ts'

const topic = {
  name: 'orders',
  effective: new Map<string, ConfigEntry>(
    ['retention.ms', 'cleanup.policy', 'segment.ms'].map((name) => [name, {} as ConfigEntry]),
  ),
  partitions: [{ partition: 0 }, { partition: 1 }] as unknown as PartitionView[],
  config: { 'retention.ms': '1000', 'cleanup.policy': 'delete' },
}

describe('altering a topic', () => {
  it('lists what changes, from what to what', () => {
    expect(
      alterations(topic, {
        partitions: 4,
        set: { 'retention.ms': '2000', 'segment.ms': '5' },
        unset: ['cleanup.policy'],
      }),
    ).toEqual([
      { key: 'partitions', from: '2', to: '4' },
      { key: 'retention.ms', from: '1000', to: '2000' },
      { key: 'segment.ms', from: null, to: '5' },
      { key: 'cleanup.policy', from: 'delete', to: null },
    ])
  })

  it('leaves out what is already so', () => {
    expect(alterations(topic, { partitions: 2, set: { 'retention.ms': '1000' }, unset: ['segment.ms'] })).toEqual([])
  })

  it('refuses to unset a setting that the brokers do not know', () => {
    expect(() => alterations(topic, { unset: ['nope'] })).toThrow(
      '--unset nope: the brokers have no such topic setting',
    )
    expect(() => alterations(topic, { unset: ['retention.m'] })).toThrow(
      expect.objectContaining({ hint: expect.stringContaining('retention.ms') }),
    )
  })

  it('refuses to grow a topic whose readers count on its partitions', () => {
    expect(() => alterations({ ...topic, name: '__consumer_offsets' }, { partitions: 4 })).toThrow(
      '__consumer_offsets keeps its 2 partitions: groups would look for their offsets in other partitions',
    )
    expect(alterations({ ...topic, name: '_schemas' }, { set: { 'segment.ms': '5' } })).toHaveLength(1)
  })

  it('refuses to shrink, to do nothing, and to do a thing and its opposite', () => {
    expect(() => alterations(topic, { partitions: 1 })).toThrow(/the topic has 2, and the number cannot shrink/)
    expect(() => alterations(topic, {})).toThrow(/No change was given/)
    expect(() => alterations(topic, { set: { a: '1' }, unset: ['a'] })).toThrow('a is both set and unset.')
  })
})

describe('an internal topic', () => {
  it('is changed and deleted only when that is asked for, and what is in it is said', () => {
    expect(() => checkInternal({ name: '__consumer_offsets', internal: true }, false)).toThrow(
      expect.objectContaining({
        message: '__consumer_offsets belongs to Kafka and holds the committed offsets of every group.',
        hint: 'Pass --internal to do it anyway.',
        exitCode: 2,
      }),
    )
    // Kafka does not know that the registry's topic is one.
    expect(() => checkInternal({ name: '_schemas', internal: false }, false)).toThrow('the Schema Registry')
    expect(() => checkInternal({ name: '__new', internal: true }, false)).toThrow('__new is an internal topic.')
    expect(() => checkInternal({ name: '_schemas', internal: false }, true)).not.toThrow()
    expect(() => checkInternal({ name: 'orders', internal: false }, false)).not.toThrow()
  })
})
