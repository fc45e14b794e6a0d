// Consumer Monitoring: which groups have lag, how much, since when, and whether it shrinks.
import type { Dashboard, ValueName } from './model.ts'
import {
  badFrom,
  increase,
  lines,
  maxBy,
  neutral,
  now,
  ofGroup,
  ofGroupAndTopic,
  query,
  rate,
  stat,
  sumBy,
  topK,
  variables,
} from './query.ts'

const groupTopic = ['cluster', 'group', 'topic']

/** Kafka's states of a group, as numbers for the timeline. */
const states: readonly ValueName[] = [
  { value: 1, text: 'Stable', colour: 'green' },
  { value: 2, text: 'Empty', colour: 'text' },
  { value: 3, text: 'PreparingRebalance', colour: 'yellow' },
  { value: 4, text: 'CompletingRebalance', colour: 'yellow' },
  { value: 5, text: 'Assigning', colour: 'yellow' },
  { value: 6, text: 'Reconciling', colour: 'yellow' },
  { value: 7, text: 'Dead', colour: 'red' },
  { value: 8, text: 'Unknown', colour: 'red' },
]
const stateNumber = states
  .map(({ value, text }) => `${now('groupState', { ...ofGroup, state: text })} * ${value}`)
  .join(' or ')

export const consumers: Dashboard = {
  uid: 'selfmonitor-kafka-consumers',
  title: 'Consumer Monitoring',
  description: 'Lag in messages and seconds, throughput and state of the consumer groups.',
  variables: variables('oneCluster', 'job', 'instance', 'group', 'topic'),
  rows: [
    {
      title: 'Now',
      panels: [
        {
          ...stat,
          title: 'Groups',
          description: 'Number of chosen consumer groups.',
          queries: [query(`count(${now('groupMembers', ofGroup)})`, 'groups')],
          thresholds: neutral,
        },
        {
          ...stat,
          title: 'Lag',
          description: 'Sum of the lag of the chosen groups, in messages.',
          queries: [query(`sum(${now('groupTopicLag', ofGroupAndTopic)})`, 'messages')],
          thresholds: badFrom(100_000, 1000),
        },
        {
          ...stat,
          title: 'Lag in seconds',
          description: 'Age of the oldest message that one of the chosen groups has not read.',
          unit: 's',
          queries: [query(`max(${now('groupTopicLagSeconds', ofGroupAndTopic)})`, 'oldest')],
          thresholds: badFrom(300, 60),
        },
        {
          ...stat,
          title: 'Groups without members',
          description: 'Groups with lag and without members.',
          queries: [
            query(
              `count((${sumBy(['cluster', 'group'], now('groupMembers', ofGroup))} == 0) and on (cluster, group) (${sumBy(['cluster', 'group'], now('groupTopicLag', ofGroup))} > 0)) or vector(0)`,
              'groups',
            ),
          ],
          thresholds: badFrom(1),
        },
        {
          ...stat,
          title: 'Retention used',
          description:
            'The largest share of the retention time that has passed for an unread message. At 100 % messages are deleted unread.',
          unit: 'percentunit',
          max: 1,
          queries: [query(`max(${now('retentionUsed', ofGroupAndTopic)})`, 'largest')],
          thresholds: badFrom(0.8, 0.5),
        },
        {
          ...stat,
          title: 'Messages lost',
          description: 'Messages in the time range shown that were deleted before the chosen groups had read them.',
          queries: [query(`sum(${increase('lost', ofGroupAndTopic)})`, 'messages')],
          thresholds: badFrom(1),
        },
      ],
    },
    {
      title: 'Lag',
      panels: [
        {
          ...lines,
          title: 'Lag by group and topic',
          description:
            'Messages from the committed offset to the end, summed over partitions. Above 1,000 for 5 minutes an alert fires.',
          unit: 'short',
          thresholds: badFrom(1000),
          queries: [query(topK(20, sumBy(groupTopic, now('groupTopicLag', ofGroupAndTopic))), '{{group}} · {{topic}}')],
        },
        {
          ...lines,
          title: 'Lag in seconds by group and topic',
          description:
            'Age of the next message that is not read yet, by its own timestamp; the largest of the partitions.',
          unit: 's',
          queries: [
            query(topK(20, maxBy(groupTopic, now('groupTopicLagSeconds', ofGroupAndTopic))), '{{group}} · {{topic}}'),
          ],
        },
        {
          ...lines,
          title: 'Velocity of the lag',
          description:
            'Change of the lag in messages per second. Above 0 the group falls behind, below 0 it catches up.',
          unit: 'mps',
          queries: [query(topK(20, maxBy(groupTopic, now('lagVelocity', ofGroupAndTopic))), '{{group}} · {{topic}}')],
        },
        {
          ...lines,
          title: 'Time to catch up',
          description: 'Time until the lag is 0 at the present velocity. A gap means that the lag does not shrink.',
          unit: 's',
          queries: [query(`${maxBy(groupTopic, now('catchUp', ofGroupAndTopic))} < +Inf`, '{{group}} · {{topic}}')],
        },
      ],
    },
    {
      title: 'Throughput',
      panels: [
        {
          ...lines,
          title: 'Consumed by group and topic',
          description: 'Growth of the committed offsets.',
          unit: 'mps',
          queries: [query(topK(20, sumBy(groupTopic, rate('committed', ofGroupAndTopic))), '{{group}} · {{topic}}')],
        },
        {
          ...lines,
          title: 'Produced to the topics of these groups',
          description:
            'Growth of the end offsets of the chosen topics. While it is higher than the rate of consumption, the lag grows.',
          unit: 'mps',
          queries: [
            query(
              topK(20, sumBy(['cluster', 'topic'], rate('endOffset', { topic: ofGroupAndTopic.topic! }))),
              '{{topic}}',
            ),
          ],
        },
      ],
    },
    {
      title: 'State',
      panels: [
        {
          kind: 'states',
          width: 24,
          height: 8,
          title: 'State of the groups',
          description: "Kafka's state of each group over time.",
          unit: 'none',
          names: states,
          queries: [query(maxBy(['cluster', 'group'], stateNumber), '{{group}}')],
        },
        {
          ...lines,
          width: 8,
          title: 'Members',
          description: 'Members of each group.',
          unit: 'short',
          queries: [query(sumBy(['cluster', 'group'], now('groupMembers', ofGroup)), '{{group}}')],
        },
        {
          ...lines,
          width: 8,
          title: 'Rebalances',
          description:
            'Rebalances per minute that the exporter saw. A group that rebalances again and again reads little.',
          unit: 'short',
          queries: [query(sumBy(['cluster', 'group'], `60 * ${rate('groupRebalances', ofGroup)}`), '{{group}}')],
        },
        {
          ...lines,
          width: 8,
          title: 'Time since the last commit, with lag',
          description:
            'Time since the committed offset last moved, of partitions that have lag. A group with members and a rising line is stuck.',
          unit: 's',
          queries: [
            query(topK(20, maxBy(groupTopic, now('commitStaleness', ofGroupAndTopic))), '{{group}} · {{topic}}'),
          ],
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
          title: 'Partitions with the largest lag',
          description:
            'The 20 partitions with the largest lag. One that is much larger than the others: a hot key, or a stuck handler.',
          unit: 'short',
          thresholds: badFrom(1000, 100),
          queries: [query(topK(20, now('lag', ofGroupAndTopic)), '{{group}} · {{topic}}/{{partition}}')],
          noValue: 'no lag, or --granularity topic',
        },
        {
          ...lines,
          height: 10,
          title: 'Share groups',
          description: 'Messages that share groups (KIP-932) have not acknowledged.',
          unit: 'short',
          queries: [query(sumBy(groupTopic, now('shareLag', ofGroupAndTopic)), '{{group}} · {{topic}}')],
          noValue: 'no share groups',
        },
      ],
    },
  ],
}
