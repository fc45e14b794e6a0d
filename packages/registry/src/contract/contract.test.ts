import { describe, expect, it } from 'vitest'
import type { SchemaRule } from '../types.ts'
import {
  contractKey,
  propertyOf,
  readMetadata,
  readRuleSet,
  unnumbered,
  withoutVersion,
  withVersion,
} from './contract.ts'
import { mergeMetadata, mergeRuleSets, removeRules } from './merge.ts'
import { ruleSetProblem } from './validate.ts'

const rule = (name: string, more: Partial<SchemaRule> = {}): SchemaRule => ({
  name,
  kind: 'CONDITION',
  mode: 'WRITE',
  type: 'CEL',
  disabled: false,
  ...more,
})

describe('a contract', () => {
  it('is the same text in whatever order its maps and sets were written', () => {
    const a = readMetadata({
      properties: { b: '2', a: '1' },
      tags: { y: ['T', 'S', 'S'], x: ['R'] },
      sensitive: ['b', 'a'],
    })
    const b = readMetadata({ sensitive: ['a', 'b'], tags: { x: ['R'], y: ['S', 'T'] }, properties: { a: '1', b: '2' } })
    expect(contractKey({ metadata: a })).toBe(contractKey({ metadata: b }))
    expect(JSON.stringify(a)).toBe(
      '{"tags":{"x":["R"],"y":["S","T"]},"properties":{"a":"1","b":"2"},"sensitive":["a","b"]}',
    )
  })

  it('leaves out what is empty or unknown, and is then not the same as none', () => {
    expect(readMetadata({ properties: {}, tags: { x: [] }, sensitive: [], other: 1 })).toEqual({})
    expect(readRuleSet({ domainRules: [], other: [1] })).toEqual({})
    expect(contractKey({ metadata: {} })).not.toBe(contractKey({}))
    for (const none of [null, undefined, 'x', []]) expect(readMetadata(none)).toBeUndefined()
  })

  it('has rules with their fields in the order of Confluent, enabled unless they say otherwise', () => {
    const read = readRuleSet({
      domainRules: [
        {
          expr: 'true',
          type: 'CEL',
          params: { b: 1, a: true },
          mode: 'READ',
          tags: ['Q', 'P'],
          kind: 'CONDITION',
          name: 'r',
          doc: 'd',
        },
      ],
      migrationRules: [{ name: 'm', disabled: true, onFailure: 'ERROR', onSuccess: 'NONE' }],
    })
    expect(JSON.stringify(read)).toBe(
      '{"migrationRules":[{"name":"m","onSuccess":"NONE","onFailure":"ERROR","disabled":true}],"domainRules":[{"name":"r","doc":"d",' +
        '"kind":"CONDITION","mode":"READ","type":"CEL","tags":["P","Q"],"params":{"a":"true","b":"1"},"expr":"true","disabled":false}]}',
    )
  })

  it('finds properties by their own names only', () => {
    const metadata = readMetadata(JSON.parse('{"properties":{"__proto__":"x","a":"1"}}'))
    expect(propertyOf(metadata, 'a')).toBe('1')
    for (const name of ['constructor', 'toString']) expect(propertyOf(metadata, name)).toBeUndefined()
    expect(({} as { x?: string }).x).toBeUndefined()
  })

  it('has a number of its version that can be taken away, and nothing is left where there was nothing else', () => {
    const numbered = withVersion({ properties: { owner: 'a' }, sensitive: ['owner'] }, 7)
    expect(propertyOf(numbered, 'confluent:version')).toBe('7')
    expect(withoutVersion(numbered)).toEqual({ properties: { owner: 'a' }, sensitive: ['owner'] })
    expect(withoutVersion(withVersion(undefined, 1))).toBeUndefined()
    expect(withoutVersion({})).toEqual({})
    for (const none of [{}, undefined, withVersion({}, 1)]) expect(unnumbered(none)).toBeUndefined()
  })
})

describe('one contract over another', () => {
  it('replaces properties and tags of the same name, and joins what is sensitive', () => {
    const lower = { properties: { a: '1', b: '1' }, tags: { x: ['P'], y: ['Q'] }, sensitive: ['a'] }
    const upper = { properties: { b: '2', c: '2' }, tags: { y: ['R'] }, sensitive: ['b'] }
    expect(mergeMetadata(lower, upper)).toEqual({
      properties: { a: '1', b: '2', c: '2' },
      tags: { x: ['P'], y: ['R'] },
      sensitive: ['a', 'b'],
    })
    expect([mergeMetadata(undefined, upper), mergeMetadata(lower, undefined)]).toEqual([upper, lower])
    expect(mergeMetadata(undefined, undefined)).toBeUndefined()
  })

  it('replaces the rules of the same name where they are, and adds the others behind', () => {
    const merged = mergeRuleSets(
      { domainRules: [rule('a', { expr: '1' }), rule('b')] },
      { domainRules: [rule('c'), rule('a', { expr: '2' })], encodingRules: [rule('e')] },
    )
    expect(merged?.domainRules?.map(({ name, expr }) => [name, expr])).toEqual([
      ['a', '2'],
      ['b', undefined],
      ['c', undefined],
    ])
    expect(merged?.encodingRules?.map(({ name }) => name)).toEqual(['e'])
  })

  it('removes rules by their names, wherever they are', () => {
    const ruleSet = { domainRules: [rule('a'), rule('b')], encodingRules: [rule('b')] }
    expect(removeRules(ruleSet, ['b'])).toEqual({ domainRules: [rule('a')] })
    expect(removeRules(undefined, ['b'])).toBeUndefined()
  })
})

describe('a rule set', () => {
  const problem = (list: 'domainRules' | 'migrationRules' | 'encodingRules', ...rules: object[]) =>
    ruleSetProblem(readRuleSet({ [list]: rules })!)

  it('is valid with every mode of its list, with any type and any actions', () => {
    for (const mode of ['WRITE', 'READ', 'WRITEREAD']) {
      expect(problem('domainRules', { ...rule('r'), mode, type: 'OURS', onFailure: 'alarm' })).toBeUndefined()
      expect(problem('encodingRules', { ...rule('r'), mode })).toBeUndefined()
    }
    for (const mode of ['UPGRADE', 'DOWNGRADE', 'UPDOWN']) {
      expect(problem('migrationRules', { ...rule('r'), mode })).toBeUndefined()
    }
    expect(problem('domainRules', { ...rule('r'), mode: 'WRITEREAD', onFailure: 'DLQ,ERROR' })).toBeUndefined()
  })

  it.each([
    [{ name: '' }, 'domainRules[0]: the rule has no name'],
    [
      { type: undefined },
      'domainRules[0] "r": the rule has no type; give the name of what executes it, for example CEL',
    ],
    [{ kind: 'FILTER' }, 'domainRules[0] "r": "FILTER" is not a valid kind; valid are CONDITION, TRANSFORM'],
    [{ kind: undefined }, 'domainRules[0] "r": the rule has no kind; valid are CONDITION, TRANSFORM'],
    [{ mode: 'UPGRADE' }, 'domainRules[0] "r": "UPGRADE" is not a valid mode; valid here are WRITE, READ, WRITEREAD'],
    [{ onFailure: 'DLQ,ERROR' }, 'domainRules[0] "r": onFailure has 2 actions, and mode WRITE takes 1'],
  ])('is refused with %j', (more, message) => {
    expect(problem('domainRules', { ...rule('r'), ...more })).toBe(message)
  })

  it('is refused when two rules of a list have one name', () => {
    expect(problem('domainRules', rule('r'), rule('r'))).toBe(
      'domainRules[1]: the name "r" is there twice; rename one of the rules',
    )
  })
})
