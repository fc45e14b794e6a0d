import { describe, expect, it } from 'vitest'
import { makeFaults } from './faults.ts'

const nobody = () => undefined
const close = { close: true } as const

describe('faults', () => {
  it('applies only to the nth matching request', () => {
    const faults = makeFaults()
    faults.add({ api: 'Produce', nth: 2, action: close })
    const request = { api: 'Produce', request: {} }
    expect([1, 2, 3].map(() => faults.actionFor(request, nobody))).toEqual([undefined, close, undefined])
  })

  it('applies to every request until it is removed', () => {
    const faults = makeFaults()
    const remove = faults.add({ api: 'Fetch', action: { drop: true } })
    expect(faults.actionFor({ api: 'Fetch', request: {} }, nobody)).toEqual({ drop: true })
    expect(faults.actionFor({ api: 'Produce', request: {} }, nobody)).toBeUndefined()
    remove()
    expect(faults.actionFor({ api: 'Fetch', request: {} }, nobody)).toBeUndefined()
  })

  it.each([
    ['Produce', { topicData: [{ name: 'orders' }] }],
    ['Fetch', { topics: [{ topic: 'orders' }] }],
    ['Fetch', { topics: [{ topic: '', topicId: 'id-of-orders' }] }],
    ['DeleteTopics', { topicNames: ['other', 'orders'] }],
    ['OffsetFetch', { groups: [{ groupId: 'g', topics: [{ name: 'orders' }] }] }],
    ['DescribeConfigs', { resources: [{ resourceType: 2, resourceName: 'orders' }] }],
  ])('finds the topic in a request of %s: %j', (api, request) => {
    const faults = makeFaults()
    faults.add({ api, topic: 'orders', action: close })
    faults.add({ api, topic: 'elsewhere', action: { drop: true } })
    expect(faults.actionFor({ api, request }, (id) => (id === 'id-of-orders' ? 'orders' : undefined))).toEqual(close)
  })

  it('does not confuse the name of a setting with that of a topic', () => {
    const faults = makeFaults()
    faults.add({ api: 'CreateTopics', topic: 'retention.ms', action: close })
    const request = { topics: [{ name: 'orders', configs: [{ name: 'retention.ms', value: '1' }] }] }
    expect(faults.actionFor({ api: 'CreateTopics', request }, nobody)).toBeUndefined()
  })

  it.each([
    ['OffsetCommit', { groupId: 'g' }],
    ['DescribeGroups', { groups: ['f', 'g'] }],
    ['FindCoordinator', { coordinatorKeys: ['g'] }],
    ['DeleteGroups', { groupsNames: ['g'] }],
  ])('finds the group in a request of %s: %j', (api, request) => {
    const faults = makeFaults()
    faults.add({ api, group: 'g', action: close })
    expect(faults.actionFor({ api, request }, nobody)).toEqual(close)
  })

  it.each([
    [{ api: 'Prodoose', action: close }, /"Prodoose" is not an API/],
    [{ api: 'Produce', nth: 0, action: close }, /nth: must be a whole number from 1/],
    [{ api: 'Produce', action: { error: 'OOPS' } }, /"OOPS" is not a Kafka error/],
    [{ api: 'Produce', action: { delayMs: -1 } }, /delayMs: must be at least 0/],
  ])('refuses a rule that cannot work: %j', (rule, message) => {
    expect(() => makeFaults().add(rule)).toThrow(message)
  })
})
