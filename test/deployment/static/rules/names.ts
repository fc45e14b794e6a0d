// The API server's checks beyond its schemas: names, labels, ports and sizes; and the fields that must not change in an upgrade.
import {
  containersOf,
  type Json,
  type KubernetesObject,
  nameOf,
  ofKind,
  podPerOwner,
  podTemplate,
  quantity,
} from '../objects.ts'
import type { Rule } from './rule.ts'

const dnsLabel = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/
const dnsSubdomain = /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/
const labelName =
  /^(?:(?=[^/]{1,253}\/)[a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/
const labelValue = /^(?:[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/
const portName = /^(?=.{1,15}$)(?!.*--)[a-z0-9]([-a-z0-9]*[a-z0-9])?$/
const dataKey = /^[-._a-zA-Z0-9]{1,253}$/
/** A pod's name and its controller's hash have to fit a label, too: `controller-revision-hash` of a StatefulSet adds 11. */
const longestOwner = 52
const longestData = 1024 * 1024
/** All annotations of an object together; `kubectl apply` keeps the whole object in one, `last-applied-configuration`. */
const longestAnnotations = 256 * 1024

export const clusterScoped = [
  'ClusterRole',
  'ClusterRoleBinding',
  'Namespace',
  'PriorityClass',
  'StorageClass',
  'ClusterIssuer',
]

/** Names, labels, port names, keys and sizes are such as the API server accepts. Source: Kubernetes, Object Names and IDs. */
export const acceptedByApiServer: Rule = (objects) => {
  const problems: string[] = []
  const seen = new Set<string>()
  for (const object of objects) {
    const { name, labels, annotations } = object.metadata
    if (seen.has(nameOf(object))) problems.push(`${nameOf(object)}: is rendered twice`)
    seen.add(nameOf(object))
    // Names of roles are path segments and may have a colon.
    const role = /Role(Binding)?$/.test(object.kind)
    const fits = role
      ? name.length <= 253 && !/[/%]/.test(name)
      : (object.kind === 'Service' ? dnsLabel : dnsSubdomain).test(name)
    if (!fits) problems.push(`${nameOf(object)}: its name is not one that Kubernetes accepts`)
    if (['StatefulSet', 'CronJob'].includes(object.kind) && name.length > longestOwner)
      problems.push(`${nameOf(object)}: its name is longer than ${longestOwner} characters`)
    problems.push(...labelProblems(labels).map((problem) => `${nameOf(object)}: ${problem}`))
    for (const key of Object.keys(annotations ?? {}))
      if (!labelName.test(key)) problems.push(`${nameOf(object)}: annotation ${key} is malformed`)
    if (object.kind === 'ConfigMap') {
      const data = Object.entries<string>({ ...object.data, ...object.binaryData })
      for (const [key] of data) if (!dataKey.test(key)) problems.push(`${nameOf(object)}: key ${key} is malformed`)
      if (data.reduce((sum, [, value]) => sum + Buffer.byteLength(value), 0) > longestData)
        problems.push(`${nameOf(object)}: is larger than 1 MiB`)
    }
    if (Buffer.byteLength(JSON.stringify(object)) > longestAnnotations)
      problems.push(`${nameOf(object)}: is larger than 256 KiB, which kubectl apply cannot keep in its annotation`)
    for (const port of object.kind === 'Service' ? (object.spec.ports ?? []) : [])
      if (port.name === undefined ? object.spec.ports.length > 1 : !dnsLabel.test(port.name))
        problems.push(`${nameOf(object)}: port ${port.port} has ${port.name === undefined ? 'no' : 'a malformed'} name`)
    problems.push(
      ...labelProblems(podTemplate(object)?.metadata?.labels).map((problem) => `${nameOf(object)}: ${problem}`),
    )
  }
  for (const pod of podPerOwner(objects)) {
    const names = new Set<string>()
    for (const { spec } of containersOf(pod.spec)) {
      const where = `${nameOf(pod.owner)}, container ${spec.name}`
      if (!dnsLabel.test(spec.name)) problems.push(`${where}: its name is malformed`)
      if (names.has(spec.name)) problems.push(`${where}: there are two of that name`)
      names.add(spec.name)
      for (const port of spec.ports ?? [])
        if (port.name !== undefined && !portName.test(port.name))
          problems.push(`${where}: port name ${port.name} is malformed`)
      const variables = (spec.env ?? []).map((variable: Json) => variable.name)
      for (const name of new Set<string>(variables)) {
        if (!/^[-._a-zA-Z][-._a-zA-Z0-9]*$/.test(name)) problems.push(`${where}: variable ${name} is malformed`)
        if (variables.filter((other: string) => other === name).length > 1)
          problems.push(`${where}: variable ${name} is set twice`)
      }
      for (const amounts of [spec.resources?.requests, spec.resources?.limits])
        for (const [resource, amount] of Object.entries<Json>(amounts ?? {})) {
          try {
            quantity(amount)
          } catch {
            problems.push(`${where}: ${amount} of ${resource} is not a quantity`)
          }
        }
    }
    for (const volume of pod.spec.volumes ?? [])
      if (!dnsLabel.test(volume.name)) problems.push(`${nameOf(pod.owner)}: volume name ${volume.name} is malformed`)
  }
  return problems
}

function labelProblems(labels: Readonly<Record<string, string>> = {}): string[] {
  return Object.entries(labels)
    .filter(([key, value]) => !labelName.test(key) || !labelValue.test(value))
    .map(([key, value]) => `label ${key}=${value} is malformed`)
}

const lasting = ['name', 'instance', 'component', 'part-of'].map((label) => `app.kubernetes.io/${label}`)
const changing = ['version', 'managed-by'].map((label) => `app.kubernetes.io/${label}`)

/**
 * Every object has the labels that Kubernetes recommends, and every pod those of them that last: with the version among
 * a pod's labels, a new chart alone would restart every broker.
 */
export const recommendedLabels: Rule = (objects) =>
  objects.flatMap((object) => {
    const labels = object.metadata.labels ?? {}
    const problems = [...lasting, ...changing]
      .filter((label) => labels[label] === undefined)
      .map((label) => `${nameOf(object)}: has no label ${label}`)
    if (object.kind === 'Pod') return problems
    for (const template of [podTemplate(object), ...(object.spec?.volumeClaimTemplates ?? [])]) {
      if (!template) continue
      const inner = template.metadata?.labels ?? {}
      const what = template.spec.containers ? 'its pods' : `its claims ${template.metadata.name}`
      for (const label of template.spec.containers ? lasting : [])
        if (inner[label] === undefined) problems.push(`${nameOf(object)}: ${what} have no label ${label}`)
      for (const label of [...changing, 'helm.sh/chart'])
        if (inner[label] !== undefined)
          problems.push(`${nameOf(object)}: ${what} have label ${label}, which an upgrade changes`)
    }
    return problems
  })

/** Everything that is in a namespace says in which: applied by kubectl, it lands there and nowhere else. */
export const namespaceIsNamed: Rule = (objects) =>
  objects.flatMap((object) => {
    const { namespace } = object.metadata
    if (clusterScoped.includes(object.kind))
      return namespace ? [`${nameOf(object)}: has a namespace, but is in none`] : []
    return namespace ? [] : [`${nameOf(object)}: does not say its namespace`]
  })

/**
 * What Kubernetes refuses to change in an object that exists, by object. Two renderings of one release that differ here
 * cannot be upgraded into each other. Source: Kubernetes API validation of each kind.
 */
export function immutableFields(objects: readonly KubernetesObject[]): ReadonlyMap<string, string> {
  const fields = new Map<string, string>()
  for (const object of objects) {
    const frozen = frozenPart(object)
    if (frozen !== undefined) fields.set(nameOf(object), JSON.stringify(frozen))
  }
  return fields
}

function frozenPart({ kind, metadata, spec, roleRef, immutable, data }: KubernetesObject): unknown {
  switch (kind) {
    case 'StatefulSet':
      return {
        ...spec,
        replicas: 0,
        template: 0,
        updateStrategy: 0,
        minReadySeconds: 0,
        persistentVolumeClaimRetentionPolicy: 0,
        ordinals: 0,
      }
    case 'Deployment':
    case 'DaemonSet':
      return spec.selector
    case 'Job':
      // Helm deletes a hook before it creates it again.
      return metadata.annotations?.['helm.sh/hook'] ? undefined : { template: spec.template, selector: spec.selector }
    case 'Service':
      return { headless: spec.clusterIP === 'None' }
    case 'RoleBinding':
    case 'ClusterRoleBinding':
      return roleRef
    case 'PersistentVolumeClaim':
      return { ...spec, resources: 0 }
    case 'ConfigMap':
    case 'Secret':
      return immutable ? data : undefined
    default:
      return undefined
  }
}

/** Objects whose unchangeable part differs between two renderings of one release. */
export function upgradeConflicts(
  before: readonly KubernetesObject[],
  after: readonly KubernetesObject[],
): readonly string[] {
  const then = immutableFields(before)
  return [...immutableFields(after)]
    .filter(([name, field]) => then.has(name) && then.get(name) !== field)
    .map(([name, field]) => `${name}: cannot be changed: ${differingPart(then.get(name)!, field)}`)
}

/** Both texts from where they begin to differ. */
function differingPart(one: string, other: string): string {
  let at = 0
  while (one[at] === other[at]) at++
  return `…${one.slice(Math.max(0, at - 40), at + 40)}… to …${other.slice(Math.max(0, at - 40), at + 40)}…`
}

/** Names of what is in no namespace and in both renderings: two releases would fight for them. */
export function clusterScopedClashes(
  one: readonly KubernetesObject[],
  other: readonly KubernetesObject[],
): readonly string[] {
  const names = (objects: readonly KubernetesObject[]) =>
    new Set(clusterScoped.flatMap((kind) => ofKind(objects, kind)).map(nameOf))
  const taken = names(one)
  return [...names(other)].filter((name) => taken.has(name))
}
