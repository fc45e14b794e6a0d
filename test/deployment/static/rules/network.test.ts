// Services and NetworkPolicies that miss, and ways that only one end permits, are seen.
import { describe, expect, it } from 'vitest'
import { parseObjects } from '../objects.ts'
import { describeRule, release } from './example.ts'
import {
  connections,
  everyPodHasDns,
  everyPodHasPolicies,
  openPortsAreLetIn,
  policiesNameOpenPorts,
  policiesPair,
  servicesHitPods,
  workloadsSelectTheirPods,
} from './network.ts'

describeRule('servicesHitPods', servicesHitPods, [
  [
    'a selector that hits nobody',
    (d) => Object.assign(d.find('Service', 'kafka-headless').spec, { selector: { app: 'x' } }),
    /its selector hits no pod/,
  ],
  [
    'a selector that matches all pods',
    (d) => Object.assign(d.find('Service', 'kafka-headless').spec, { selector: { 'app.kubernetes.io/name': 'k' } }),
    /hits pods of StatefulSet kafka and Deployment client/,
  ],
  [
    'a target port that is not opened',
    (d) => Object.assign(d.find('Service', 'kafka-headless').spec.ports[0], { targetPort: 9093 }),
    /target port 9093 is not opened by StatefulSet kafka/,
  ],
  [
    'a protocol that is not opened',
    (d) => Object.assign(d.find('Service', 'kafka-headless').spec.ports[0], { protocol: 'UDP' }),
    /target port client is not opened/,
  ],
  ['no governing Service', (d) => Object.assign(d.set.spec, { serviceName: 'kafka' }), /there is no Service kafka/],
  [
    'a governing Service with an address',
    (d) => delete d.find('Service', 'kafka-headless').spec.clusterIP,
    /is not headless/,
  ],
])

describeRule('workloadsSelectTheirPods', workloadsSelectTheirPods, [
  [
    'a selector that misses its pods',
    (d) => Object.assign(d.set.spec.selector.matchLabels, { app: 'x' }),
    /does not hit its own pods/,
  ],
  [
    'a selector that hits others',
    (d) => Object.assign(d.set.spec, { selector: { matchLabels: { 'app.kubernetes.io/name': 'k' } } }),
    /hits pods of Deployment client too/,
  ],
])

describeRule('everyPodHasPolicies', everyPodHasPolicies, [
  [
    'a pod with no policy',
    (d) => Object.assign(d.policy('all').podSelector, { matchLabels: { 'app.kubernetes.io/component': 'kafka' } }),
    /Job credentials: no NetworkPolicy holds its ingress/,
  ],
  [
    'policies of one direction',
    (d) => ['all', 'kafka', 'client'].map((name) => Object.assign(d.policy(name), { policyTypes: ['Ingress'] })),
    /StatefulSet kafka: no NetworkPolicy holds its egress/,
  ],
])

describeRule('policiesNameOpenPorts', policiesNameOpenPorts, [
  [
    'a port that no pod opens',
    (d) => Object.assign(d.policy('kafka').ingress[0].ports[0], { port: 9099 }),
    'NetworkPolicy kafka: lets in port 9099, which no selected pod opens',
  ],
  ['every port', (d) => delete d.policy('kafka').ingress[0].ports, /a rule lets in every port/],
  [
    'a selector that hits nobody',
    (d) => Object.assign(d.policy('client').podSelector.matchLabels, { app: 'x' }),
    /NetworkPolicy client: selects no pod/,
  ],
])

describeRule('openPortsAreLetIn', openPortsAreLetIn, [
  [
    'an unreachable port',
    (d) => d.broker.ports.push({ name: 'metrics', containerPort: 5556 }),
    'StatefulSet kafka: opens port metrics, but no NetworkPolicy allows a connection to it',
  ],
])

describeRule('policiesPair', policiesPair, [
  [
    'a way out that is no way in',
    (d) => Object.assign(d.policy('kafka').ingress[0].from[0].podSelector.matchExpressions[0], { values: ['kafka'] }),
    'Deployment client to StatefulSet kafka, port client: is let out, but not in',
  ],
  [
    'a way in that is no way out',
    (d) => delete d.policy('client').egress,
    'Deployment client to StatefulSet kafka, port client: is let in, but not out',
  ],
  [
    'a peer that is no pod',
    (d) =>
      Object.assign(d.policy('client').egress[0].to[0].podSelector.matchLabels, {
        'app.kubernetes.io/component': 'broker',
      }),
    /"app.kubernetes.io\/component":"broker"\}\} in its egress is no pod/,
  ],
  ['a way to everywhere', (d) => delete d.policy('client').egress[0].to, /an egress rule goes everywhere/],
  [
    'a port that the other side has not',
    (d) => Object.assign(d.policy('client').egress[0].ports[0], { port: 9093 }),
    /lets out to port 9093, which no pod there opens/,
  ],
])

describeRule('everyPodHasDns', everyPodHasDns, [
  [
    'no DNS over TCP',
    (d) => d.policy('all').egress[0].ports.pop(),
    /StatefulSet kafka: no NetworkPolicy lets it ask DNS/,
  ],
])

describe('connections', () => {
  it('are those that both ends permit', () => {
    const list = connections(parseObjects(release)).map(
      ({ from, to, port }) => `${from.owner.metadata.name} > ${to.owner.metadata.name}:${port.name}`,
    )
    expect(list).toEqual(['kafka > kafka:client', 'client > kafka:client'])
  })
})
