// How workloads are run: images pinned, resources sane, probes meaningful, disruptions survivable, Jobs bounded.
import {
  containersOf,
  type Json,
  nameOf,
  ofKind,
  podPerOwner,
  podsOf,
  podTemplate,
  probesOf,
  quantity,
  selects,
} from '../objects.ts'
import type { Rule } from './rule.ts'

const runsForever = ['StatefulSet', 'Deployment', 'DaemonSet']

/** Every image has a tag or a digest, and the tag is not `latest`. */
export const imagesArePinned: Rule = (objects) =>
  podPerOwner(objects).flatMap((pod) =>
    containersOf(pod.spec).flatMap(({ spec }) => {
      const [name = '', digest] = String(spec.image).split('@')
      // A colon before the last slash is a port of the registry.
      const tag = /:([^/:]+)$/.exec(name)?.[1]
      const where = `${nameOf(pod.owner)}, container ${spec.name}: image ${spec.image}`
      if (digest !== undefined && !/^sha256:[0-9a-f]{64}$/.test(digest)) return [`${where} has a malformed digest`]
      if (digest === undefined && tag === undefined) return [`${where} has neither tag nor digest`]
      return digest === undefined && tag === 'latest' ? [`${where} is whatever is latest`] : []
    }),
  )

/**
 * Requests and limits of memory and ephemeral storage in every container, and a request of processor time; no request
 * above its limit; a Java heap with the emptyDirs in memory leaves a quarter of the memory limit for everything else.
 */
export const resourcesAreSane: Rule = (objects) =>
  podPerOwner(objects).flatMap((pod) => {
    const problems: string[] = []
    const memoryVolumes = new Map<string, number>()
    for (const volume of pod.spec.volumes ?? []) {
      if (!volume.emptyDir) continue
      if (!volume.emptyDir.sizeLimit) problems.push(`${nameOf(pod.owner)}: emptyDir ${volume.name} has no sizeLimit`)
      else if (volume.emptyDir.medium === 'Memory') memoryVolumes.set(volume.name, quantity(volume.emptyDir.sizeLimit))
    }
    for (const { spec } of containersOf(pod.spec)) {
      const where = `${nameOf(pod.owner)}, container ${spec.name}`
      const { requests = {}, limits = {} } = spec.resources ?? {}
      for (const resource of ['cpu', 'memory', 'ephemeral-storage'])
        if (requests[resource] === undefined) problems.push(`${where}: requests no ${resource}`)
      for (const resource of ['memory', 'ephemeral-storage'])
        if (limits[resource] === undefined) problems.push(`${where}: has no limit of ${resource}`)
      for (const [resource, limit] of Object.entries<Json>(limits))
        if (requests[resource] !== undefined && quantity(requests[resource]) > quantity(limit))
          problems.push(`${where}: requests ${requests[resource]} of ${resource}, its limit is ${limit}`)
      const heap = heapOf(spec)
      if (heap === null || limits.memory === undefined) continue
      const mounts = (spec.volumeMounts ?? []).map((mount: Json) => mount.name)
      const inMemory = [...memoryVolumes]
        .filter(([name]) => mounts.includes(name))
        .reduce((sum, [, size]) => sum + size, 0)
      if (heap + inMemory > 0.75 * quantity(limits.memory))
        problems.push(
          `${where}: heap ${heap / 1024 ** 2} MiB and ${inMemory / 1024 ** 2} MiB of emptyDir in memory, its limit is ${limits.memory}`,
        )
    }
    return problems
  })

/** Bytes of `-Xmx` in the environment or the command; null when no heap is set. */
function heapOf(container: Json): number | null {
  const texts = [
    ...(container.env ?? []).map((variable: Json) => variable.value ?? ''),
    ...(container.command ?? []),
    ...(container.args ?? []),
  ]
  const match = /-Xmx(\d+)([kmgKMG])/.exec(texts.join(' '))
  return match ? Number(match[1]) * 1024 ** ('kmg'.indexOf(match[2]!.toLowerCase()) + 1) : null
}

/** Who has but one question to answer, with the reason. Whether the process takes connections is one, too. */
const asksOne: readonly { readonly container: string; readonly path?: string; readonly why: string }[] = [
  {
    container: 'schema-registry',
    path: '/schemas/types',
    why: 'with a login it is the one path that is open',
  },
  {
    container: 'kafka-ui',
    why: "its health is its own server's: a Kafka that is away is shown on the page and changes nothing",
  },
]

/** Seconds of failing until a probe has failed. */
const patience = (probe: Json) => (probe.failureThreshold ?? 3) * (probe.periodSeconds ?? 10)

/** Servers have a readiness probe and a different liveness probe, at ports that they open. */
export const probesAreMeaningful: Rule = (objects) =>
  podPerOwner(objects).flatMap((pod) =>
    containersOf(pod.spec).flatMap(({ spec, kind }) => {
      const where = `${nameOf(pod.owner)}, container ${spec.name}`
      const probes = probesOf(spec)
      const problems: string[] = []
      if (runsForever.includes(pod.owner.kind) && kind === 'container')
        for (const probe of ['readinessProbe', 'livenessProbe'])
          if (!probes[probe]) problems.push(`${where}: has no ${probe}`)
      const { livenessProbe: liveness, readinessProbe: readiness } = probes
      if (liveness && readiness && JSON.stringify(handlerOf(liveness)) === JSON.stringify(handlerOf(readiness))) {
        if (
          !liveness.tcpSocket &&
          !asksOne.some(
            ({ container, path }) =>
              container === spec.name && (path ?? liveness.httpGet?.path) === liveness.httpGet?.path,
          )
        )
          problems.push(`${where}: liveness asks what readiness asks, so that a busy process is killed`)
        else if (patience(liveness) <= patience(readiness))
          problems.push(`${where}: liveness checks the same as readiness, and is not more patient`)
      }
      const ports = (spec.ports ?? []).flatMap((port: Json) => [port.name, port.containerPort])
      for (const [name, probe] of Object.entries(probes)) {
        const port = (probe.httpGet ?? probe.tcpSocket)?.port
        if (port !== undefined && !ports.includes(port))
          problems.push(`${where}: ${name} asks port ${port}, which it does not open`)
        // A startup probe may wait: nothing else is asked meanwhile.
        if (name !== 'startupProbe' && (probe.timeoutSeconds ?? 1) > (probe.periodSeconds ?? 10))
          problems.push(`${where}: ${name} may take longer than its period`)
        if (name !== 'readinessProbe' && (probe.successThreshold ?? 1) !== 1)
          problems.push(`${where}: successThreshold of ${name} must be 1`)
      }
      return problems
    }),
  )

const handlerOf = ({ httpGet, tcpSocket, exec, grpc }: Json) => ({ httpGet, tcpSocket, exec, grpc })

/**
 * A budget selects pods of one set, leaves a majority of them and lets one be evicted; what has several replicas has one
 * budget. Of StatefulSets one pod at a time may go: each has data that the others need.
 */
export const budgetsLeaveQuorum: Rule = (objects) => {
  const pods = podsOf(objects).filter((pod) => runsForever.includes(pod.owner.kind))
  const problems: string[] = []
  const budgets = ofKind(objects, 'PodDisruptionBudget')
  for (const budget of budgets) {
    const hit = pods.filter((pod) => selects(budget.spec.selector, pod.labels))
    const owners = new Set(hit.map((pod) => pod.owner))
    if (owners.size !== 1) {
      problems.push(`${nameOf(budget)}: selects pods of ${[...owners].map(nameOf).join(' and ') || 'no workload'}`)
      continue
    }
    const count = hit.length
    const share = (value: number | string) =>
      typeof value === 'string' ? Math.ceil((count * Number.parseFloat(value)) / 100) : value
    const { minAvailable, maxUnavailable } = budget.spec
    const left = minAvailable !== undefined ? share(minAvailable) : count - share(maxUnavailable)
    if (left >= count) problems.push(`${nameOf(budget)}: lets none of ${count} go, so that a node can never be drained`)
    if (count > 1 && left < Math.floor(count / 2) + 1 && hit[0]!.owner.kind === 'StatefulSet')
      problems.push(`${nameOf(budget)}: leaves ${left} of ${count}, which is not a majority`)
    if (count > 1 && left < count - 1 && hit[0]!.owner.kind === 'StatefulSet')
      problems.push(`${nameOf(budget)}: lets ${count - left} of ${count} go at once`)
  }
  for (const pod of podPerOwner(objects)) {
    if (!runsForever.includes(pod.owner.kind)) continue
    const count = budgets.filter((budget) => selects(budget.spec.selector, pod.labels)).length
    if (count > 1) problems.push(`${nameOf(pod.owner)}: has ${count} budgets, so that no eviction is allowed`)
    if (count === 0 && (pod.owner.spec.replicas ?? 1) > 1)
      problems.push(`${nameOf(pod.owner)}: has ${pod.owner.spec.replicas} replicas and no PodDisruptionBudget`)
  }
  return problems
}

/** Anti-affinity and topology spread speak of the pod's own kind: a selector that matches other pods, or none, has no effect. */
export const spreadSelectsItself: Rule = (objects) =>
  podPerOwner(objects).flatMap((pod) => {
    const anti = pod.spec.affinity?.podAntiAffinity
    const terms: Json[] = [
      ...(anti?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
      ...(anti?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(
        (preference: Json) => preference.podAffinityTerm,
      ),
      ...(pod.spec.topologySpreadConstraints ?? []),
    ]
    const problems = terms
      .filter((term) => !selects(term.labelSelector, pod.labels) || Object.keys(term.labelSelector ?? {}).length === 0)
      .map((term) => `${nameOf(pod.owner)}: spread over ${term.topologyKey} does not select its own pods`)
    if (runsForever.includes(pod.owner.kind) && (pod.owner.spec.replicas ?? 1) > 1) {
      const keys = terms.map((term) => term.topologyKey)
      for (const key of ['kubernetes.io/hostname', 'topology.kubernetes.io/zone'])
        if (!keys.includes(key)) problems.push(`${nameOf(pod.owner)}: its replicas are not spread over ${key}`)
    }
    return problems
  })

/** A Job ends: it has a deadline and a number of tries, and a CronJob does not overtake itself. */
export const jobsAreBounded: Rule = (objects) =>
  [...ofKind(objects, 'Job'), ...ofKind(objects, 'CronJob')].flatMap((object) => {
    const spec = object.kind === 'CronJob' ? object.spec.jobTemplate.spec : object.spec
    const problems: string[] = []
    for (const field of ['backoffLimit', 'activeDeadlineSeconds'])
      if (spec[field] === undefined) problems.push(`${nameOf(object)}: has no ${field}`)
    if (!['Never', 'OnFailure'].includes(podTemplate(object)!.spec.restartPolicy))
      problems.push(`${nameOf(object)}: restartPolicy is neither Never nor OnFailure`)
    if (object.kind === 'CronJob' && object.spec.concurrencyPolicy !== 'Forbid')
      problems.push(`${nameOf(object)}: concurrencyPolicy is not Forbid`)
    return problems
  })

/** Stateful pods get time to hand over what they lead, and are not replaced two at once. */
export const statefulSetsStopGently: Rule = (objects) =>
  ofKind(objects, 'StatefulSet').flatMap((set) => {
    const problems: string[] = []
    if ((set.spec.template.spec.terminationGracePeriodSeconds ?? 30) < 60)
      problems.push(`${nameOf(set)}: terminationGracePeriodSeconds is under a minute`)
    const { type, rollingUpdate } = set.spec.updateStrategy ?? {}
    if (type !== 'OnDelete' && (rollingUpdate?.maxUnavailable ?? 1) !== 1)
      problems.push(`${nameOf(set)}: an update takes ${rollingUpdate.maxUnavailable} pods at once`)
    return problems
  })
