// The kubelet's and the controllers' view of objects, as data: environments, volumes, names, and rejected objects.
import { describe, expect, test } from 'vitest'
import type { KubeObject } from '../types.ts'
import { bundleConfig, inMountOrder } from './bundle.ts'
import { environmentOf, expand, type Lookup, MissingObject, type PodFacts } from './environment.ts'
import { type Container, checkPodSpec, type PodSpec, referencesOf } from './pod-spec.ts'
import { dnsRecords, type EndpointPod, endpoints, translations } from './services.ts'
import { groupReadable, volumeFiles } from './volumes.ts'
import { checkWorkload, statefulPod, withServiceAccount } from './workloads.ts'

const container: Container = {
  name: 'main',
  image: 'node:24',
  resources: { limits: { memory: '1Gi', cpu: '500m' } },
  securityContext: {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
    runAsUser: 1000,
  },
}
const spec = { enableServiceLinks: false, containers: [container] } as PodSpec
const facts: PodFacts = {
  ...{ name: 'pod-0', namespace: 'home', uid: 'u', labels: { app: 'a' }, annotations: {}, spec },
  ...{ nodeName: 'node-a', podIp: '10.244.1.9', hostIp: '192.168.77.1' },
}
const objects: Record<string, KubeObject> = {
  'Secret/s': {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 's' },
    data: { key: Buffer.from('hidden').toString('base64') },
  },
  'ConfigMap/c': { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' }, data: { a: '1', b: '2' } },
}
const lookup: Lookup = (kind, name) => objects[`${kind}/${name}`]

describe('a container’s environment', () => {
  const env = (variables: object[]) => environmentOf({ ...container, env: variables } as Container, facts, lookup, {})

  test('comes from values, the pod, its limits, Secrets and ConfigMaps, and expands earlier variables', () => {
    expect(
      env([
        { name: 'POD', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
        { name: 'APP', valueFrom: { fieldRef: { fieldPath: "metadata.labels['app']" } } },
        { name: 'MIB', valueFrom: { resourceFieldRef: { resource: 'limits.memory', divisor: '1Mi' } } },
        { name: 'CPUS', valueFrom: { resourceFieldRef: { resource: 'limits.cpu' } } },
        { name: 'SECRET', valueFrom: { secretKeyRef: { name: 's', key: 'key' } } },
        { name: 'GREETING', value: 'I am $(POD) of $(NOBODY), not $$(POD)' },
      ]),
    ).toEqual({
      POD: 'pod-0',
      APP: 'a',
      MIB: '1024',
      CPUS: '1',
      SECRET: 'hidden',
      GREETING: 'I am pod-0 of $(NOBODY), not $(POD)',
    })
  })

  test('waits for an object or key that is missing, unless it is optional', () => {
    const from = (optional: boolean) =>
      env([{ name: 'X', valueFrom: { secretKeyRef: { name: 's', key: 'other', optional } } }])
    expect(() => from(false)).toThrow(MissingObject)
    expect(from(true)).toEqual({})
  })

  test('expands what is known and leaves what is not', () => {
    expect(expand('$(A)-$(B)-$$(A)-$A', { A: '1' })).toBe('1-$(B)-$(A)-$A')
  })
})

describe('volumes', () => {
  test('hold the chosen keys under their paths, with their own mode, the volume’s, or 0644', () => {
    const items = [
      { key: 'a', path: 'x/a', mode: 0o400 },
      { key: 'b', path: 'b' },
    ]
    const files = volumeFiles({ configMap: { name: 'c', items, defaultMode: 0o555 } }, facts, lookup, () => '')
    expect(files!.map(({ path, mode, content }) => [path, mode, String(content)])).toEqual([
      ['x/a', 0o400, '1'],
      ['b', 0o555, '2'],
    ])
    expect(volumeFiles({ secret: { secretName: 's' } }, facts, lookup, () => '')![0]!.mode).toBe(0o644)
  })

  test('a projection is all of its sources; what is optional and missing is empty', () => {
    const sources = [
      { configMap: { name: 'c', items: [{ key: 'a', path: 'a' }] } },
      { secret: { name: 'nobody', optional: true } },
      { serviceAccountToken: { path: 'token' } },
      { downwardAPI: { items: [{ path: 'namespace', fieldRef: { fieldPath: 'metadata.namespace' } }] } },
    ]
    const files = volumeFiles({ projected: { sources } }, facts, lookup, () => 'secret-token')
    expect(files!.map(({ path, content }) => `${path}=${content}`)).toEqual([
      'a=1',
      'token=secret-token',
      'namespace=home',
    ])
    expect(() => volumeFiles({ secret: { secretName: 'nobody' } }, facts, lookup, () => '')).toThrow(
      'Secret nobody is not there',
    )
  })

  test('what the owner may read, the pod’s group may read; what is the owner’s to write is not the group’s', () => {
    expect(groupReadable(0o400)).toBe(0o440)
    expect(groupReadable(0o600)).toBe(0o640)
    expect(groupReadable(0o555)).toBe(0o555)
  })
})

describe('pods of a StatefulSet', () => {
  const set: KubeObject = {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: 'kafka', namespace: 'home', uid: 'set' },
    spec: {
      serviceName: 'kafka-headless',
      selector: { matchLabels: { app: 'kafka' } },
      template: { metadata: { labels: { app: 'kafka' } }, spec: { ...spec, volumes: [{ name: 'tmp', emptyDir: {} }] } },
      volumeClaimTemplates: [{ metadata: { name: 'data' } }],
    },
  }

  test('have their ordinal in name, host name, labels and claims', () => {
    const pod = statefulPod(set, 3)
    expect(pod.metadata.name).toBe('kafka-3')
    expect(pod.metadata.labels).toMatchObject({ app: 'kafka', 'apps.kubernetes.io/pod-index': '3' })
    expect(pod.spec).toMatchObject({ hostname: 'kafka-3', subdomain: 'kafka-headless' })
    expect(pod.spec.volumes).toContainEqual({ name: 'data', persistentVolumeClaim: { claimName: 'data-kafka-3' } })
  })

  test('are refused when the selector does not fit the template, or a field is not known', () => {
    expect(() => checkWorkload(set)).not.toThrow()
    const stranger = { ...set, spec: { ...set.spec, selector: { matchLabels: { app: 'other' } } } }
    expect(() => checkWorkload(stranger)).toThrow('does not fit its template')
    expect(() => checkWorkload({ ...set, spec: { ...set.spec, ordinals: {} } })).toThrow(
      'StatefulSet home/kafka spec.ordinals',
    )
  })
})

describe('pod specs', () => {
  const refused = (change: object, inContainer: object = {}) => {
    const changed = { ...spec, ...change, containers: [{ ...container, ...inContainer }] }
    return () => checkPodSpec(changed as PodSpec, 'Pod')
  }

  test('are refused for what would have to be ignored, by the field’s full name', () => {
    expect(refused({})).not.toThrow()
    expect(refused({ hostNetwork: true })).toThrow('Pod.hostNetwork')
    expect(refused({ enableServiceLinks: true })).toThrow('enableServiceLinks')
    expect(refused({ volumes: [{ name: 'v', hostPath: {} }] })).toThrow('Pod.volumes[v].hostPath')
    expect(refused({}, { stdin: true })).toThrow('Pod.containers[main].stdin')
    expect(refused({}, { readinessProbe: { grpc: { port: 1 } } })).toThrow('readinessProbe.grpc')
    expect(refused({}, { securityContext: {} })).toThrow('capabilities.drop')
    expect(refused({}, { volumeMounts: [{ name: 'nobody', mountPath: '/x' }] })).toThrow('names no volume: nobody')
  })

  test('name what they wait for', () => {
    const volumes = [
      { name: 'a', secret: { secretName: 's' } },
      { name: 'b', configMap: { name: 'c', optional: true } },
      { name: 'p', projected: { sources: [{ configMap: { name: 'd' } }] } },
    ]
    expect(referencesOf({ ...spec, volumes })).toEqual([
      { kind: 'Secret', name: 's' },
      { kind: 'ConfigMap', name: 'd' },
    ])
  })

  test('get a token of their account unless they or it say no', () => {
    const pod: KubeObject = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec }
    const mounts = (one: KubeObject) => one.spec.containers[0].volumeMounts ?? []
    expect(mounts(withServiceAccount(pod, true))[0].mountPath).toBe('/var/run/secrets/kubernetes.io/serviceaccount')
    expect(mounts(withServiceAccount(pod, false))).toEqual([])
    const refusing = { ...pod, spec: { ...spec, automountServiceAccountToken: false } }
    expect(mounts(withServiceAccount(refusing, true))).toEqual([])
  })
})

describe('containers for runc', () => {
  test('have no capability, no new privilege, a read-only root, and the limits of the pod', () => {
    const config = bundleConfig({
      ...{
        container,
        pod: { ...spec, securityContext: { fsGroup: 2000 } },
        hostname: 'h',
        args: ['x'],
        env: { A: 'b' },
      },
      ...{ mounts: [], networkNamespace: '/run/netns/n', cgroupsPath: '/g' },
    })
    expect(config).toMatchObject({
      process: {
        user: { uid: 1000, additionalGids: [2000] },
        env: ['A=b'],
        noNewPrivileges: true,
        capabilities: { bounding: [], effective: [], permitted: [] },
      },
      root: { readonly: true },
      linux: { resources: { memory: { limit: 2 ** 30 }, cpu: { period: 100_000, quota: 50_000 } } },
    })
  })

  test('mount a folder before what lies in it', () => {
    const at = (destination: string) => ({ destination, source: '/', readOnly: true })
    const order = inMountOrder([at('/etc/a/b/c'), at('/etc'), at('/etc/a')]).map((mount) => mount.destination)
    expect(order).toEqual(['/etc', '/etc/a', '/etc/a/b/c'])
  })
})

describe('Services', () => {
  const service = (name: string, change: object): KubeObject => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'home' },
    spec: { selector: { app: 'kafka' }, ports: [{ port: 9092, targetPort: 'client' }], ...change },
  })
  const pod = (name: string, ip: string, change: object = {}): EndpointPod => ({
    ...{ namespace: 'home', name, hostname: name, ip, labels: { app: 'kafka' }, ports: { client: 19092 } },
    ...{ ready: true, terminating: false, subdomain: 'headless' },
    ...change,
  })
  const pods = [
    pod('kafka-0', '10.244.1.1'),
    pod('kafka-1', '10.244.1.2', { ready: false }),
    pod('other', '10.244.1.3', { labels: {} }),
  ]

  test('have the ready pods behind them, or all when they publish those that are not', () => {
    const names = (change: object) => endpoints(service('s', change), pods).map((one) => one.name)
    expect(names({})).toEqual(['kafka-0'])
    expect(names({ publishNotReadyAddresses: true })).toEqual(['kafka-0', 'kafka-1'])
  })

  test('have names: of their own address, of their pods, and of each pod', () => {
    const ports = [{ name: 'client', port: 9092, targetPort: 'client' }]
    const services = [
      service('client', {}),
      service('headless', { clusterIP: 'None', publishNotReadyAddresses: true, ports }),
      service('others', { clusterIP: 'None' }),
    ]
    const byAddress = Object.fromEntries(
      pods.map(({ ip, namespace }) => [`${ip.replaceAll('.', '-')}.${namespace}.pod.cluster.local`, [ip]]),
    )
    expect(Object.keys(byAddress)).toContain('10-244-1-1.home.pod.cluster.local')
    expect(dnsRecords(services, pods, 'cluster.local', () => '10.96.1.1')).toEqual({
      ...byAddress,
      'client.home.svc.cluster.local': ['10.96.1.1'],
      'headless.home.svc.cluster.local': ['10.244.1.1', '10.244.1.2'],
      'kafka-0.headless.home.svc.cluster.local': ['10.244.1.1'],
      'kafka-1.headless.home.svc.cluster.local': ['10.244.1.2'],
      '_client._tcp.headless.home.svc.cluster.local': [
        '19092 kafka-0.headless.home.svc.cluster.local',
        '19092 kafka-1.headless.home.svc.cluster.local',
      ],
      'others.home.svc.cluster.local': ['10.244.1.1'],
      '10-244-1-1.others.home.svc.cluster.local': ['10.244.1.1'],
    })
  })

  test('lead to the target port by its name in the pod', () => {
    expect(translations([service('client', {})], pods, () => '10.96.1.1')).toEqual([
      { ip: '10.96.1.1', protocol: 'tcp', port: 9092, to: [{ ip: '10.244.1.1', port: 19092 }] },
    ])
  })
})
