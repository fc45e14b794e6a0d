// Services and NetworkPolicies: every selector matches pods, some pod opens every port, and a connection that one side lets out
// the other lets in.
import {
  containersOf,
  type Json,
  type KubernetesObject,
  nameOf,
  ofKind,
  type Pod,
  podPerOwner,
  podsOf,
  selects,
} from '../objects.ts'
import type { Rule } from './rule.ts'

interface Port {
  readonly name: string | undefined
  readonly number: number
  readonly protocol: string
}

/** Ports that a pod opens for as long as it lives: declared by its lasting containers. */
export function portsOf(pod: Pod): readonly Port[] {
  return containersOf(pod.spec)
    .filter((container) => container.lasting)
    .flatMap(({ spec }) =>
      (spec.ports ?? []).map((port: Json) => ({
        name: port.name,
        number: port.containerPort,
        protocol: port.protocol ?? 'TCP',
      })),
    )
}

const fits = (wanted: number | string, port: Port) => wanted === port.number || wanted === port.name

/** A Service's selector hits pods, each of which opens its target ports; a StatefulSet's governing Service is its own. */
export const servicesHitPods: Rule = (objects) => {
  const pods = podsOf(objects).filter((pod) => ['StatefulSet', 'Deployment', 'DaemonSet'].includes(pod.owner.kind))
  const problems: string[] = []
  for (const service of ofKind(objects, 'Service')) {
    if (!service.spec.selector) continue
    const hit = [...pods, ...futurePod(service, pods)].filter((pod) => selects(service.spec.selector, pod.labels))
    if (hit.length === 0) problems.push(`${nameOf(service)}: its selector hits no pod`)
    if (new Set(hit.map((pod) => pod.owner)).size > 1)
      problems.push(
        `${nameOf(service)}: its selector hits pods of ${[...new Set(hit.map((pod) => nameOf(pod.owner)))].join(' and ')}`,
      )
    for (const port of service.spec.ports ?? [])
      for (const pod of hit)
        if (
          !portsOf(pod).some(
            (open) => fits(port.targetPort ?? port.port, open) && open.protocol === (port.protocol ?? 'TCP'),
          )
        )
          problems.push(
            `${nameOf(service)}: target port ${port.targetPort ?? port.port} is not opened by ${nameOf(pod.owner)}`,
          )
  }
  for (const set of ofKind(objects, 'StatefulSet')) {
    const governing = ofKind(objects, 'Service').find((service) => service.metadata.name === set.spec.serviceName)
    if (!governing) problems.push(`${nameOf(set)}: there is no Service ${set.spec.serviceName}`)
    else if (governing.spec.clusterIP !== 'None')
      problems.push(`${nameOf(governing)}: governs ${nameOf(set)}, but is not headless`)
    else if (!selects(governing.spec.selector, set.spec.template.metadata.labels))
      problems.push(`${nameOf(governing)}: governs ${nameOf(set)}, but does not select its pods`)
  }
  return [...new Set(problems)]
}

/** The pod that a Service of one pod waits for: one that its StatefulSet will have when it is scaled up. */
function futurePod(service: KubernetesObject, pods: readonly Pod[]): readonly Pod[] {
  const name = service.spec.selector['statefulset.kubernetes.io/pod-name']
  const [, set] = /^(.*)-\d+$/.exec(name ?? '') ?? []
  const sibling = pods.find((pod) => pod.owner.kind === 'StatefulSet' && pod.owner.metadata.name === set)
  if (!sibling || pods.some((pod) => pod.name === name)) return []
  return [{ ...sibling, name, labels: { ...sibling.labels, 'statefulset.kubernetes.io/pod-name': name } }]
}

/** A workload selects its own pods and those of no other workload. */
export const workloadsSelectTheirPods: Rule = (objects) => {
  const workloads = objects.filter((object) => ['StatefulSet', 'Deployment', 'DaemonSet'].includes(object.kind))
  return workloads.flatMap((workload) => {
    const hit = podPerOwner(objects).filter((pod) => selects(workload.spec.selector, pod.labels))
    const problems = hit
      .filter((pod) => pod.owner !== workload)
      .map((pod) => `${nameOf(workload)}: its selector hits pods of ${nameOf(pod.owner)} too`)
    if (!hit.some((pod) => pod.owner === workload))
      problems.push(`${nameOf(workload)}: its selector does not hit its own pods`)
    return problems
  })
}

type Direction = 'Ingress' | 'Egress'

function policiesOn(objects: readonly KubernetesObject[], pod: Pod, direction: Direction): readonly KubernetesObject[] {
  return ofKind(objects, 'NetworkPolicy').filter(
    (policy) => policy.spec.policyTypes?.includes(direction) && selects(policy.spec.podSelector, pod.labels),
  )
}

const rulesOf = (policy: KubernetesObject, direction: Direction): readonly Json[] =>
  (direction === 'Ingress' ? policy.spec.ingress : policy.spec.egress) ?? []

const peersOf = (rule: Json, direction: Direction): readonly Json[] =>
  (direction === 'Ingress' ? rule.from : rule.to) ?? []

const portFits = (wanted: Json, port: Port) =>
  (wanted.protocol ?? 'TCP') === port.protocol &&
  (wanted.port === undefined ||
    fits(wanted.port, port) ||
    (wanted.endPort !== undefined && port.number >= wanted.port && port.number <= wanted.endPort))

const rulePortsFit = (rule: Json, port: Port) =>
  !rule.ports || rule.ports.some((wanted: Json) => portFits(wanted, port))

/** Whether a peer is pods of the same namespace: what can be checked against the rendered pods. */
const isOwnNamespace = (peer: Json, namespace: string | undefined) =>
  peer.podSelector !== undefined &&
  (peer.namespaceSelector === undefined ||
    peer.namespaceSelector.matchLabels?.['kubernetes.io/metadata.name'] === namespace)

/** Every pod is held by policies in both directions, and those name both in `policyTypes`. */
export const everyPodHasPolicies: Rule = (objects) =>
  podPerOwner(objects).flatMap((pod) =>
    (['Ingress', 'Egress'] as const)
      .filter((direction) => policiesOn(objects, pod, direction).length === 0)
      .map((direction) => `${nameOf(pod.owner)}: no NetworkPolicy holds its ${direction.toLowerCase()}`),
  )

/** Every policy selects at least one pod, and the pods open the ports that it names. */
export const policiesNameOpenPorts: Rule = (objects) => {
  const pods = podPerOwner(objects)
  return ofKind(objects, 'NetworkPolicy').flatMap((policy) => {
    const selected = pods.filter((pod) => selects(policy.spec.podSelector, pod.labels))
    if (selected.length === 0) return [`${nameOf(policy)}: selects no pod`]
    return rulesOf(policy, 'Ingress').flatMap((rule) =>
      rule.ports
        ? rule.ports
            .filter((wanted: Json) => !selected.some((pod) => portsOf(pod).some((port) => portFits(wanted, port))))
            .map((wanted: Json) => `${nameOf(policy)}: lets in port ${wanted.port}, which no selected pod opens`)
        : [`${nameOf(policy)}: a rule lets in every port`],
    )
  })
}

/** Ports that need no incoming connections, with the reason. */
const reachedOtherwise = [
  {
    deployment: 'kafka-ui',
    why: 'kubectl port-forward comes by way of the node, past the policies, until a namespace is named',
  },
  { deployment: 'kafka-grafana', why: 'as the web UI' },
]

/** Every port that a pod opens is let in from somewhere: else it need not be opened. */
export const openPortsAreLetIn: Rule = (objects) =>
  podPerOwner(objects).flatMap((pod) =>
    portsOf(pod)
      .filter(
        (port) =>
          !reachedOtherwise.some(({ deployment }) => nameOf(pod.owner) === `Deployment ${deployment}`) &&
          !policiesOn(objects, pod, 'Ingress').some((policy) =>
            rulesOf(policy, 'Ingress').some((rule) => rulePortsFit(rule, port)),
          ),
      )
      .map(
        (port) =>
          `${nameOf(pod.owner)}: opens port ${port.name ?? port.number}, but no NetworkPolicy allows a connection to it`,
      ),
  )

/** A way from one pod to another's port. */
export interface Connection {
  readonly from: Pod
  readonly to: Pod
  readonly port: Port
}

/** Whether `held` may, by its policies in one direction, talk with `other` at `port` (of the one that is called). */
function permits(
  objects: readonly KubernetesObject[],
  direction: Direction,
  held: Pod,
  other: Pod,
  port: Port,
): boolean {
  return policiesOn(objects, held, direction).some((policy) =>
    rulesOf(policy, direction).some(
      (rule) =>
        rulePortsFit(rule, port) &&
        peersOf(rule, direction).some(
          (peer) => isOwnNamespace(peer, policy.metadata.namespace) && selects(peer.podSelector, other.labels),
        ),
    ),
  )
}

/** All connections between pods of the release that the policies of both ends permit. */
export function connections(objects: readonly KubernetesObject[]): readonly Connection[] {
  const pods = podPerOwner(objects)
  return pods.flatMap((to) =>
    portsOf(to).flatMap((port) =>
      pods
        .filter((from) => permits(objects, 'Egress', from, to, port) && permits(objects, 'Ingress', to, from, port))
        .map((from) => ({ from, to, port })),
    ),
  )
}

/** The connections that policies allow to and from outside of the release: `kafka:client < namespace selfmonitor`, `kafka > 0.0.0.0/0:443`. */
export function connectionsOutside(objects: readonly KubernetesObject[]): readonly string[] {
  const lines = new Set<string>()
  for (const pod of podPerOwner(objects))
    for (const direction of ['Ingress', 'Egress'] as const)
      for (const policy of policiesOn(objects, pod, direction))
        for (const rule of rulesOf(policy, direction))
          for (const peer of peersOf(rule, direction)) {
            if (isOwnNamespace(peer, policy.metadata.namespace)) continue
            const ports = (rule.ports ?? []).map((port: Json) => port.port).sort()
            const name = pod.owner.metadata.name.replace(/-[0-9a-f]{10}$/, '')
            if (direction === 'Egress') lines.add(`${name} > ${describePeer(peer)}:${[...new Set(ports)].join(',')}`)
            else
              for (const port of portsOf(pod).filter((open) => rulePortsFit(rule, open)))
                lines.add(`${name}:${port.name ?? port.number} < ${describePeer(peer)}`)
          }
  return [...lines].sort()
}

function describePeer({ ipBlock, namespaceSelector, podSelector }: Json): string {
  if (ipBlock) return [ipBlock.cidr, ...(ipBlock.except ?? []).map((cidr: string) => `not ${cidr}`)].join(' ')
  const { 'kubernetes.io/metadata.name': name, ...others } = namespaceSelector.matchLabels ?? {}
  const labels = { ...others, ...podSelector?.matchLabels }
  const pods = Object.entries(labels).map(([key, value]) => ` ${key}=${value}`)
  return `namespace ${name ?? JSON.stringify(namespaceSelector)}${pods.join('')}`
}

/** A connection that the egress of one pod allows, the ingress of the other allows too, and the reverse; every peer matches a pod. */
export const policiesPair: Rule = (objects) => {
  const pods = podPerOwner(objects)
  const problems: string[] = []
  for (const to of pods)
    for (const port of portsOf(to))
      for (const from of pods) {
        const out = permits(objects, 'Egress', from, to, port)
        const into = permits(objects, 'Ingress', to, from, port)
        const way = `${nameOf(from.owner)} to ${nameOf(to.owner)}, port ${port.name ?? port.number}`
        if (out && !into) problems.push(`${way}: is let out, but not in`)
        if (into && !out) problems.push(`${way}: is let in, but not out`)
      }
  for (const policy of ofKind(objects, 'NetworkPolicy'))
    for (const direction of ['Ingress', 'Egress'] as const)
      for (const rule of rulesOf(policy, direction)) {
        const peers = peersOf(rule, direction)
        if (peers.length === 0 && direction === 'Egress')
          problems.push(`${nameOf(policy)}: an egress rule goes everywhere`)
        for (const peer of peers) {
          if (!isOwnNamespace(peer, policy.metadata.namespace)) continue
          const hit = pods.filter((pod) => selects(peer.podSelector, pod.labels))
          if (hit.length === 0)
            problems.push(
              `${nameOf(policy)}: ${JSON.stringify(peer.podSelector)} in its ${direction.toLowerCase()} is no pod`,
            )
          if (direction === 'Egress')
            for (const wanted of rule.ports ?? [])
              if (hit.length > 0 && !hit.some((pod) => portsOf(pod).some((port) => portFits(wanted, port))))
                problems.push(`${nameOf(policy)}: lets out to port ${wanted.port}, which no pod there opens`)
        }
      }
  return problems
}

/** Every pod can ask the cluster's DNS, over UDP and TCP. */
export const everyPodHasDns: Rule = (objects) =>
  podPerOwner(objects)
    .filter((pod) => {
      const allowed = policiesOn(objects, pod, 'Egress').flatMap((policy) => rulesOf(policy, 'Egress'))
      return !['UDP', 'TCP'].every((protocol) =>
        allowed.some((rule) =>
          rule.ports?.some((port: Json) => port.port === 53 && (port.protocol ?? 'TCP') === protocol),
        ),
      )
    })
    .map((pod) => `${nameOf(pod.owner)}: no NetworkPolicy lets it ask DNS (port 53, UDP and TCP)`)
