// A name of nothing is seen, whatever kind of thing it names.
import { describe, expect, it } from 'vitest'
import type { KubernetesObject } from '../objects.ts'
import { Draft, describeRule } from './example.ts'
import { accountsExist, commandsExist, referencedDataExists, rightsAreNarrow, volumesMatch } from './references.ts'

describeRule('referencedDataExists', referencedDataExists, [
  [
    'a Secret that nothing creates',
    (d) => Object.assign(d.pod.volumes[2].secret, { secretName: 'kafka-tsl' }),
    'StatefulSet kafka, volume tls: there is no Secret kafka-tsl, and nothing makes it',
  ],
  [
    'a key that the Job does not make',
    (d) => Object.assign(d.pod.volumes[2].secret.items[0], { key: 'tls.pem' }),
    /Secret kafka-tls has no key tls.pem/,
  ],
  [
    'a key that the ConfigMap has not',
    (d) => Object.assign(d.pod.volumes[0].configMap.items[0], { key: 'stop.sh' }),
    /ConfigMap scripts has no key stop.sh/,
  ],
  [
    'a variable from a missing key',
    (d) => Object.assign(d.broker.env[1].valueFrom.configMapKeyRef, { key: 'id' }),
    /container kafka: ConfigMap kafka-identity has no key id/,
  ],
  [
    'an environment from a missing Secret',
    (d) => Object.assign(d.broker, { envFrom: [{ secretRef: { name: 'gone' } }] }),
    /there is no Secret gone/,
  ],
  [
    'a projected source that is missing',
    (d) => d.pod.volumes.push({ name: 'p', projected: { sources: [{ secret: { name: 'gone' } }] } }),
    /volume p: there is no Secret gone/,
  ],
  [
    'a pull secret that nothing creates',
    (d) => Object.assign(d.pod, { imagePullSecrets: [{ name: 'pull' }] }),
    /imagePullSecrets: there is no Secret pull/,
  ],
  [
    'no specification for the Job',
    (d) => d.remove('ConfigMap', 'kafka-credentials-spec'),
    /there is no Secret kafka-tls/,
  ],
])

describeRule('volumesMatch', volumesMatch, [
  [
    'a mount of no volume',
    (d) => d.broker.volumeMounts.push({ name: 'logs', mountPath: '/logs' }),
    /mounts volume logs, which the pod has not/,
  ],
  [
    'a volume that is not mounted',
    (d) => d.pod.volumes.push({ name: 'spare', emptyDir: {} }),
    /no container mounts volume spare/,
  ],
  [
    'two mounts in one place',
    (d) => Object.assign(d.broker.volumeMounts[0], { mountPath: '/run' }),
    /mounts two volumes at \/run/,
  ],
  ['a volume twice', (d) => d.pod.volumes.push({ name: 'data', emptyDir: {} }), /volume data is declared twice/],
  [
    'a claim that is not there',
    (d) => d.pod.volumes.push({ name: 'c', persistentVolumeClaim: { claimName: 'c' } }),
    /there is no PersistentVolumeClaim c/,
  ],
])

describeRule('commandsExist', commandsExist, [
  [
    'a command that is no script of the ConfigMap',
    (d) => Object.assign(d.broker, { command: ['/opt/bin/strat.sh'] }),
    'StatefulSet kafka, container kafka: there is no /opt/bin/strat.sh',
  ],
  [
    'a probe that is none',
    (d) => Object.assign(d.broker.readinessProbe.exec, { command: ['/opt/bin/probe.sh'] }),
    /no \/opt\/bin\/probe.sh/,
  ],
  [
    'a hook that is none',
    (d) => Object.assign(d.broker, { lifecycle: { preStop: { exec: { command: ['sh', '-c', '/opt/bin/stop.sh'] } } } }),
    /no \/opt\/bin\/stop.sh/,
  ],
])

describeRule('accountsExist', accountsExist, [
  [
    'a service account that is not there',
    (d) => d.remove('ServiceAccount', 'credentials'),
    /Job credentials: there is no ServiceAccount credentials/,
  ],
  [
    'a binding to no role',
    (d) => d.remove('Role', 'credentials'),
    /RoleBinding credentials: there is no Role credentials/,
  ],
])

describeRule('rightsAreNarrow', rightsAreNarrow, [
  ['every verb', (d) => Object.assign(d.find('Role', 'credentials').rules[0], { verbs: ['*'] }), /verbs has \*/],
  [
    'listing Secrets',
    (d) => Object.assign(d.find('Role', 'credentials').rules[0], { verbs: ['list'] }),
    /may list secrets of any name/,
  ],
  ['any Secret', (d) => delete d.find('Role', 'credentials').rules[1].resourceNames, /may get secrets of any name/],
])

describe('a manifest without violations', () => {
  it('may refer to a Secret that the user supplies', () => {
    const draft = new Draft()
    draft.pod.imagePullSecrets = [{ name: 'pull' }]
    const found = referencedDataExists(draft.objects as KubernetesObject[], { supplied: ['Secret pull'] })
    expect(found).toEqual([])
  })
})
