// The wait of a fetch that found too little: ended by enough appended bytes, by time, or by the end of the connection.
import type { RequestOf } from '@selfmonitor/protocol'
import type { PartitionLog } from '../log/index.ts'
import type { RequestContext } from '../request/handler.ts'

/** A partition that was read: how much it gave, and its log as it was before. */
export interface ReadBefore {
  readonly sizeBytes: number
  readonly log: PartitionLog | undefined
  readonly appendedBytes: number
}

export interface FetchWait {
  readonly done: Promise<void>
  /** Whether anything has been appended (or a log was deleted or closed) since the partitions were read. */
  readonly progress: boolean
}

/** Counts each append once: a fetch of a thousand partitions looks only at the one that has advanced. */
export function createWait(
  { broker, signal }: RequestContext,
  { maxWaitMs, minBytes }: Pick<RequestOf<'Fetch'>, 'maxWaitMs' | 'minBytes'>,
  partitions: readonly ReadBefore[],
): FetchWait {
  const { promise, resolve } = Promise.withResolvers<void>()
  const stops: (() => void)[] = []
  let bytes = 0
  let progress = false

  function end(): void {
    for (const stop of stops.splice(0)) stop()
    resolve()
  }

  for (const { sizeBytes, log, appendedBytes } of partitions) {
    bytes += sizeBytes
    if (log === undefined) continue
    let counted = appendedBytes
    const count = () => {
      // A log that reports an advance without having grown was deleted or closed; the client has to know.
      const ended = log.appendedBytes === counted
      bytes += log.appendedBytes - counted
      counted = log.appendedBytes
      progress = true
      if (ended || bytes >= minBytes) end()
    }
    stops.push(log.onAdvance(count))
    // Counts records that were appended since the read.
    if (log.appendedBytes !== counted) count()
  }
  stops.push(broker.clock.setTimer(maxWaitMs, end))
  signal.addEventListener('abort', end, { once: true })
  stops.push(() => signal.removeEventListener('abort', end))
  if (bytes >= minBytes || signal.aborted) end()

  return {
    done: promise,
    get progress() {
      return progress
    },
  }
}
