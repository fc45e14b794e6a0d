// What a collector knows between two collections: a value that can be printed.

import type { Probe, Reading, Snapshot } from '../snapshot/types.ts'
import type { KnownUnread } from './groups.ts'
import { firstHistory } from './history.ts'
import { never } from './reading.ts'

/** The parts that are read, as the snapshot names them. */
export type ReadPart = {
  [K in keyof Snapshot]: Snapshot[K] extends Reading<unknown> ? K : never
}[keyof Snapshot]

export interface CollectorState {
  readonly snapshot: Snapshot
  /** When each part was last attempted. */
  readonly attemptedMs: ReadonlyMap<ReadPart, number>
  /** The most brokers seen in 24 hours, see `sightings`. */
  readonly sightings: readonly { readonly atMs: number; readonly count: number }[]
  /** Records that groups have not read yet, by topic, partition and offset. */
  readonly unread: ReadonlyMap<string, KnownUnread>
}

export function firstState(cluster: string, probe: Probe | null, sinceMs: number): CollectorState {
  const snapshot: Snapshot = {
    cluster,
    startedAtMs: sinceMs,
    finishedAtMs: sinceMs,
    expectedBrokers: 0,
    metadata: never,
    brokers: never,
    configs: never,
    offsets: never,
    logDirs: never,
    groups: never,
    quorum: never,
    transactions: never,
    certificates: never,
    services: never,
    backups: never,
    probe,
    history: firstHistory(sinceMs),
  }
  return { snapshot, attemptedMs: new Map(), sightings: [], unread: new Map() }
}
