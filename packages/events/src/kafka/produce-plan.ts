// Which partitions the next requests of the producer carry. Pure.
import { isInFlight, type PartitionQueue } from './partition-queue.ts'

export interface ProducePlan {
  /** The queues whose heads are sent to each node. */
  readonly requests: ReadonlyMap<number, readonly PartitionQueue[]>
  /** Queues without a batch. */
  readonly empty: readonly PartitionQueue[]
  /** A partition that has something to send has no leader. */
  readonly leaderless: boolean
  /** When to plan again, infinity for never: a batch expires then, or may be sent again. */
  readonly wakeAtMs: number
}

const maxRequestBytes = 4 * 1024 * 1024

/**
 * @param queues in the order in which they take their turn
 * @param busyNodes nodes that have not answered the latest request yet
 */
export function planRequests(
  queues: Iterable<PartitionQueue>,
  nowMs: number,
  busyNodes: ReadonlySet<number>,
  deliveryTimeoutMs: number,
): ProducePlan {
  const requests = new Map<number, PartitionQueue[]>()
  const sizes = new Map<number, number>()
  const empty: PartitionQueue[] = []
  let leaderless = false
  let wakeAtMs = Number.POSITIVE_INFINITY
  for (const queue of queues) {
    if (isInFlight(queue)) continue
    const { leader, notBeforeMs } = queue
    const head = queue.batches[0]
    if (head === undefined) {
      empty.push(queue)
      continue
    }
    wakeAtMs = Math.min(wakeAtMs, head.createdMs + deliveryTimeoutMs)
    if (notBeforeMs > nowMs) {
      wakeAtMs = Math.min(wakeAtMs, notBeforeMs)
    } else if (leader < 0) {
      leaderless = true
    } else if (!busyNodes.has(leader)) {
      const list = requests.get(leader)
      const size = (sizes.get(leader) ?? 0) + head.records.sizeBytes
      sizes.set(leader, size)
      if (list === undefined) requests.set(leader, [queue])
      // Once one did not fit, those behind it wait as well: their turn comes after its.
      else if (size <= maxRequestBytes) list.push(queue)
    }
  }
  return { requests, empty, leaderless, wakeAtMs }
}
