// The timer: one collection after the other, never two at once.
import { X509Certificate } from 'node:crypto'
import { setImmediate as otherWork, setTimeout as pause } from 'node:timers/promises'
import type { ClusterOptions, Logger } from '@selfmonitor/cluster'
import { probeGroup } from '../snapshot/probe-names.ts'
import type { Certificate, Probe, Snapshot } from '../snapshot/types.ts'
import { type CollectOptions, collect, defaultEveryMs, type Source } from './collect.ts'
import { type NamePatterns, nameFilter } from './patterns.ts'
import { type ServiceAddresses, servicesReader } from './services.ts'
import { type CollectorState, firstState } from './state.ts'

export interface CollectorOptions {
  /** From the beginning of one collection to that of the next, in milliseconds; a longer collection delays it. Default 15,000. */
  readonly intervalMs?: number
  /** The label `cluster`. Default: the cluster's id. */
  readonly cluster?: string
  /** Reads the outcomes of backups. Default: they are not read. */
  readonly readBackups?: CollectOptions['readBackups']
  /** Default: the most brokers that were seen within 24 hours. */
  readonly expectedBrokers?: number
  readonly topics?: NamePatterns
  readonly groups?: NamePatterns
  readonly services?: ServiceAddresses
  /** How long a service may take to answer, in milliseconds. Default 5,000. */
  readonly serviceTimeoutMs?: number
  /** How often single parts are read, in milliseconds. */
  readonly everyMs?: CollectOptions['everyMs']
  /** The certificates of this client are watched too. */
  readonly tls?: ClusterOptions['tls']
  /** The probe's totals, if there is one. */
  readonly probe?: () => Probe | null
  readonly logger: Logger
  readonly now?: () => number
}

export const defaultIntervalMs = 15_000
const defaultServiceTimeoutMs = 5_000

export interface Collector {
  /** The last snapshot; null before the first collection has ended. */
  snapshot(): Snapshot | null
  /** Everything that is kept between two collections. */
  state(): CollectorState
  /** Ends after the collection that is under way. */
  close(): Promise<void>
}

/**
 * Collects at once, then on a timer.
 * @param onSnapshot called after each collection; the next one begins after it, also when it throws, which is logged
 * @throws PatternError
 */
export function startCollector(
  source: Source,
  options: CollectorOptions,
  onSnapshot: (snapshot: Snapshot) => void | Promise<void>,
): Collector {
  const { intervalMs = defaultIntervalMs, logger, now = Date.now, probe = () => null } = options
  const settings = collectOptions(options, now)
  const ending = new AbortController()
  let state = firstState(options.cluster ?? '', probe(), now())
  let isFirst = true

  async function run(): Promise<void> {
    while (!ending.signal.aborted) {
      const startedAt = performance.now()
      const collected = await collect(source, state, settings)
      state = { ...collected, snapshot: { ...collected.snapshot, probe: probe() } }
      isFirst = false
      logProblems(logger, state.snapshot)
      await otherWork()
      try {
        await onSnapshot(state.snapshot)
      } catch (error) {
        logger.error({ err: error }, 'The snapshot could not be used')
      }
      const leftMs = intervalMs - (performance.now() - startedAt)
      await pause(Math.max(Math.min(intervalMs, leastPauseMs), leftMs), undefined, { signal: ending.signal }).catch(
        () => {},
      )
    }
  }
  const running = run()
  return {
    snapshot: () => (isFirst ? null : state.snapshot),
    state: () => state,
    async close() {
      ending.abort()
      await running
    },
  }
}

/** A collection that takes longer than the interval leaves Kafka this time before the next. */
const leastPauseMs = 1_000

/** The probe's own group is collected only where a pattern asks for it. */
function withoutProbe({ include = [], exclude = [] }: NamePatterns): NamePatterns {
  return include.length > 0 ? { include, exclude } : { exclude: [...exclude, probeGroup] }
}

function collectOptions(options: CollectorOptions, now: () => number): CollectOptions {
  return {
    cluster: options.cluster ?? null,
    expectedBrokers: options.expectedBrokers ?? null,
    isTopicCollected: nameFilter(options.topics ?? {}),
    isGroupCollected: nameFilter(withoutProbe(options.groups ?? {})),
    everyMs: { ...defaultEveryMs, ...options.everyMs },
    readServices: servicesReader(options.services ?? {}, options.serviceTimeoutMs ?? defaultServiceTimeoutMs),
    readBackups: options.readBackups ?? null,
    ownCertificates: ownCertificates(options.tls),
    onBug: (error) => options.logger.error({ err: error }, 'A collection failed unexpectedly'),
    now,
  }
}

/** The certificates in the files of this client: its own, and those of the authorities that it trusts. */
export function ownCertificates(tls: ClusterOptions['tls']): Certificate[] {
  if (typeof tls !== 'object') return []
  const given = [
    ['client certificate', tls.cert],
    ['trusted authority', tls.ca],
  ] as const
  return given.flatMap(([where, pem]) =>
    [...(pem ?? '').matchAll(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g)].map(([text]) => {
      const { subject, validTo } = new X509Certificate(text)
      return { where, subject: subject.replaceAll('\n', ','), notAfterMs: Date.parse(validTo) }
    }),
  )
}

function logProblems(logger: Logger, snapshot: Snapshot): void {
  for (const [part, reading] of Object.entries(snapshot)) {
    const problem = (reading as { problem?: { code: string; message: string } | null } | null)?.problem
    if (!problem || problem.code === 'UNSUPPORTED_API') continue
    logger.warn({ part, code: problem.code }, `${part}: ${problem.message}`)
  }
}
