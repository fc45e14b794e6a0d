// What all partition logs of a broker share.
import type { LRUCache } from 'lru-cache'
import type { LimitFunction } from 'p-limit'
import type { BufferPool } from '../buffer-pool.ts'
import type { LineLimiter } from '../line-limiter.ts'
import type { Clock, Logger } from '../types.ts'
import type { Checkpoint } from './checkpoint.ts'
import type { Deadlines } from './deadlines.ts'
import type { LogFs } from './fs.ts'
import type { OpenFiles } from './open-files.ts'
import type { SegmentIndex } from './segment-index.ts'
import type { TailCache } from './tail-cache.ts'
import type { LogConfig } from './types.ts'

export interface LogContext {
  readonly dir: string
  readonly fs: LogFs
  readonly files: OpenFiles
  readonly clock: Clock
  readonly logger: Logger
  /** For lines that clients could cause without end. */
  readonly limitedLog: LineLimiter
  readonly tails: TailCache
  /** For records that are read; given back once they are sent. */
  readonly buffers: BufferPool
  /** Indexes of closed segments that were used recently, by the path of the log file. */
  readonly indexes: LRUCache<string, SegmentIndex>
  /** Large batches are inspected one at a time. */
  readonly largeBatches: LimitFunction
  readonly logStarts: Checkpoint
  readonly recoveryPoints: Checkpoint
  readonly deadlines: Deadlines
  /** The topic's present settings. */
  configOf(topic: string): LogConfig
}
