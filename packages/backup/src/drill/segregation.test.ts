import { expect, it } from 'vitest'
import { type ClusterPlace, requireSegregation, segregationOf } from './segregation.ts'

const source: ClusterPlace = {
  clusterId: 'a',
  addresses: ['kafka-0.example.com:9093'],
  principal: 'backup',
  credentials: 'digest of backup',
}
const target: ClusterPlace = {
  clusterId: 'b',
  addresses: ['standby-0.example.com:9093'],
  principal: 'drill',
  credentials: 'digest of drill',
}
const separate = (one: ClusterPlace, other: ClusterPlace) =>
  segregationOf(one, other).map(({ isSegregated }) => isSegregated)

it('an address, an account or a cluster that both have is refused by name', () => {
  expect(separate(source, target)).toEqual([true, true, true])
  for (const [shared, message] of [
    [{ clusterId: 'a' }, /share cluster id a$/],
    [{ addresses: ['other:9093', 'KAFKA-0.example.com:9093'] }, /share addresses other:9093, KAFKA-0/],
    [{ principal: 'backup' }, /share account backup$/],
    [{ credentials: 'digest of backup' }, /share account drill$/],
  ] as const) {
    expect(() => requireSegregation(segregationOf(source, { ...target, ...shared }))).toThrow(message)
  }
})

it('what is not known of the source is neither proven nor refused', () => {
  const unknown = { clusterId: 'a', addresses: [], principal: null, credentials: null }
  expect(separate(unknown, target)).toEqual([true, null, null])
  expect(() => requireSegregation(segregationOf(unknown, target))).not.toThrow()
})

it('two clusters without accounts share none', () => {
  const none = { principal: null, credentials: null }
  expect(separate({ ...source, ...none }, { ...target, ...none })).toEqual([true, true, true])
})
