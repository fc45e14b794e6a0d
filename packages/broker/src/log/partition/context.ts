// What all partition logs of a broker share.
import type { LimitFunction } from 'p-limit'
import type { LineLimiter } from '../../line-limiter.ts'
import type { BrokerCounters } from '../../metrics/index.ts'
import type { Clock } from '../../types.ts'
import type { Checkpoint } from '../disk/checkpoint.ts'
import type { Deadlines } from '../scheduling/deadlines.ts'
import type { SegmentContext } from '../segment/context.ts'
import type { LogConfig } from '../types.ts'
import type { TailCache } from './tail-cache.ts'

export interface LogContext extends SegmentContext {
  readonly dir: string
  readonly clock: Clock
  /** For lines that clients could cause without end. */
  readonly limitedLog: LineLimiter
  readonly tails: TailCache
  /** Large batches are inspected one at a time. */
  readonly largeBatches: LimitFunction
  readonly logStarts: Checkpoint
  readonly recoveryPoints: Checkpoint
  readonly deadlines: Deadlines
  readonly counters: BrokerCounters
  /** The topic's present settings. */
  configOf(topic: string): LogConfig
}
