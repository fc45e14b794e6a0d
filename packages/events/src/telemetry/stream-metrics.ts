// The metrics of one stream: counted for OpenTelemetry's meter where an SDK takes metrics, and for Prometheus once they are asked for.
// Until then only the outcomes of events are counted, which `stats()` needs as well.
import type { Counter, Histogram } from '@opentelemetry/api'
import type { Add } from '@selfmonitor/http/metrics'
import type { ServerAddress } from '../kafka/index.ts'
import { createLibraryMeasurements, type Labels, type LibraryMeasurements } from './measurements.ts'
import {
  durationBuckets,
  type LibraryMetric,
  type LibraryMetricKey,
  libraryMetrics,
  type OperationName,
  operationTypes,
} from './metrics-table.ts'
import { hasMeterProvider, type OpenTelemetry, openTelemetry } from './opentelemetry.ts'

const outcomeKeys = ['consumed', 'retried', 'deadLettered', 'skipped'] as const
type OutcomeKey = (typeof outcomeKeys)[number]
/** The outcomes of one topic's events. */
export type Outcomes = Record<OutcomeKey, number>

/** One operation of a client: a send, a fetch or a commit. */
export interface Operation {
  /** null when it concerns several. */
  readonly topic: string | null
  /** null when it is not known. */
  readonly server: ServerAddress | null
  readonly seconds: number
  /** `error.type`; null when it succeeded. */
  readonly error: string | null
}

export interface StreamMetrics {
  /** Whether durations are recorded; check it before measuring one. */
  wanted(): boolean
  /** Counts an event's outcome. */
  outcome(topic: string, key: OutcomeKey): void
  /** The outcomes so far, by topic. */
  outcomes(): ReadonlyMap<string, Readonly<Outcomes>>
  /** Makes the topics' outcomes visible before there are any: an alert needs the 0 that a count starts from. */
  begin(topics: Iterable<string>): void
  sent(operation: Operation): void
  polled(operation: Operation, messages: number): void
  committed(operation: Operation): void
  processed(topic: string, seconds: number, error: string | null): void
  /** All of it as text for Prometheus. From the first call on durations are measured. */
  text(): string
}

/** Where a metric's values go. */
interface Sink {
  series(metric: LibraryMetric, labels: Labels): Add
}

interface MetricsState {
  readonly group: string
  readonly outcomes: Map<string, Outcomes>
  own: LibraryMeasurements | null
  meter: Sink | null
  /** The series that have been used, by metric and labels. */
  readonly adders: Map<string, readonly Add[]>
}

/** @param measured whether durations are measured from the start */
export function createStreamMetrics(group: string, measured: boolean): StreamMetrics {
  const state: MetricsState = {
    group,
    outcomes: new Map(),
    own: measured ? createLibraryMeasurements() : null,
    meter: null,
    adders: new Map(),
  }
  return {
    wanted: () => wanted(state),
    outcome: (topic, key) => countOutcome(state, topic, key),
    outcomes: () => state.outcomes,
    begin(topics) {
      for (const topic of topics) outcomesOf(state, topic)
    },
    sent(operation) {
      addOperation(state, 'send', operation)
      add(state, 'sentMessages', 1, operation, 'send')
    },
    polled(operation, messages) {
      addOperation(state, 'poll', operation)
      if (messages > 0) add(state, 'consumedMessages', messages, operation, 'poll')
    },
    committed: (operation) => addOperation(state, 'commit', operation),
    processed: (topic, seconds, error) =>
      add(state, 'processDuration', seconds, { topic, server: null, error }, 'process'),
    text: () => text(state),
  }
}

function wanted(state: MetricsState): boolean {
  if (state.meter === null && hasMeterProvider()) {
    const api = openTelemetry()
    if (api !== null) attachMeter(state, meterSink(api))
  }
  return state.own !== null || state.meter !== null
}

/** The counts so far go to the meter first: those of the time before the SDK was there. */
function attachMeter(state: MetricsState, meter: Sink): void {
  state.meter = meter
  state.adders.clear()
  for (const [topic, outcomes] of state.outcomes) {
    for (const key of outcomeKeys) meter.series(libraryMetrics[key], outcomeLabels(state, topic))(outcomes[key])
  }
}

function outcomesOf(state: MetricsState, topic: string): Outcomes {
  const known = state.outcomes.get(topic)
  if (known !== undefined) return known
  const none = { consumed: 0, retried: 0, deadLettered: 0, skipped: 0 }
  state.outcomes.set(topic, none)
  if (wanted(state) && state.meter !== null) {
    for (const key of outcomeKeys) state.meter.series(libraryMetrics[key], outcomeLabels(state, topic))(0)
  }
  return none
}

function countOutcome(state: MetricsState, topic: string, key: OutcomeKey): void {
  // Before the count: a meter that comes now gets the counts so far.
  if (state.meter === null) wanted(state)
  outcomesOf(state, topic)[key]++
  state.meter?.series(libraryMetrics[key], outcomeLabels(state, topic))(1)
}

const outcomeLabels = ({ group }: MetricsState, topic: string): Labels => ({
  'messaging.consumer.group.name': group,
  'messaging.destination.name': topic,
})

function addOperation(state: MetricsState, name: OperationName, operation: Operation): void {
  add(state, 'operationDuration', operation.seconds, operation, name)
}

function add(
  state: MetricsState,
  key: LibraryMetricKey,
  value: number,
  { topic, server, error }: Omit<Operation, 'seconds'>,
  name: OperationName,
): void {
  const id = `${key} ${name} ${topic} ${server?.host}:${server?.port} ${error}`
  let adders = state.adders.get(id)
  if (adders === undefined) {
    const metric = libraryMetrics[key]
    const labels: Labels = {
      'messaging.system': 'kafka',
      'messaging.operation.name': name,
      'messaging.operation.type': operationTypes[name],
      'messaging.destination.name': topic,
      'messaging.consumer.group.name': name === 'send' ? null : state.group,
      'error.type': error,
      'server.address': server?.host ?? null,
      'server.port': server?.port ?? null,
    }
    const own = onlyOf(metric, labels)
    adders = [state.own, state.meter].flatMap((sink) => (sink === null ? [] : [sink.series(metric, own)]))
    state.adders.set(id, adders)
  }
  for (const one of adders) one(value)
}

/** The labels that the metric has, without those that have no value. */
function onlyOf({ attributes }: LibraryMetric, labels: Labels): Labels {
  return Object.fromEntries(
    attributes.flatMap((name) => (labels[name] === null || labels[name] === undefined ? [] : [[name, labels[name]]])),
  )
}

function text(state: MetricsState): string {
  if (state.own === null) {
    state.own = createLibraryMeasurements()
    state.adders.clear()
  }
  const outcomes = createLibraryMeasurements()
  for (const key of outcomeKeys) {
    for (const [topic, counts] of state.outcomes) {
      outcomes.series(libraryMetrics[key], outcomeLabels(state, topic))(counts[key])
    }
  }
  return `${state.own.text()}${outcomes.text()}`
}

/** OpenTelemetry's meter of the process, as it is registered now. */
function meterSink({ metrics }: OpenTelemetry): Sink {
  const meter = metrics.getMeter('@selfmonitor/events')
  const instruments = new Map<LibraryMetric, Counter | Histogram>()
  return {
    series(metric, labels) {
      let instrument = instruments.get(metric)
      if (instrument === undefined) {
        const { name, unit, help: description } = metric
        instrument =
          metric.type === 'counter'
            ? meter.createCounter(name, { unit, description })
            : meter.createHistogram(name, {
                unit,
                description,
                advice: { explicitBucketBoundaries: [...durationBuckets] },
              })
        instruments.set(metric, instrument)
      }
      const attributes = labels as Record<string, string | number>
      return 'record' in instrument
        ? (value) => instrument.record(value, attributes)
        : (value) => instrument.add(value, attributes)
    },
  }
}
