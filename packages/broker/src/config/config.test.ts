import { describe, expect, it } from 'vitest'
import { brokerConfigs } from './broker-configs.ts'
import { parseValue } from './definition.ts'
import { changeList, configSource, describedChain, inheritedTopicValue, resolveTopicConfig } from './resolve.ts'
import { topicConfig, topicConfigs } from './topic-configs.ts'
import type { BrokerLayers } from './types.ts'

function layers(parts: Partial<Record<keyof BrokerLayers, Record<string, string>>> = {}): BrokerLayers {
  const map = (values: Record<string, string> = {}) => new Map(Object.entries(values))
  return { dynamic: map(parts.dynamic), dynamicDefault: map(parts.dynamicDefault), static: map(parts.static) }
}

describe('settings', () => {
  it('has defaults that its own rules allow', () => {
    for (const definition of [...topicConfigs, ...brokerConfigs]) {
      if (definition.default !== null) parseValue(definition, definition.default)
    }
  })

  it('names a broker setting of the table wherever a topic inherits', () => {
    const names = new Set(brokerConfigs.map(({ name }) => name))
    const synonyms = topicConfigs.flatMap(({ brokerSynonyms }) => brokerSynonyms.map(({ name }) => name))
    expect(synonyms.filter((name) => !names.has(name))).toEqual([])
  })

  it('inherits a default of the same meaning from the broker', () => {
    for (const definition of topicConfigs) {
      expect([definition.name, inheritedTopicValue(layers(), definition)]).toEqual([
        definition.name,
        definition.default,
      ])
    }
  })

  it.each([
    ['retention.ms', 'abc', 'Invalid value abc for configuration retention.ms: Not a number of type LONG'],
    ['retention.ms', '9223372036854775808', 'Not a number of type LONG'],
    ['retention.ms', '-2', 'Value must be at least -1'],
    ['segment.bytes', '99999999999', 'Not a number of type INT'],
    ['cleanup.policy', 'compact,none', 'Invalid value none for configuration cleanup.policy: String must be one of'],
    ['preallocate', 'yes', 'Expected value to be either true or false'],
    ['min.cleanable.dirty.ratio', '1.5', 'Value must be no more than 1'],
    ['compression.gzip.level', '0', 'Value must be between 1 and 9 or equal to -1'],
  ])('refuses %s=%s in the words of Kafka', (name, value, message) => {
    expect(() => parseValue(topicConfig(name)!, value)).toThrow(message)
  })

  it.each([
    [{ static: { 'log.retention.hours': '2' } }, 7_200_000],
    [{ static: { 'log.retention.hours': '2', 'log.retention.minutes': '3' } }, 180_000],
    [{ static: { 'log.retention.minutes': '3', 'log.retention.ms': '4' } }, 4],
    [{ static: { 'log.retention.ms': '4' }, dynamicDefault: { 'log.retention.ms': '5' } }, 5],
    [{ dynamicDefault: { 'log.retention.ms': '5' }, dynamic: { 'log.retention.ms': '6' } }, 6],
    [{ static: { 'log.retention.hours': '-1' } }, -1],
  ])('resolves retention.ms from %j', (parts, expected) => {
    expect(resolveTopicConfig(layers(parts), new Map())['retention.ms']).toBe(expected)
  })

  it('lists synonyms as Kafka does: from the setting’s own name on', () => {
    expect(describedChain(layers(), 'log.retention.ms')).toEqual([])
    expect(
      describedChain(
        layers({ dynamic: { 'log.retention.ms': '9' }, static: { 'log.retention.hours': '24' } }),
        'log.retention.ms',
      ),
    ).toEqual([
      { name: 'log.retention.ms', value: '9', source: configSource.dynamicBroker },
      { name: 'log.retention.hours', value: '24', source: configSource.staticBroker },
      { name: 'log.retention.hours', value: '168', source: configSource.default },
    ])
  })

  it('appends to and subtracts from lists without repeating', () => {
    expect(changeList('delete', 'compact', 'append')).toBe('delete,compact')
    expect(changeList('delete', 'delete', 'append')).toBe('delete')
    expect(changeList('delete,compact', 'delete', 'subtract')).toBe('compact')
    expect(changeList(null, 'a', 'append')).toBe('a')
  })
})
