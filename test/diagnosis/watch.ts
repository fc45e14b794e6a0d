// Watches a cluster as an exporter does, and waits until something is found.
import { type Cluster, type ClusterOptions, connectCluster } from '@selfmonitor/cluster'
import {
  type CheckCode,
  type CollectorOptions,
  type Consequence,
  type Diagnosis,
  diagnose,
  type Snapshot,
  startCollector,
  subjectText,
  type Verdict,
} from '@selfmonitor/monitor'

const noLog = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
const findTimeoutMs = 60_000

export interface Watch {
  readonly cluster: Cluster
  /** What the last snapshot says, nothing held back. */
  diagnosis(): Diagnosis
  snapshot(): Snapshot
  /** The diagnosis of a collection that begins after now. */
  next(): Promise<Diagnosis>
  /** Waits until this is found, as a verdict or as a consequence of one. @returns the verdict */
  finds(code: CheckCode, subject: string): Promise<Verdict>
  /** Waits until this is found no longer. */
  heals(code: CheckCode, subject: string): Promise<void>
  /** Waits until nothing at all is found. */
  isWell(): Promise<void>
  /** Verdicts and their consequences, as `severity CODE subject`, whose subject has this text. */
  about(text: string): string[]
  /** Moves the clock of the collector and of the diagnosis; the cluster's own clocks are as they were. */
  passes(ms: number): void
  /** Ends the collections: the last snapshot stays. */
  stops(): Promise<void>
  close(): Promise<void>
}

export interface WatchOptions extends Pick<CollectorOptions, 'topics' | 'groups' | 'services' | 'expectedBrokers'> {
  /** The login and TLS of the connection. */
  readonly connect?: Partial<ClusterOptions>
}

export async function watch(bootstrapServers: string, { connect, ...options }: WatchOptions = {}): Promise<Watch> {
  const cluster = connectCluster({ timeoutMs: 5_000, ...connect, bootstrapServers })
  let last: { readonly snapshot: Snapshot; readonly diagnosis: Diagnosis } | undefined
  let watchers: (() => void)[] = []
  let laterMs = 0
  const now = (): number => Date.now() + laterMs
  const settings = {
    intervalMs: 1_000,
    everyMs: { brokers: 0, logDirs: 0, configs: 0, certificates: 0, services: 0 },
    logger: noLog,
    now,
    ...options,
  }
  const look = (snapshot: Snapshot): void => {
    const { diagnosis: before } = last ?? {}
    last = { snapshot, diagnosis: diagnose(snapshot, now(), { before, holdBack: false }) }
    for (const wake of watchers.splice(0)) wake()
  }
  const collector = startCollector(cluster, settings, look)
  const change = (): Promise<void> => new Promise((resolve) => void watchers.push(resolve))
  const all = (): (Verdict | Consequence)[] => last!.diagnosis.verdicts.flatMap((one) => [one, ...one.consequences])
  const lines = (): string[] => all().map((one) => `${one.severity} ${one.code} ${subjectText(one.subject)}`)
  const find = (code: CheckCode, subject: string): Verdict | undefined => {
    const isIt = (one: Verdict | Consequence): boolean => one.code === code && subjectText(one.subject) === subject
    return last!.diagnosis.verdicts.find((verdict) => isIt(verdict) || verdict.consequences.some(isIt))
  }
  async function lookUntil<T>(otherwise: string, look: () => T | undefined): Promise<T> {
    const until = Date.now() + findTimeoutMs
    for (;;) {
      const found = look()
      if (found !== undefined) return found
      if (Date.now() > until) throw new Error(`${otherwise}. Found: ${lines().join('; ') || 'nothing'}`)
      await change()
    }
  }
  await change()
  return {
    cluster,
    diagnosis: () => last!.diagnosis,
    snapshot: () => last!.snapshot,
    async next() {
      const asked = now()
      do await change()
      while (last!.snapshot.startedAtMs < asked)
      return last!.diagnosis
    },
    finds: (code, subject) => lookUntil(`${code} of ${subject} was not found`, () => find(code, subject)),
    async heals(code, subject) {
      await lookUntil(`${code} of ${subject} did not end`, () => find(code, subject) === undefined || undefined)
    },
    async isWell() {
      await lookUntil('The cluster is not well', () => last!.diagnosis.verdicts.length === 0 || undefined)
    },
    about: (text) => lines().filter((line) => line.includes(text)),
    passes(ms) {
      laterMs += ms
      look(last!.snapshot)
    },
    stops: () => collector.close(),
    async close() {
      watchers = []
      await collector.close()
      await cluster.close()
    },
  }
}
