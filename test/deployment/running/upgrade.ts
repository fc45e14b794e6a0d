// Applies rendered objects like `helm upgrade`: replaces them, removes objects that are no longer rendered, and one waits
// for the pods to be replaced.
import { templateHash } from './core/workloads.ts'
import { isHook } from './release.ts'
import type { Cluster, KubeObject, WaitOptions } from './types.ts'

const nameOf = ({ kind, metadata }: KubeObject) => `${kind}/${metadata.namespace ?? ''}/${metadata.name}`

/** Puts the new objects, hooks aside, then deletes those that only the old rendering had: Helm's order. */
export async function upgrade(cluster: Cluster, from: readonly KubeObject[], to: readonly KubeObject[]): Promise<void> {
  await cluster.apply(to.filter((object) => !isHook(object)))
  const kept = new Set(to.map(nameOf))
  for (const object of from)
    if (!kept.has(nameOf(object))) await cluster.delete(object.kind, object.metadata.name, object.metadata.namespace)
}

/** `kubectl rollout status statefulset`: every pod is of the present template, and ready. */
export async function rolledOut(cluster: Cluster, name: string, wait?: WaitOptions): Promise<void> {
  await cluster.waitFor(
    `every pod of StatefulSet ${name} is of the new template and ready`,
    () => {
      const set = cluster.get('StatefulSet', name)!
      const revision = `${name}-${templateHash(set)}`
      const pods = Array.from({ length: set.spec.replicas }, (_, ordinal) => cluster.pod(`${name}-${ordinal}`))
      return pods.every((pod) => pod?.ready && !pod.terminating && pod.labels['controller-revision-hash'] === revision)
    },
    wait,
  )
}
