// Topic Analysis: rates, size, retention, and how partitions are spread.
import type { Dashboard } from './model.ts'
import {
  badFrom,
  fromBrokers,
  lines,
  maxBy,
  neutral,
  now,
  ofTopic,
  query,
  rate,
  rateOfBrokers,
  stat,
  sumBy,
  topK,
  variables,
} from './query.ts'

const byTopic = ['cluster', 'topic']

export const topics: Dashboard = {
  uid: 'selfmonitor-kafka-topics',
  title: 'Topic Analysis',
  description: 'Rates, size, retention and partitions of the topics.',
  variables: variables('oneCluster', 'job', 'instance', 'topic'),
  rows: [
    {
      title: 'Now',
      panels: [
        {
          ...stat,
          title: 'Topics',
          description: 'Number of chosen topics.',
          queries: [query(`count(${now('topicPartitions', ofTopic)})`, 'topics')],
          thresholds: neutral,
        },
        {
          ...stat,
          title: 'Partitions',
          description: 'Partitions of the chosen topics.',
          queries: [query(`sum(${now('topicPartitions', ofTopic)})`, 'partitions')],
          thresholds: neutral,
        },
        {
          ...stat,
          title: 'Messages in',
          description: 'Messages per second that are written to the chosen topics.',
          unit: 'mps',
          queries: [query(`sum(${rate('endOffset', ofTopic)})`, 'in')],
          thresholds: neutral,
        },
        {
          ...stat,
          title: 'Size',
          description: 'Bytes on disk of the largest replica of each partition, summed.',
          unit: 'bytes',
          queries: [query(`sum(${now('logSize', ofTopic)})`, 'size')],
          thresholds: neutral,
        },
        {
          ...stat,
          title: 'Without a leader',
          description: 'Partitions of the chosen topics that can be neither written nor read.',
          queries: [query(`sum(${now('offline', ofTopic)})`, 'partitions')],
          thresholds: badFrom(1),
        },
        {
          ...stat,
          title: 'Created again',
          description:
            'How often a chosen topic was deleted and created again since the exporter started. Its messages were lost.',
          queries: [query(`sum(${now('topicRecreations', ofTopic)})`, 'times')],
          thresholds: badFrom(1),
        },
      ],
    },
    {
      title: 'Rates',
      panels: [
        {
          ...lines,
          title: 'Messages in by topic',
          description: 'Growth of the end offsets.',
          unit: 'mps',
          queries: [query(topK(20, sumBy(byTopic, rate('endOffset', ofTopic))), '{{topic}}')],
        },
        fromBrokers({
          ...lines,
          title: 'Bytes in by topic',
          description: 'Bytes that producers wrote.',
          unit: 'Bps',
          queries: [query(topK(20, sumBy(['topic'], rateOfBrokers('topicBytesIn', ofTopic))), '{{topic}}')],
        }),
        {
          ...lines,
          title: 'Messages removed by retention',
          description: 'Growth of the log start offsets: messages that retention or DeleteRecords removed.',
          unit: 'mps',
          queries: [query(topK(20, sumBy(byTopic, rate('startOffset', ofTopic))), '{{topic}}')],
        },
        {
          ...lines,
          title: 'Messages kept',
          description:
            'End offset minus start offset: messages in the log, including those that compaction has removed.',
          unit: 'short',
          queries: [
            query(
              topK(20, `${sumBy(byTopic, now('endOffset', ofTopic))} - ${sumBy(byTopic, now('startOffset', ofTopic))}`),
              '{{topic}}',
            ),
          ],
        },
      ],
    },
    {
      title: 'Size and retention',
      panels: [
        {
          ...lines,
          title: 'Size by topic',
          description: 'Bytes on disk of the largest replica of each partition, summed by topic.',
          unit: 'bytes',
          queries: [query(topK(20, sumBy(byTopic, now('logSize', ofTopic))), '{{topic}}')],
        },
        {
          ...lines,
          title: 'Retention used by the slowest group',
          description:
            'The largest share of the retention time that has passed for an unread message. At 100 % messages are deleted unread.',
          unit: 'percentunit',
          thresholds: badFrom(0.8),
          queries: [
            query(topK(20, maxBy([...byTopic, 'group'], now('retentionUsed', ofTopic))), '{{topic}} · {{group}}'),
          ],
          noValue: 'nothing unread, or no limit',
        },
      ],
    },
    {
      title: 'Partitions',
      panels: [
        {
          kind: 'bars',
          width: 12,
          height: 10,
          title: 'Busiest partitions',
          description:
            'The 20 partitions with the most new messages. One that is much busier than the others of its topic: a hot key.',
          unit: 'mps',
          thresholds: [{ at: null, colour: 'blue' }],
          queries: [query(topK(20, rate('endOffset', ofTopic)), '{{topic}}/{{partition}}')],
        },
        {
          kind: 'bars',
          width: 12,
          height: 10,
          title: 'Largest partitions',
          description: 'The 20 partitions with the most bytes on disk.',
          unit: 'bytes',
          thresholds: [{ at: null, colour: 'blue' }],
          queries: [query(topK(20, now('logSize', ofTopic)), '{{topic}}/{{partition}}')],
        },
        {
          ...lines,
          title: 'Under-replicated partitions',
          description: 'Partitions with fewer replicas in sync than assigned.',
          unit: 'short',
          queries: [query(sumBy(byTopic, now('underReplicated', ofTopic)), '{{topic}}')],
        },
        {
          ...lines,
          title: 'Held back by transactions',
          description:
            'Messages between the last stable offset and the end: consumers with read_committed wait for them. A line that only rises means a hanging transaction.',
          unit: 'short',
          queries: [query(topK(20, maxBy(byTopic, now('lsoLag', ofTopic))), '{{topic}}')],
        },
      ],
    },
  ],
}
