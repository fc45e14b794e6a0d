// Connect, Schema Registry and ksqlDB: whether they answer, and what their own metrics say.
import type { ServiceMetricKey } from '../metrics/jmx-services.ts'
import type { Dashboard, Panel } from './model.ts'
import {
  badFrom,
  lines,
  maxBy,
  now,
  ofBrokers,
  ofServices,
  query,
  rateOfBrokers,
  rateOfServices,
  serviceMarks,
  servicesUp,
  stat,
  sumBy,
  variables,
  withSource,
} from './query.ts'

const byTask = ['connector', 'task'] as const

const from =
  (source: string, noValue: string) =>
  <P extends Panel>(panel: P): P =>
    withSource(panel, source, noValue)

const agent = "the chart's JMX agent"
const fromConnect = from(`${agent}.`, 'Connect exports no metrics of its own here.')
const fromKsqldb = from(`${agent}.`, 'ksqlDB exports no metrics of its own here.')
const fromEitherRegistry = from(
  `${agent}, or our own registry at /metrics.`,
  'The registry exports no metrics of its own here.',
)
const fromConfluentRegistry = from(`${agent}, with Confluent's registry.`, "Confluent's registry is not scraped here.")
const fromOwnRegistry = from('our own registry at /metrics.', 'Our own registry is not scraped here.')

const perConnector = (key: ServiceMetricKey): string => sumBy(['connector'], rateOfServices(key))

const answers: readonly Panel[] = [
  {
    ...servicesUp,
    width: 12,
    title: 'Services',
  },
  {
    ...stat,
    width: 6,
    title: 'Failed connectors',
    description: 'Connectors whose state is FAILED, by the REST interface of Connect. 0 is good.',
    queries: [query(sumBy(['cluster'], `1 - ${now('connectorUp')}`), '{{cluster}}')],
    thresholds: badFrom(1),
    noValue: 'no connectors',
  },
  {
    ...stat,
    width: 6,
    title: 'Failed tasks',
    description: 'Tasks of connectors whose state is FAILED: they stay failed until they are restarted. 0 is good.',
    queries: [query(sumBy(['cluster'], now('connectorTasksFailed')), '{{cluster}}')],
    thresholds: badFrom(1),
    noValue: 'no connectors',
  },
]

const connect: readonly Panel[] = [
  fromConnect({
    kind: 'table',
    width: 24,
    height: 8,
    title: 'Connectors',
    description:
      'Each connector: its tasks, how many run and how many have failed, what its tasks wrote to Kafka or sent to the other system, and its errors, in records per second.',
    unit: 'short',
    labels: [{ name: 'connector', heading: 'Connector' }],
    queries: [
      query(sumBy(['connector'], ofServices('tasksByState', { state: 'total' })), 'Tasks'),
      query(sumBy(['connector'], ofServices('tasksByState', { state: 'running' })), 'Running'),
      query(sumBy(['connector'], ofServices('tasksByState', { state: 'failed' })), 'Failed'),
      query(perConnector('sourceWritten'), 'Written to Kafka', 'mps'),
      query(perConnector('sinkSent'), 'Sent by sinks', 'mps'),
      query(perConnector('recordErrors'), 'Errors', 'mps'),
    ],
  }),
  fromConnect({
    ...lines,
    title: 'Records of sources',
    description: 'Records that source tasks read from the other system, and those of them that were written to Kafka.',
    unit: 'mps',
    queries: [
      query(perConnector('sourcePolled'), '{{connector}} read'),
      query(perConnector('sourceWritten'), '{{connector}} written'),
    ],
  }),
  fromConnect({
    ...lines,
    title: 'Records of sinks',
    description: 'Records that sink tasks read from Kafka, and those of them that they sent to the other system.',
    unit: 'mps',
    queries: [
      query(perConnector('sinkRead'), '{{connector}} read'),
      query(perConnector('sinkSent'), '{{connector}} sent'),
    ],
  }),
  fromConnect({
    ...lines,
    title: 'Errors, retries and skipped records',
    description:
      'Failures in converters, transformations and connectors: attempts that failed, attempts that were repeated, records that failed for good and records that were skipped (errors.tolerance=all).',
    unit: 'cps',
    queries: [
      query(perConnector('recordErrors'), '{{connector}} failed attempts'),
      query(perConnector('retries'), '{{connector}} retries'),
      query(perConnector('recordFailures'), '{{connector}} failed records'),
      query(perConnector('recordsSkipped'), '{{connector}} skipped records'),
    ],
  }),
  fromConnect({
    ...lines,
    title: 'Dead letters',
    description: 'Records that sinks wrote to their dead letter topic, and those that could not be written there.',
    unit: 'mps',
    queries: [
      query(perConnector('deadLetters'), '{{connector}}'),
      query(perConnector('deadLettersFailed'), '{{connector}} not written'),
    ],
  }),
  fromConnect({
    ...lines,
    title: 'Tasks by state',
    description: 'Tasks of all workers by their state. Unassigned for longer than a rebalance: no worker takes them.',
    unit: 'short',
    stacked: true,
    queries: [query(sumBy(['state'], ofServices('tasksByState', { state: { matcher: '!="total"' } })), '{{state}}')],
  }),
  fromConnect({
    ...lines,
    title: 'Connectors and tasks of each worker',
    description: 'How the connectors and tasks are spread over the workers. Equal lines are a balanced group.',
    unit: 'short',
    queries: [
      query(ofServices('connectors'), '{{instance}} connectors'),
      query(ofServices('tasks'), '{{instance}} tasks'),
    ],
  }),
  fromConnect({
    ...lines,
    title: 'Time of a batch',
    description:
      'Mean time that a source task took for a poll and that a sink task took to put a batch. It rises when the other system is slow.',
    unit: 'ms',
    queries: [
      query(maxBy(byTask, ofServices('sourceBatchTime')), '{{connector}} {{task}} poll'),
      query(maxBy(byTask, ofServices('sinkBatchTime')), '{{connector}} {{task}} put'),
    ],
  }),
  fromConnect({
    ...lines,
    title: 'Records in flight',
    description:
      'Records that source tasks have read and Kafka has not acknowledged, and those that sink tasks have read and not committed.',
    unit: 'short',
    queries: [
      query(maxBy(byTask, ofServices('sourceInFlight')), '{{connector}} {{task}} source'),
      query(maxBy(byTask, ofServices('sinkInFlight')), '{{connector}} {{task}} sink'),
    ],
  }),
  fromConnect({
    ...lines,
    title: 'Longest offset commit',
    description: 'The longest time that a task took to commit its offsets. After a crash it repeats what came after.',
    unit: 'ms',
    queries: [query(maxBy(byTask, ofServices('commitTime')), '{{connector}} {{task}}')],
  }),
  fromConnect({
    ...lines,
    title: 'Failed offset commits',
    description: 'Share of the offset commits of each task that failed.',
    unit: 'percentunit',
    max: 1,
    queries: [query(maxBy(byTask, ofServices('commitFailures')), '{{connector}} {{task}}')],
  }),
  fromConnect({
    ...lines,
    title: 'Rebalances of the workers',
    description:
      'How often the group of the workers distributed connectors and tasks anew. Often: workers come and go.',
    unit: 'cps',
    queries: [query(rateOfServices('workerRebalances'), '{{instance}}')],
  }),
  fromConnect({
    ...lines,
    title: 'Failed starts',
    description: 'Connectors and tasks that could not be started, by worker.',
    unit: 'cps',
    queries: [
      query(rateOfServices('connectorStartupFailures'), '{{instance}} connectors'),
      query(rateOfServices('taskStartupFailures'), '{{instance}} tasks'),
    ],
  }),
]

const registry: readonly Panel[] = [
  fromEitherRegistry({
    ...lines,
    title: 'Requests of the registry',
    description: 'Requests that the registry answered, and those that it answered with an error.',
    unit: 'reqps',
    queries: [
      query(sumBy(['instance'], rateOfServices('registrySucceeded')), '{{instance}}'),
      query(sumBy(['instance'], rateOfServices('registryFailed')), '{{instance}} errors'),
    ],
  }),
  fromEitherRegistry({
    ...lines,
    title: 'Time of a request, 99th percentile',
    description: 'Time that the registry took to answer. Registrations wait for Kafka, lookups do not.',
    unit: 'ms',
    queries: [
      query(
        `${maxBy(['instance'], ofServices('registryLatency'))} or 1000 * histogram_quantile(0.99, ${sumBy(['instance', 'le'], rateOfServices('registryDuration', {}, '_bucket'))})`,
        '{{instance}}',
      ),
    ],
  }),
  fromEitherRegistry({
    ...lines,
    title: 'Schemas',
    description: 'Versions of schemas that are registered, and those that are soft-deleted.',
    unit: 'short',
    queries: [
      query(ofServices('registrySchemas'), '{{instance}} registered'),
      query(ofServices('registryDeleted'), '{{instance}} deleted'),
    ],
  }),
  fromOwnRegistry({
    ...lines,
    title: 'Errors by path',
    description: 'Requests that were answered with an error, by method, path of the API and status.',
    unit: 'reqps',
    queries: [
      query(
        sumBy(
          ['method', 'path', 'status'],
          rateOfServices('registryDuration', { status: { matcher: '=~"4..|5.."' } }, '_count'),
        ),
        '{{method}} {{path}} {{status}}',
      ),
    ],
  }),
  fromConfluentRegistry({
    ...lines,
    width: 8,
    title: 'Leader of the registries',
    description: '1 for the replica that takes registrations, 0 for the others. One of them has to be 1.',
    unit: 'short',
    max: 1,
    queries: [query(ofServices('registryLeader'), '{{instance}}')],
  }),
  fromConfluentRegistry({
    ...lines,
    width: 8,
    title: 'Threads in use',
    description: 'Share of the threads for requests that are in use. At 1 requests wait.',
    unit: 'percentunit',
    max: 1,
    queries: [query(ofServices('registryThreads'), '{{instance}}')],
  }),
  fromConfluentRegistry({
    ...lines,
    width: 8,
    title: 'Connections of the registry',
    description: 'Open connections of clients.',
    unit: 'short',
    queries: [query(ofServices('registryConnections'), '{{instance}}')],
  }),
]

const ksqldb: readonly Panel[] = [
  fromKsqldb({
    ...lines,
    title: 'Queries by state',
    description: 'Persistent queries by the state of their Kafka Streams application. ERROR needs a look at the log.',
    unit: 'short',
    stacked: true,
    queries: [query(sumBy(['state'], ofServices('queriesByState')), '{{state}}')],
  }),
  fromKsqldb({
    ...lines,
    title: 'Queries that do not run',
    description: 'Queries whose status is another than RUNNING, each with its status. None is good.',
    unit: 'short',
    queries: [
      query(
        maxBy(['query', 'status'], ofServices('queryStatus', { status: { matcher: '!="RUNNING"' } })),
        '{{query}} {{status}}',
      ),
    ],
  }),
  fromKsqldb({
    ...lines,
    title: 'Messages of the queries',
    description: 'Messages that all queries of each server read from and wrote to Kafka.',
    unit: 'mps',
    queries: [
      query(ofServices('messagesConsumed'), '{{instance}} read'),
      query(ofServices('messagesProduced'), '{{instance}} written'),
    ],
  }),
  fromKsqldb({
    ...lines,
    title: 'Bytes read',
    description: 'Bytes that all queries of each server read from Kafka.',
    unit: 'Bps',
    queries: [query(rateOfServices('bytesConsumed'), '{{instance}}')],
  }),
  fromKsqldb({
    ...lines,
    title: 'Messages with errors',
    description: 'Messages that could not be processed, mostly because they could not be deserialized.',
    unit: 'mps',
    queries: [query(ofServices('errorRate'), '{{instance}}')],
  }),
  fromKsqldb({
    ...lines,
    title: 'Command runner',
    description:
      'The state of the thread that executes statements: RUNNING, ERROR, or DEGRADED after a statement that it cannot execute.',
    unit: 'short',
    max: 1,
    queries: [query(ofServices('commandRunner'), '{{instance}} {{status}}')],
  }),
]

/** Brokers have these too: only processes that also have one of the services' metrics. */
const ofTheServices = (expression: string): string =>
  `${expression} and on (job, instance) (${serviceMarks.map((key) => ofServices(key)).join(' or ')})`

const processes: readonly Panel[] = [
  {
    title: 'CPU',
    description: 'Cores that the process of each service uses.',
    unit: 'short' as const,
    expression: rateOfBrokers('cpu'),
  },
  {
    title: 'Java heap used',
    description: 'Share of the maximum heap that is used. Near 1 for long: garbage collection takes over.',
    unit: 'percentunit' as const,
    max: 1,
    expression: `${ofBrokers('jvmMemoryUsed', { area: 'heap' })} / (${ofBrokers('jvmMemoryMax', { area: 'heap' })} > 0)`,
  },
  {
    title: 'Garbage collection',
    description: 'Share of the time that was spent in garbage collection.',
    unit: 'percentunit' as const,
    expression: sumBy(['job', 'instance'], rateOfBrokers('jvmGcSeconds')),
  },
].map(({ expression, ...panel }) =>
  from(
    `${agent}.`,
    'The services export no metrics of their own here.',
  )({ ...lines, width: 8, ...panel, queries: [query(ofTheServices(expression), '{{instance}}')] }),
)

export const services: Dashboard = {
  uid: 'selfmonitor-kafka-services',
  title: 'Connect, Schema Registry and ksqlDB',
  description: 'Whether the services beside Kafka answer, and what connectors, schemas and queries do.',
  variables: variables('cluster', 'serviceJob', 'serviceInstance'),
  rows: [
    { title: 'Do they answer?', panels: answers },
    { title: 'Kafka Connect', panels: connect },
    { title: 'Schema Registry', panels: registry },
    { title: 'ksqlDB', panels: ksqldb },
    { title: 'Processes', panels: processes },
  ],
}
