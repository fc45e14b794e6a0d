// Which pods a StatefulSet, Deployment or Job wants: names, labels, claims and templates, as pure functions of the object.
import { createHash } from 'node:crypto'
import type { KubeObject } from '../types.ts'
import { onlyFields, onlyValues, UnsupportedError } from './strict.ts'

export interface PodTemplate {
  readonly metadata?: { labels?: Readonly<Record<string, string>>; annotations?: Readonly<Record<string, string>> }
  // biome-ignore lint/suspicious/noExplicitAny: checked by checkPodSpec
  readonly spec: any
}

const where = (object: KubeObject) => `${object.kind} ${object.metadata.namespace}/${object.metadata.name} spec`

/** @throws UnsupportedError for a workload that this proof cannot play, or whose selector does not fit its template. */
export function checkWorkload(object: KubeObject): void {
  const at = where(object)
  switch (object.kind) {
    case 'StatefulSet':
      onlyFields(
        object.spec,
        at,
        [
          ...['replicas', 'selector', 'serviceName', 'template', 'podManagementPolicy', 'updateStrategy'],
          'volumeClaimTemplates',
        ],
        // Claims are kept here whatever it says, unless a test takes them away; revisions are not.
        ['persistentVolumeClaimRetentionPolicy', 'revisionHistoryLimit', 'minReadySeconds'],
      )
      onlyValues(object.spec.podManagementPolicy, `${at}.podManagementPolicy`, ['OrderedReady', 'Parallel'])
      onlyValues(object.spec.updateStrategy?.type, `${at}.updateStrategy.type`, ['RollingUpdate', 'OnDelete'])
      onlyFields(object.spec.updateStrategy?.rollingUpdate, `${at}.updateStrategy.rollingUpdate`, ['partition'])
      break
    case 'Deployment':
      onlyFields(
        object.spec,
        at,
        ['replicas', 'selector', 'template', 'strategy'],
        ['revisionHistoryLimit', 'progressDeadlineSeconds', 'minReadySeconds'],
      )
      onlyValues(object.spec.strategy?.type, `${at}.strategy.type`, ['RollingUpdate', 'Recreate'])
      break
    case 'Job':
      onlyFields(
        object.spec,
        at,
        ['template', 'backoffLimit', 'activeDeadlineSeconds', 'completions', 'parallelism'],
        ['ttlSecondsAfterFinished'],
      )
      onlyValues(object.spec.completions, `${at}.completions`, [1])
      onlyValues(object.spec.parallelism, `${at}.parallelism`, [1])
      onlyValues(object.spec.template.spec.restartPolicy, `${at}.template.spec.restartPolicy`, ['Never', 'OnFailure'])
      return
    default:
      throw new UnsupportedError(`${object.kind} ${object.metadata.name}`)
  }
  const labels = object.spec.template.metadata?.labels ?? {}
  for (const [key, value] of Object.entries(object.spec.selector.matchLabels ?? {})) {
    if (labels[key] !== value) throw new Error(`${at}.selector does not fit its template: ${key}=${value}`)
  }
}

/** Tells whether two pods come of the same template. */
export function templateHash(object: KubeObject): string {
  return createHash('sha256').update(JSON.stringify(object.spec.template)).digest('hex').slice(0, 10)
}

/** The claims of one pod of a StatefulSet, by the name of their template. */
export function claimsOf(set: KubeObject, ordinal: number): Readonly<Record<string, string>> {
  const claims: Record<string, string> = {}
  for (const template of set.spec.volumeClaimTemplates ?? []) {
    claims[template.metadata.name] = `${template.metadata.name}-${set.metadata.name}-${ordinal}`
  }
  return claims
}

/** A pod of a StatefulSet. */
export function statefulPod(set: KubeObject, ordinal: number): KubeObject {
  const name = `${set.metadata.name}-${ordinal}`
  const claims = claimsOf(set, ordinal)
  const labels = {
    'statefulset.kubernetes.io/pod-name': name,
    'apps.kubernetes.io/pod-index': String(ordinal),
    'controller-revision-hash': `${set.metadata.name}-${templateHash(set)}`,
  }
  const template = set.spec.template as PodTemplate
  const volumes = [
    ...(template.spec.volumes ?? []).filter((volume: { name: string }) => !(volume.name in claims)),
    ...Object.entries(claims).map(([volume, claimName]) => ({ name: volume, persistentVolumeClaim: { claimName } })),
  ]
  return podOf(set, name, labels, {
    ...template,
    spec: { ...template.spec, hostname: name, subdomain: set.spec.serviceName, volumes },
  })
}

/** A pod with a name of its own, of a Deployment or a Job. */
export function namedPod(owner: KubeObject, suffix: string): KubeObject {
  if (owner.kind === 'Deployment') {
    const hash = templateHash(owner)
    return podOf(owner, `${owner.metadata.name}-${hash}-${suffix}`, { 'pod-template-hash': hash }, owner.spec.template)
  }
  const labels = { 'job-name': owner.metadata.name, 'batch.kubernetes.io/job-name': owner.metadata.name }
  return podOf(owner, `${owner.metadata.name}-${suffix}`, labels, owner.spec.template)
}

function podOf(
  owner: KubeObject,
  name: string,
  labels: Readonly<Record<string, string>>,
  template: PodTemplate,
): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: owner.metadata.namespace,
      labels: { ...template.metadata?.labels, ...labels },
      annotations: template.metadata?.annotations ?? {},
      ownerReferences: [{ kind: owner.kind, name: owner.metadata.name, uid: owner.metadata.uid, controller: true }],
    },
    spec: template.spec,
  }
}

/**
 * The additions of admission to a pod: its service account's token, the API server's certificate and the namespace, mounted where
 * clients look for them, unless the pod or its account says no.
 */
export function withServiceAccount(pod: KubeObject, accountAllows: boolean): KubeObject {
  if (!(pod.spec.automountServiceAccountToken ?? accountAllows)) return pod
  const volume = {
    name: 'kube-api-access',
    projected: {
      defaultMode: 0o644,
      sources: [
        { serviceAccountToken: { path: 'token' } },
        { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        { downwardAPI: { items: [{ path: 'namespace', fieldRef: { fieldPath: 'metadata.namespace' } }] } },
      ],
    },
  }
  const mount = { name: volume.name, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount', readOnly: true }
  // biome-ignore lint/suspicious/noExplicitAny: containers were checked before
  const withMount = (container: any) => ({
    ...container,
    volumeMounts: (container.volumeMounts ?? []).some((one: { mountPath: string }) => one.mountPath === mount.mountPath)
      ? container.volumeMounts
      : [...(container.volumeMounts ?? []), mount],
  })
  return {
    ...pod,
    spec: {
      ...pod.spec,
      ...(pod.spec.initContainers ? { initContainers: pod.spec.initContainers.map(withMount) } : {}),
      containers: pod.spec.containers.map(withMount),
      volumes: [...(pod.spec.volumes ?? []), volume],
    },
  }
}
