// Broker Performance: CPU, memory, disk, network, requests. The same for Apache Kafka (JMX agent) and for the embedded broker.
import type { Dashboard, Panel } from './model.ts'
import {
  badFrom,
  diskUsed,
  fromBrokers,
  fromJava,
  lines,
  maxBy,
  now,
  ofBrokers,
  query,
  rateOfBrokers,
  sumBy,
  variables,
} from './query.ts'

const p99 = { quantile: '0.99' }

const requests: readonly Panel[] = [
  fromBrokers({
    ...lines,
    title: 'Requests by type',
    description: 'Requests that all chosen brokers answered.',
    unit: 'reqps',
    stacked: true,
    queries: [query(sumBy(['request'], rateOfBrokers('requests')), '{{request}}')],
  }),
  fromBrokers({
    ...lines,
    title: 'Failed requests by error',
    description: 'Answers with an error code, by request and error.',
    unit: 'reqps',
    queries: [
      query(
        sumBy(['request', 'error'], rateOfBrokers('requestErrors', { error: { matcher: '!="NONE"' } })),
        '{{request}} {{error}}',
      ),
    ],
  }),
  fromBrokers({
    ...lines,
    title: 'Request time, 99th percentile',
    description: 'Time from reading a request to sending its answer. Fetches wait for messages, so theirs may be long.',
    unit: 'ms',
    queries: [query(maxBy(['instance', 'request'], ofBrokers('requestTime', p99)), '{{instance}} {{request}}')],
  }),
  fromBrokers({
    ...lines,
    title: 'Time in the request queue, 99th percentile',
    description: 'Time that requests waited for a request handler. When a broker is overloaded, this rises first.',
    unit: 'ms',
    queries: [query(maxBy(['instance', 'request'], ofBrokers('requestQueueTime', p99)), '{{instance}} {{request}}')],
  }),
  fromBrokers({
    ...lines,
    title: 'Idle request handlers',
    description: 'Share of the time in which the request handlers were idle. Below 0.3 the broker is overloaded.',
    unit: 'percentunit',
    max: 1,
    queries: [query(ofBrokers('handlerIdle'), '{{instance}}')],
  }),
  fromBrokers({
    ...lines,
    title: 'Idle network threads',
    description: 'Share of the time in which the network threads were idle. Below 0.3 the network is the limit.',
    unit: 'percentunit',
    max: 1,
    queries: [query(ofBrokers('networkIdle'), '{{instance}}')],
  }),
]

const processes: readonly Panel[] = [
  fromBrokers({
    ...lines,
    title: 'CPU',
    description: 'Cores that the process of each broker uses.',
    unit: 'short',
    queries: [query(rateOfBrokers('cpu'), '{{instance}}')],
  }),
  fromBrokers({
    ...lines,
    title: 'Memory of the process',
    description: 'Resident memory of each broker.',
    unit: 'bytes',
    queries: [query(ofBrokers('residentMemory'), '{{instance}}')],
  }),
  fromJava({
    ...lines,
    width: 8,
    title: 'Java heap used',
    description: 'Share of the maximum heap that is used.',
    unit: 'percentunit',
    max: 1,
    queries: [
      query(
        `${ofBrokers('jvmMemoryUsed', { area: 'heap' })} / (${ofBrokers('jvmMemoryMax', { area: 'heap' })} > 0)`,
        '{{instance}}',
      ),
    ],
  }),
  fromJava({
    ...lines,
    width: 8,
    title: 'Garbage collection',
    description: 'Share of the time that garbage collection took.',
    unit: 'percentunit',
    queries: [query(sumBy(['instance'], rateOfBrokers('jvmGcSeconds')), '{{instance}}')],
  }),
  fromBrokers({
    ...lines,
    width: 8,
    title: 'Open files',
    description: 'Share of the file descriptors that are open. A broker that has no free ones refuses connections.',
    unit: 'percentunit',
    max: 1,
    queries: [query(`${ofBrokers('openFiles')} / (${ofBrokers('maxFiles')} > 0)`, '{{instance}}')],
  }),
]

const disks: readonly Panel[] = [
  {
    ...lines,
    title: 'Disk used',
    description: 'Share of the volume of each log directory that is used. Above 80 % for 10 minutes an alert fires.',
    unit: 'percentunit',
    max: 1,
    thresholds: badFrom(0.8),
    queries: [query(diskUsed, 'broker {{broker}} {{path}}')],
    noValue: 'not reported (Kafka before 3.3)',
  },
  {
    ...lines,
    title: 'Usable bytes',
    description: 'Bytes that each log directory can still take.',
    unit: 'bytes',
    queries: [query(now('logDirUsable'), 'broker {{broker}} {{path}}')],
    noValue: 'not reported (Kafka before 3.3)',
  },
  fromBrokers({
    ...lines,
    title: 'Flush time, 99th percentile',
    description: 'Time that flushing a log to disk took.',
    unit: 'ms',
    queries: [query(maxBy(['instance'], ofBrokers('flushTime', p99)), '{{instance}}')],
  }),
  {
    ...lines,
    title: 'Log directories',
    description: '1 for a log directory that works, 0 for one that the broker has taken offline.',
    unit: 'short',
    max: 1,
    queries: [query(now('logDirUp'), 'broker {{broker}} {{path}}')],
  },
]

export const brokers: Dashboard = {
  uid: 'selfmonitor-kafka-brokers',
  title: 'Broker Performance',
  description: 'CPU, memory, disk, network and requests of each broker; leaders, replicas and the quorum.',
  variables: variables('oneCluster', 'job', 'instance'),
  rows: [
    {
      title: 'Brokers',
      panels: [
        {
          kind: 'table',
          width: 24,
          height: 7,
          title: 'Brokers',
          description:
            'Whether each broker answers at its advertised address, how fast, and how many partitions it leads and stores.',
          unit: 'short',
          labels: [{ name: 'broker', heading: 'Broker' }],
          queries: [
            query(maxBy(['broker'], now('brokerUp')), 'Answers', 'bool_yes_no'),
            query(maxBy(['broker'], now('brokerAnswer')), 'Time to answer', 's'),
            query(maxBy(['broker'], now('brokerLeaders')), 'Leaders'),
            query(maxBy(['broker'], now('brokerReplicas')), 'Replicas'),
          ],
        },
      ],
    },
    {
      title: 'Network',
      panels: [
        fromBrokers({
          ...lines,
          title: 'Bytes in',
          description: 'Bytes that producers wrote to each broker, without replication.',
          unit: 'Bps',
          queries: [query(rateOfBrokers('bytesIn'), '{{instance}}')],
        }),
        fromBrokers({
          ...lines,
          title: 'Bytes out',
          description: 'Bytes that consumers read from each broker, without replication.',
          unit: 'Bps',
          queries: [query(rateOfBrokers('bytesOut'), '{{instance}}')],
        }),
        fromBrokers({
          ...lines,
          title: 'Connections',
          description: 'Open connections by listener.',
          unit: 'short',
          queries: [query(sumBy(['instance', 'listener'], ofBrokers('connections')), '{{instance}} {{listener}}')],
        }),
        fromBrokers({
          ...lines,
          title: 'Failed logins',
          description: 'Connections whose login failed. A service with a wrong password appears here first.',
          unit: 'cps',
          queries: [query(sumBy(['instance', 'listener'], rateOfBrokers('failedLogins')), '{{instance}} {{listener}}')],
        }),
      ],
    },
    { title: 'Requests', panels: requests },
    { title: 'CPU and memory', panels: processes },
    { title: 'Disk', panels: disks },
    {
      title: 'Replication and quorum',
      panels: [
        {
          ...lines,
          title: 'Leaders by broker',
          description: 'Partitions that each broker leads. In a balanced cluster the lines are equal.',
          unit: 'short',
          queries: [query(now('brokerLeaders'), 'broker {{broker}}')],
        },
        {
          ...lines,
          title: 'Led by the preferred replica',
          description:
            'Share of the partitions that are led by their preferred replica. It falls when a broker restarts, and rises again after the automatic balancing.',
          unit: 'percentunit',
          max: 1,
          queries: [query(now('preferredLeaders'), '{{cluster}}')],
        },
        fromBrokers({
          ...lines,
          title: 'ISR shrinks and expands',
          description:
            'How often replicas left and joined the replicas in sync. Shrinks without a restart mean a slow disk or network.',
          unit: 'cps',
          queries: [
            query(rateOfBrokers('isrShrinks'), '{{instance}} shrinks'),
            query(rateOfBrokers('isrExpands'), '{{instance}} expands'),
          ],
        }),
        {
          ...lines,
          title: 'Lag of the quorum',
          description: 'Records of the metadata log that each voter and observer is behind its leader.',
          unit: 'short',
          queries: [query(now('quorumLag'), '{{role}} {{replica}}')],
          noValue: 'no quorum (embedded broker, ZooKeeper)',
        },
      ],
    },
  ],
}
