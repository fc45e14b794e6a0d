// Finds objects that the API server would reject, at installation or at an upgrade.
import { describe, expect, it } from 'vitest'
import { type KubernetesObject, parseObjects } from '../objects.ts'
import { Draft, describeRule, release } from './example.ts'
import {
  acceptedByApiServer,
  clusterScopedClashes,
  namespaceIsNamed,
  recommendedLabels,
  upgradeConflicts,
} from './names.ts'

describeRule('acceptedByApiServer', acceptedByApiServer, [
  [
    'a name with capitals',
    (d) => Object.assign(d.find('ConfigMap', 'scripts').metadata, { name: 'Scripts' }),
    /its name is not one that Kubernetes accepts/,
  ],
  [
    'a Service named like a host',
    (d) => Object.assign(d.find('Service', 'kafka-headless').metadata, { name: 'kafka.headless' }),
    /its name is not one/,
  ],
  [
    'a StatefulSet whose pods get no label',
    (d) => Object.assign(d.set.metadata, { name: 'k'.repeat(53) }),
    /longer than 52/,
  ],
  ['an object twice', (d) => d.objects.push(d.set), /is rendered twice/],
  [
    'a label with a plus',
    (d) => Object.assign(d.set.metadata.labels, { 'helm.sh/chart': 'kafka-0.1.0+1' }),
    /label helm.sh\/chart=kafka-0.1.0\+1 is malformed/,
  ],
  [
    'a long label of the pods',
    (d) => Object.assign(d.set.spec.template.metadata.labels, { a: 'x'.repeat(64) }),
    /label a=x+ is malformed/,
  ],
  [
    'a long port name',
    (d) => Object.assign(d.broker.ports[0], { name: 'external-listener' }),
    /port name external-listener is malformed/,
  ],
  [
    'a variable twice',
    (d) => d.broker.env.push({ name: 'CLUSTER_ID', value: 'x' }),
    /variable CLUSTER_ID is set twice/,
  ],
  [
    'a quantity with a typing mistake',
    (d) => Object.assign(d.broker.resources.limits, { memory: '1GB' }),
    /1GB of memory is not a quantity/,
  ],
  ['a container twice', (d) => d.pod.containers.push(d.broker), /there are two of that name/],
  [
    'more than kubectl apply remembers',
    (d) => Object.assign(d.find('ConfigMap', 'scripts').data, { 'platform.yaml': 'x'.repeat(256 * 1024) }),
    /larger than 256 KiB, which kubectl apply cannot keep/,
  ],
  [
    'a key with a slash',
    (d) => Object.assign(d.find('ConfigMap', 'scripts').data, { 'bin/a': '' }),
    /key bin\/a is malformed/,
  ],
  [
    'a ConfigMap beyond 1 MiB',
    (d) => Object.assign(d.find('ConfigMap', 'scripts').data, { a: 'x'.repeat(1024 * 1024) }),
    /is larger than 1 MiB/,
  ],
])

describeRule('recommendedLabels', recommendedLabels, [
  [
    'an object without its component',
    (d) => delete d.set.metadata.labels['app.kubernetes.io/component'],
    /StatefulSet kafka: has no label app.kubernetes.io\/component/,
  ],
  [
    'pods without their release',
    (d) => delete d.set.spec.template.metadata.labels['app.kubernetes.io/instance'],
    /its pods have no label/,
  ],
  [
    'pods with a version',
    (d) => Object.assign(d.set.spec.template.metadata.labels, { 'app.kubernetes.io/version': '1' }),
    /its pods have label app.kubernetes.io\/version, which an upgrade changes/,
  ],
  [
    'claims with a version',
    (d) => Object.assign(d.set.spec.volumeClaimTemplates[0].metadata, { labels: { 'helm.sh/chart': '1' } }),
    /its claims data have label helm.sh\/chart/,
  ],
])

describeRule('namespaceIsNamed', namespaceIsNamed, [
  ['no namespace', (d) => delete d.set.metadata.namespace, /StatefulSet kafka: does not say its namespace/],
  [
    'a namespace where none belongs',
    (d) => Object.assign(d.find('Role', 'credentials'), { kind: 'ClusterRole' }),
    /ClusterRole credentials: has a namespace, but is in none/,
  ],
])

describe('an upgrade', () => {
  const before = parseObjects(release)

  it('may change replicas and the pod template of a StatefulSet', () => {
    const draft = new Draft()
    draft.set.spec.replicas = 5
    draft.broker.image = 'kafka:4.4'
    expect(upgradeConflicts(before, draft.objects as KubernetesObject[])).toEqual([])
  })

  it.each<[string, (draft: Draft) => void, RegExp]>([
    ['selector', (d) => Object.assign(d.set.spec.selector.matchLabels, { version: '2' }), /^StatefulSet kafka: cannot/],
    [
      'volume claims',
      (d) => Object.assign(d.set.spec.volumeClaimTemplates[0].spec.resources.requests, { storage: '2Gi' }),
      /^StatefulSet kafka/,
    ],
    ['governing Service', (d) => Object.assign(d.set.spec, { serviceName: 'other' }), /^StatefulSet kafka/],
    [
      'Job template',
      (d) => Object.assign(d.find('Job', 'credentials').spec.template.spec, { restartPolicy: 'Never' }),
      /^Job credentials/,
    ],
    [
      'role of a binding',
      (d) => Object.assign(d.find('RoleBinding', 'credentials').roleRef, { name: 'other' }),
      /^RoleBinding credentials/,
    ],
  ])('may not change the %s', (_, change, conflict) => {
    const draft = new Draft()
    change(draft)
    expect(upgradeConflicts(before, draft.objects as KubernetesObject[])).toEqual([expect.stringMatching(conflict)])
  })

  it('finds names outside of namespaces that two releases would share', () => {
    const draft = new Draft()
    draft.objects.push({ kind: 'ClusterRole', metadata: { name: 'kafka-nodes' } })
    const objects = draft.objects as KubernetesObject[]
    expect(clusterScopedClashes(objects, objects)).toEqual(['ClusterRole kafka-nodes'])
    expect(clusterScopedClashes(objects, before)).toEqual([])
  })
})
