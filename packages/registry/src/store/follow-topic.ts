// Reads the registry's topic from its beginning, as long as the registry runs.
import { type Cluster, noticeText, type ReadPolicy } from '@selfmonitor/cluster'
import { backoffMs, pause } from '@selfmonitor/cluster/backoff'
import type { Logger } from '../types.ts'

export interface TopicRecord {
  readonly offset: bigint
  readonly key: Buffer | null
  readonly value: Buffer | null
}

export interface TopicListener {
  onRecord(record: TopicRecord): void
  /** Every record below `position` has been given out. */
  onPosition(position: bigint): void
  /** The topic was truncated or created again: the state so far is discarded, and everything is read again. */
  onReset(): void
}

/** A registry answers from what it has read, whatever happens to Kafka: nothing ends the reading. */
const policy: ReadPolicy = {
  outOfRange: 'restart',
  recreated: 'restart',
  denied: 'retry',
  unavailableMs: Number.POSITIVE_INFINITY,
  missingMs: Number.POSITIVE_INFINITY,
}

/** Resolves when the signal is aborted. */
export async function followTopic(
  cluster: Cluster,
  topic: string,
  listener: TopicListener,
  logger: Logger,
  signal: AbortSignal,
): Promise<void> {
  // Compaction does not move the log start. If records were deleted from the beginning, the reader continues at the log start.
  let position = 0n
  for (let failures = 1; !signal.aborted; failures++) {
    try {
      const range = { topic, partition: 0, next: position, end: null }
      for await (const event of cluster.read([range], { policy, signal })) {
        if (event.kind === 'notice') {
          if (event.notice.kind === 'restarted') {
            position = event.notice.next
            listener.onReset()
          }
          logger.warn({ topic }, noticeText(event.notice))
          continue
        }
        for (const record of event.records) listener.onRecord(record)
        position = event.positions[0]!.next
        listener.onPosition(position)
        failures = 0
      }
    } catch (error) {
      // A damaged batch needs a repair of the log; until then the registry answers from its present state.
      const reason = error instanceof Error ? error.message : String(error)
      logger.error({ topic, error: reason }, 'cannot read the registry topic, trying again')
      await pause(backoffMs(failures), signal)
    }
  }
}
