// Every metric of the library: one row each. The OpenTelemetry instruments, the text for Prometheus, alert rules, dashboards, the
// README's table and the tests read this table.
//
// `messaging.*` are those of OpenTelemetry's semantic conventions 1.44
// (https://opentelemetry.io/docs/specs/semconv/messaging/messaging-metrics/); `selfmonitor.events.*` are the library's own, which
// the objectives of platform.yaml are computed from.

export interface LibraryMetric {
  /** OpenTelemetry's name. */
  readonly name: string
  readonly type: 'counter' | 'histogram'
  /** In UCUM, as OpenTelemetry writes it. */
  readonly unit: 's' | '{message}' | '{event}'
  readonly help: string
  /** Those that a series may have; one without a value is left out. None has the id of a client, a member or a message. */
  readonly attributes: readonly string[]
}

/** Upper bounds in seconds, as the conventions advise for both durations. */
export const durationBuckets = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10] as const

/** `messaging.operation.type` by `messaging.operation.name`, of spans and metrics. */
export const operationTypes = {
  send: 'send',
  create: 'create',
  poll: 'receive',
  commit: 'settle',
  process: 'process',
} as const

export type OperationName = keyof typeof operationTypes

const operation = ['messaging.system', 'messaging.operation.name'] as const
const destination = 'messaging.destination.name'
const group = 'messaging.consumer.group.name'
const server = ['server.address', 'server.port'] as const
const byGroupAndTopic = [group, destination] as const

export const libraryMetrics = {
  operationDuration: {
    name: 'messaging.client.operation.duration',
    type: 'histogram',
    unit: 's',
    help: 'Duration of send (from emit to the acknowledgement), poll (a fetch that brought records or failed) and commit.',
    attributes: [...operation, 'messaging.operation.type', destination, group, 'error.type', ...server],
  },
  sentMessages: {
    name: 'messaging.client.sent.messages',
    type: 'counter',
    unit: '{message}',
    help: 'Messages that were sent, with error.type those that were not acknowledged.',
    attributes: [...operation, destination, 'error.type', ...server],
  },
  consumedMessages: {
    name: 'messaging.client.consumed.messages',
    type: 'counter',
    unit: '{message}',
    help: 'Messages that were read from Kafka, once for each time they were delivered to this process.',
    attributes: [...operation, destination, group, ...server],
  },
  processDuration: {
    name: 'messaging.process.duration',
    type: 'histogram',
    unit: 's',
    help: 'Duration of a handler: one observation for each attempt.',
    attributes: [...operation, 'messaging.operation.type', destination, group, 'error.type'],
  },
  consumed: {
    name: 'selfmonitor.events.consumed',
    type: 'counter',
    unit: '{event}',
    help: 'Events that the group is done with: a handler returned, or they were moved to the dead letters. Skipped ones are not among them.',
    attributes: byGroupAndTopic,
  },
  retried: {
    name: 'selfmonitor.events.retried',
    type: 'counter',
    unit: '{event}',
    help: 'Attempts at an event that failed and are repeated.',
    attributes: byGroupAndTopic,
  },
  deadLettered: {
    name: 'selfmonitor.events.dead_lettered',
    type: 'counter',
    unit: '{event}',
    help: 'Events that were given up and moved to the dead letters. Processing success is 1 - dead-lettered / consumed.',
    attributes: byGroupAndTopic,
  },
  skipped: {
    name: 'selfmonitor.events.skipped',
    type: 'counter',
    unit: '{event}',
    help: 'Events of types that this service has no handler for.',
    attributes: byGroupAndTopic,
  },
} as const satisfies Readonly<Record<string, LibraryMetric>>

export type LibraryMetricKey = keyof typeof libraryMetrics

/**
 * The metric's name in Prometheus, as OpenTelemetry's exporters give it: dots become underscores, the unit and `_total` are added.
 * https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/
 * @returns of a histogram the name without `_bucket`, `_sum` and `_count`
 */
export function prometheusName({ name, unit, type }: LibraryMetric): string {
  return `${prometheusLabel(name)}${unit === 's' ? '_seconds' : ''}${type === 'counter' ? '_total' : ''}`
}

/** An attribute's name as a label: `messaging.destination.name` is `messaging_destination_name`. */
export function prometheusLabel(attribute: string): string {
  return attribute.replaceAll(/[^A-Za-z0-9_]/g, '_')
}
