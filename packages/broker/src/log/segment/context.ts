// What reading and writing segments needs; all partition logs of a broker share it.
import type { LRUCache } from 'lru-cache'
import type { BufferPool } from '../../buffer-pool.ts'
import type { Logger } from '../../types.ts'
import type { LogFs } from '../disk/fs.ts'
import type { OpenFiles } from '../disk/open-files.ts'
import type { SegmentIndex } from './segment-index.ts'

export interface SegmentContext {
  readonly fs: LogFs
  readonly files: OpenFiles
  readonly logger: Logger
  /** For records that are read; given back once they are sent. */
  readonly buffers: BufferPool
  /** Indexes of closed segments that were used recently, by the path of the log file. */
  readonly indexes: LRUCache<string, SegmentIndex>
}
