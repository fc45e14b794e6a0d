// Lets a few pods start at a time: a machine of two processors is not a cluster of six nodes.
import { setTimeout as delay } from 'node:timers/promises'
import type { RunningPod } from './kubelet.ts'

/** A pod that is not ready after this long makes room for the next: it may be waiting for that one. */
const patienceMs = 45_000

export interface Turns {
  /** Resolves when the pod may start. Only pods of StatefulSets wait. */
  take(pod: RunningPod): Promise<void>
}

export function createTurns(atOnce: number): Turns {
  const starting = new Map<RunningPod, number>()
  const waiting: RunningPod[] = []
  return {
    async take(pod) {
      if (!('apps.kubernetes.io/pod-index' in pod.view().labels)) return
      waiting.push(pod)
      for (;;) {
        for (const [other, since] of starting) {
          const { ready, terminating, phase } = other.view()
          const started = ready || terminating || phase === 'Failed' || phase === 'Succeeded'
          if (started || Date.now() - since > patienceMs) starting.delete(other)
        }
        if (pod.view().terminating || (waiting[0] === pod && starting.size < atOnce)) break
        await delay(100)
      }
      waiting.splice(waiting.indexOf(pod), 1)
      starting.set(pod, Date.now())
    },
  }
}
