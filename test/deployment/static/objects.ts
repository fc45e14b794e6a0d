// Kubernetes objects as the proofs see them: rendered YAML, the pods that would come of it, and who selects whom.
import { parseAllDocuments } from 'yaml'

// biome-ignore lint/suspicious/noExplicitAny: a rendered object is checked by the schema of its kind, not by our types.
export type Json = any

export interface KubernetesObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
  }
  readonly [field: string]: Json
}

/** One pod that the objects would bring up; `ordinal` of a StatefulSet's pods. */
export interface Pod {
  readonly name: string
  readonly owner: KubernetesObject
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly spec: Json
}

export interface Container {
  readonly kind: 'container' | 'init' | 'ephemeral'
  /** Whether it runs as long as the pod: an ordinary container, or an init container that is restarted always. */
  readonly lasting: boolean
  readonly spec: Json
}

/** `StatefulSet kafka`: how violations name an object. */
export const nameOf = (object: KubernetesObject): string => `${object.kind} ${object.metadata.name}`

const parsed = new Map<string, KubernetesObject>()

/**
 * Reads rendered YAML as kubectl does (YAML 1.1: `0555` is octal, `on` a boolean), refusing double keys.
 * A document that was seen before is the same object again, frozen: the matrix renders most of them many times.
 */
export function parseObjects(yaml: string): readonly KubernetesObject[] {
  const objects: KubernetesObject[] = []
  for (const text of yaml.split(/^---\s*$/m)) {
    const body = text.replace(/^# Source: .*\n/m, '').trim()
    if (!body || body.split('\n').every((line) => !line.trim() || line.startsWith('#'))) continue
    let object = parsed.get(body)
    if (!object) {
      const [document, ...more] = parseAllDocuments(body, { version: '1.1', uniqueKeys: true })
      if (!document || more.length > 0) throw new Error(`Not one YAML document:\n${body.slice(0, 300)}`)
      if (document.errors[0]) throw new Error(`${document.errors[0].message} in:\n${body.slice(0, 300)}`)
      object = deepFreeze(document.toJS() as KubernetesObject)
      parsed.set(body, object)
    }
    objects.push(object)
  }
  return objects
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value
  for (const inner of Object.values(value)) deepFreeze(inner)
  return Object.freeze(value)
}

export const ofKind = (objects: readonly KubernetesObject[], kind: string): readonly KubernetesObject[] =>
  objects.filter((object) => object.kind === kind)

/** Where an object has its pod template: a pod is its own. Null for objects that make no pods. */
export function podTemplate(object: KubernetesObject): { metadata?: Json; spec: Json } | null {
  switch (object.kind) {
    case 'Pod':
      return { metadata: object.metadata, spec: object.spec }
    case 'CronJob':
      return object.spec.jobTemplate.spec.template
    case 'Deployment':
    case 'StatefulSet':
    case 'DaemonSet':
    case 'ReplicaSet':
    case 'Job':
      return object.spec.template
    default:
      return null
  }
}

/** Every pod: as many of a StatefulSet or Deployment as it has replicas, with the labels that its controller adds. */
export function podsOf(objects: readonly KubernetesObject[]): readonly Pod[] {
  return objects.flatMap((owner): Pod[] => {
    const template = podTemplate(owner)
    if (!template) return []
    const pod = { owner, annotations: template.metadata?.annotations ?? {}, spec: template.spec }
    const labels = template.metadata?.labels ?? {}
    if (owner.kind === 'StatefulSet')
      return Array.from({ length: owner.spec.replicas ?? 1 }, (_, ordinal) => {
        const name = `${owner.metadata.name}-${ordinal}`
        return { ...pod, name, labels: { ...labels, 'statefulset.kubernetes.io/pod-name': name } }
      })
    const count = owner.kind === 'Deployment' ? (owner.spec.replicas ?? 1) : 1
    return Array.from({ length: count }, (_, index) => ({ ...pod, name: `${owner.metadata.name}~${index}`, labels }))
  })
}

/** One pod of each owner: what holds for one of its replicas holds for all. */
export function podPerOwner(objects: readonly KubernetesObject[]): readonly Pod[] {
  const seen = new Set<KubernetesObject>()
  return podsOf(objects).filter((pod) => !seen.has(pod.owner) && seen.add(pod.owner))
}

export function containersOf(spec: Json): readonly Container[] {
  const all = (list: Json[] | undefined, kind: Container['kind']) =>
    (list ?? []).map((container) => ({
      kind,
      lasting: kind === 'container' || container.restartPolicy === 'Always',
      spec: container,
    }))
  return [
    ...all(spec.initContainers, 'init'),
    ...all(spec.containers, 'container'),
    ...all(spec.ephemeralContainers, 'ephemeral'),
  ]
}

/** The probes that a container has, by their field. */
export function probesOf(container: Json): Record<string, Json> {
  const names = ['startupProbe', 'readinessProbe', 'livenessProbe']
  return Object.fromEntries(names.filter((name) => container[name]).map((name) => [name, container[name]]))
}

/** Whether labels fit a LabelSelector (or a Service's plain map). An empty selector fits everything. */
export function selects(selector: Json, labels: Readonly<Record<string, string>>): boolean {
  const isLabelSelector = selector && ('matchLabels' in selector || 'matchExpressions' in selector)
  const equal: Record<string, string> = isLabelSelector ? (selector.matchLabels ?? {}) : (selector ?? {})
  if (!Object.entries(equal).every(([key, value]) => labels[key] === value)) return false
  const expressions: Json[] = isLabelSelector ? (selector.matchExpressions ?? []) : []
  return expressions.every(({ key, operator, values }) => {
    switch (operator) {
      case 'In':
        return labels[key] !== undefined && values.includes(labels[key])
      case 'NotIn':
        return labels[key] === undefined || !values.includes(labels[key])
      case 'Exists':
        return key in labels
      case 'DoesNotExist':
        return !(key in labels)
      default:
        throw new Error(`There is no selector operator ${operator}`)
    }
  })
}

/** Bytes or cores of a quantity (`1Gi`, `500m`, `2`). Source: Kubernetes, resource.Quantity. */
export function quantity(value: string | number): number {
  const match = /^([0-9]+(?:\.[0-9]+)?)(m|[kMGTPE]|[KMGTPE]i)?$/.exec(String(value))
  if (!match) throw new Error(`${value} is not a quantity`)
  const factor: Record<string, number> = { m: 1e-3, k: 1e3, M: 1e6, G: 1e9, T: 1e12, P: 1e15, E: 1e18 }
  for (const [index, unit] of ['Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'].entries()) factor[unit] = 1024 ** (index + 1)
  return Number(match[1]) * (match[2] ? factor[match[2]]! : 1)
}
