// The controllers of StatefulSets, Deployments and Jobs: compare the pods that are there with those that are wanted.
import { claimsOf, namedPod, statefulPod, templateHash } from './core/workloads.ts'
import type { RunningPod } from './kubelet.ts'
import type { KubeObject } from './types.ts'

export interface ControllerContext {
  readonly objects: (kind: string) => readonly KubeObject[]
  /** Pods that an object's controller has made and that are not gone. */
  readonly podsOf: (owner: KubeObject) => readonly RunningPod[]
  readonly create: (pod: KubeObject) => void
  readonly ensureClaim: (namespace: string, claim: string, template: KubeObject) => void
  readonly terminate: (pod: RunningPod) => void
  readonly suffix: () => string
  /** Calls `reconcile` again after a time. */
  readonly later: (ms: number) => void
}

/** The state of a Job. */
export interface JobState {
  failures: number
  /** The failed pod that `failures` has counted last. */
  counted?: RunningPod
  /** No new pod before this time. */
  notBefore: number
  outcome: 'running' | 'succeeded' | 'failed'
  /** The pods it has had, in order. */
  readonly pods: RunningPod[]
  readonly begun: number
}

export function createJobState(): JobState {
  return { failures: 0, notBefore: 0, outcome: 'running', pods: [], begun: Date.now() }
}

export function reconcileStatefulSet(set: KubeObject, context: ControllerContext): void {
  const replicas = set.spec.replicas ?? 1
  const parallel = set.spec.podManagementPolicy === 'Parallel'
  const byOrdinal = new Map(
    context.podsOf(set).map((pod) => [Number(pod.name.slice(set.metadata.name.length + 1)), pod]),
  )

  const extra = [...byOrdinal.keys()].filter((ordinal) => ordinal >= replicas).sort((a, b) => b - a)
  for (const ordinal of extra) {
    if (!byOrdinal.get(ordinal)!.view().terminating) context.terminate(byOrdinal.get(ordinal)!)
    if (!parallel) return
  }
  for (let ordinal = 0; ordinal < replicas; ordinal++) {
    const pod = byOrdinal.get(ordinal)
    if (!pod) {
      for (const [template, claim] of Object.entries(claimsOf(set, ordinal))) {
        const source = set.spec.volumeClaimTemplates.find((one: KubeObject) => one.metadata.name === template)
        context.ensureClaim(set.metadata.namespace!, claim, source)
      }
      context.create(statefulPod(set, ordinal))
    }
    if (!parallel && !pod?.view().ready) return
  }
  if (set.spec.updateStrategy?.type === 'OnDelete') return
  const revision = `${set.metadata.name}-${templateHash(set)}`
  const partition = set.spec.updateStrategy?.rollingUpdate?.partition ?? 0
  for (let ordinal = replicas - 1; ordinal >= partition; ordinal--) {
    const view = byOrdinal.get(ordinal)?.view()
    if (!view || view.terminating) return
    if (view.labels['controller-revision-hash'] !== revision) {
      context.terminate(byOrdinal.get(ordinal)!)
      return
    }
    if (!view.ready) return
  }
}

export function reconcileDeployment(deployment: KubeObject, context: ControllerContext): void {
  const replicas = deployment.spec.replicas ?? 1
  const hash = templateHash(deployment)
  const pods = context.podsOf(deployment)
  const ours = pods.filter((pod) => pod.view().labels['pod-template-hash'] === hash)
  const old = pods.filter((pod) => !ours.includes(pod))
  if (deployment.spec.strategy?.type === 'Recreate' && old.length > 0) {
    for (const pod of old) context.terminate(pod)
    return
  }
  const living = ours.filter((pod) => !pod.view().terminating && pod.view().phase !== 'Failed')
  for (let missing = replicas - living.length; missing > 0; missing--) {
    context.create(namedPod(deployment, context.suffix()))
  }
  for (const pod of living.slice(replicas)) context.terminate(pod)
  // The old ones serve until the new ones can.
  if (living.length >= replicas && living.every((pod) => pod.view().ready))
    for (const pod of old) context.terminate(pod)
}

/** Pauses between a Job's pods: 1, 2, 4 … seconds; Kubernetes takes ten times as long. */
const jobBackoffMs = 1_000

export function reconcileJob(job: KubeObject, state: JobState, context: ControllerContext): void {
  if (state.outcome !== 'running') return
  const limit = job.spec.backoffLimit ?? 6
  const current = state.pods.at(-1)
  const deadline = job.spec.activeDeadlineSeconds
  if (deadline !== undefined && Date.now() - state.begun > deadline * 1000) {
    state.outcome = 'failed'
    if (current) context.terminate(current)
    return
  }
  if (current && current !== state.counted) {
    const view = current.view()
    if (view.phase === 'Succeeded') {
      state.outcome = 'succeeded'
      return
    }
    const restarts = [...view.initContainers, ...view.containers].reduce((sum, one) => sum + one.restarts, 0)
    if (view.phase !== 'Failed' && restarts <= limit) return
    if (view.phase !== 'Failed' || ++state.failures > limit) {
      state.outcome = 'failed'
      context.terminate(current)
      return
    }
    state.counted = current
    state.notBefore = Date.now() + jobBackoffMs * 2 ** (state.failures - 1)
  }
  if (Date.now() < state.notBefore) {
    context.later(state.notBefore - Date.now())
    return
  }
  context.create(namedPod(job, context.suffix()))
}
