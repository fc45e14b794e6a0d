// Alerts about consumer groups.
import { highest, lowest, selector, series } from '../../metrics/promql.ts'
import { type Alert, from, given, seriesText } from '../alert.ts'
import { lagObjective } from '../names.ts'
import { plural } from './texts.ts'

const of = { group: 'billing', topic: 'orders' } as const
const ofPartition = (partition: number) => ({ ...of, partition: `${partition}` })
const labels = { cluster: 'c', ...of } as const

const groupTopicLag = highest(series('groupTopicLag'))
const hasMembers = `and on (cluster, group)\n${highest(series('groupMembers'))} > 0`

export const consumerAlerts: readonly Alert[] = [
  {
    name: 'KafkaConsumerLag',
    severity: 'warning',
    audience: 'owner',
    expression: `${groupTopicLag} > 1000`,
    for: '5m',
    keepFiringFor: '5m',
    labels: ['cluster', 'group', 'topic'],
    summary: '{{ $labels.group }} is {{ $value | humanize }} messages behind on {{ $labels.topic }}',
    description: 'The sum over the partitions of the topic has been above 1000 messages for 5 minutes.',
    console: '/groups/{group}',
    testable: 'both engines',
    cases: [
      {
        name: 'fires above 1000 messages after 5 minutes',
        given: { [given('groupTopicLag', of)]: '1000 1500x20' },
        at: '7m',
        fires: [{ labels, summary: 'billing is 1.5k messages behind on orders' }],
      },
      {
        name: 'is quiet at exactly 1000 messages',
        given: { [given('groupTopicLag', of)]: '1000x20' },
        at: '15m',
        fires: [],
      },
      {
        name: 'is quiet when the group catches up within 5 minutes',
        given: { [given('groupTopicLag', of)]: '0 5000 4000 3000 2000 900x20' },
        at: '7m',
        fires: [],
      },
      {
        name: 'does not add the lag of two replicas of the exporter',
        given: {
          [from(0, 'groupTopicLag', of)]: '600x20',
          [from(1, 'groupTopicLag', of)]: '600x20',
        },
        at: '15m',
        fires: [],
      },
      {
        name: 'ends when the group has been deleted',
        given: { [given('groupTopicLag', of)]: '1500x7 stale _x20' },
        at: '20m',
        fires: [],
      },
      {
        name: 'keeps firing while a replica of the exporter restarts',
        given: {
          [from(0, 'groupTopicLag', of)]: '1500x8 stale _ _ 1500x20',
          [from(1, 'groupTopicLag', of)]: '1500x3 stale _ _ 1500x20',
        },
        at: '10m',
        fires: [{ labels }],
      },
    ],
  },
  {
    name: 'KafkaConsumerLagSeconds',
    severity: 'warning',
    audience: 'owner',
    // The objective's series has no cluster: one platform.yaml may be applied to several.
    expression: `${highest(series('groupTopicLagSeconds'))}\n> on (group, topic) group_left (service)\n${selector(lagObjective)}`,
    for: '5m',
    keepFiringFor: '5m',
    labels: ['cluster', 'group', 'topic', 'service'],
    summary:
      '{{ $labels.group }} is {{ $value | humanizeDuration }} behind on {{ $labels.topic }}, more than its objective',
    description:
      'The oldest message that the group has not read is older than the objective of freshness in platform.yaml allows. The error budget decides whether this is urgent.',
    console: '/groups/{group}',
    testable: 'both engines',
    cases: [
      {
        name: 'fires after 5 minutes above the objective',
        given: {
          [given('groupTopicLagSeconds', of)]: '10 90x20',
          [seriesText(lagObjective, { ...of, service: 'billing' })]: '30x20',
        },
        at: '7m',
        fires: [
          {
            labels: { ...labels, service: 'billing' },
            summary: 'billing is 1m 30s behind on orders, more than its objective',
          },
        ],
      },
      {
        name: 'is quiet at the objective',
        given: {
          [given('groupTopicLagSeconds', of)]: '30x20',
          [seriesText(lagObjective, { ...of, service: 'billing' })]: '30x20',
        },
        at: '15m',
        fires: [],
      },
      {
        name: 'is quiet for a group without an objective',
        given: {
          [given('groupTopicLagSeconds', of)]: '900x20',
          [seriesText(lagObjective, { group: 'other', topic: 'orders', service: 'other' })]: '30x20',
        },
        at: '15m',
        fires: [],
      },
    ],
  },
  {
    name: 'KafkaConsumerLagGrowing',
    severity: 'warning',
    audience: 'owner',
    // A lag of a few messages may grow by chance.
    expression: `${highest(series('lagVelocity'))} > 0\nand\n${groupTopicLag} > 100`,
    for: '15m',
    keepFiringFor: '5m',
    labels: ['cluster', 'group', 'topic'],
    summary:
      'The lag of {{ $labels.group }} on {{ $labels.topic }} has been growing for 15 minutes, now by {{ $value | humanize }} messages a second',
    description: 'The group handles less than producers write. It does not catch up unless one of the two changes.',
    console: '/groups/{group}',
    testable: 'both engines',
    cases: [
      {
        name: 'fires after 15 minutes of growth',
        given: { [given('lagVelocity', of)]: '0 2.5x30', [given('groupTopicLag', of)]: '200+150x30' },
        at: '17m',
        fires: [
          {
            labels,
            summary: 'The lag of billing on orders has been growing for 15 minutes, now by 2.5 messages a second',
          },
        ],
      },
      {
        name: 'is quiet when it shrinks in between',
        given: {
          [given('lagVelocity', of)]: '2.5x10 -1 2.5x10',
          [given('groupTopicLag', of)]: '5000x30',
        },
        at: '17m',
        fires: [],
      },
      {
        name: 'is quiet for a lag of a few messages',
        given: { [given('lagVelocity', of)]: '0.1x30', [given('groupTopicLag', of)]: '20x30' },
        at: '25m',
        fires: [],
      },
    ],
  },
  {
    name: 'KafkaConsumerLagNearRetention',
    severity: 'critical',
    audience: 'owner',
    expression: `${highest(series('retentionUsed'), ['partition'])} > 0.8`,
    for: '5m',
    keepFiringFor: '5m',
    labels: ['cluster', 'group', 'topic'],
    summary:
      '{{ $labels.topic }} will delete messages that {{ $labels.group }} has not read: {{ $value | humanizePercentage }} of the retention is used',
    description:
      'The next unread message is almost as old as the retention. Lengthen the retention first, then look at the group.',
    console: '/groups/{group}',
    testable: 'both engines',
    cases: [
      {
        name: 'fires when one partition is above 80 % for 5 minutes',
        given: {
          [given('retentionUsed', ofPartition(0))]: '0.1x20',
          [given('retentionUsed', ofPartition(1))]: '0.1 0.9x20',
        },
        at: '7m',
        fires: [
          { labels, summary: 'orders will delete messages that billing has not read: 90% of the retention is used' },
        ],
      },
      {
        name: 'is quiet at 80 %',
        given: { [given('retentionUsed', ofPartition(0))]: '0.8x20' },
        at: '15m',
        fires: [],
      },
      {
        name: 'fires without the label partition, with granularity by topic',
        given: { [given('retentionUsed', of)]: '0.9x20' },
        at: '7m',
        fires: [{ labels }],
      },
    ],
  },
  {
    name: 'KafkaMessagesLost',
    severity: 'critical',
    audience: 'owner',
    expression: `sum without (partition) (${highest(`increase(${series('lost')}[15m])`)}) > 0`,
    for: '0s',
    keepFiringFor: '15m',
    labels: ['cluster', 'group', 'topic'],
    summary: '{{ $labels.group }} lost about {{ $value | humanize }} messages of {{ $labels.topic }} to retention',
    description: 'They were deleted before the group had read them. They may still be in a backup.',
    console: '/groups/{group}',
    testable: 'both engines',
    cases: [
      {
        name: 'fires at once',
        given: {
          [given('lost', ofPartition(0))]: '0x5 60x20',
          [given('lost', ofPartition(1))]: '0x26',
        },
        at: '16m',
        fires: [{ labels, summary: 'billing lost about 60 messages of orders to retention' }],
      },
      {
        name: 'is quiet for losses of long ago',
        given: { [given('lost', ofPartition(0))]: '60x60' },
        at: '50m',
        fires: [],
      },
      {
        name: 'is quiet when the exporter restarts and counts from 0 again',
        given: { [given('lost', ofPartition(0))]: '60x20 0x20' },
        at: '25m',
        fires: [],
      },
      {
        name: 'fires once with two replicas, one of which was restarted',
        given: {
          [from(0, 'lost', ofPartition(0))]: '0x20 60x20',
          [from(1, 'lost', ofPartition(0))]: '5x15 0x5 60x20',
        },
        at: '30m',
        fires: [{ labels }],
      },
    ],
  },
  {
    name: 'KafkaGroupEmptyWithLag',
    severity: 'warning',
    audience: 'owner',
    expression: `sum without (topic) (${groupTopicLag}) > 0\nand on (cluster, group)\n${lowest(series('groupMembers'))} == 0`,
    for: '10m',
    keepFiringFor: '2m',
    labels: ['cluster', 'group'],
    summary: `{{ $labels.group }} has no members and ${plural('message')} to read`,
    description: 'The service is down, cannot connect, or is refused. If the group is no longer used, delete it.',
    console: '/groups/{group}',
    inhibits: {
      alerts: ['KafkaConsumerLagGrowing', 'KafkaConsumerLag', 'KafkaConsumerLagSeconds'],
      equal: ['cluster', 'group'],
    },
    testable: 'both engines',
    cases: [
      {
        name: 'fires after 10 minutes',
        given: {
          [given('groupTopicLag', of)]: '0 40x20',
          [given('groupTopicLag', { group: 'billing', topic: 'carts' })]: '0 2x20',
          [given('groupMembers', { group: 'billing' })]: '2 0x20',
        },
        at: '12m',
        fires: [
          { labels: { cluster: 'c', group: 'billing' }, summary: 'billing has no members and 42 messages to read' },
        ],
      },
      {
        name: 'is quiet without lag',
        given: { [given('groupTopicLag', of)]: '0x20', [given('groupMembers', { group: 'billing' })]: '0x20' },
        at: '15m',
        fires: [],
      },
      {
        name: 'is quiet while there are members',
        given: { [given('groupTopicLag', of)]: '40x20', [given('groupMembers', { group: 'billing' })]: '1x20' },
        at: '15m',
        fires: [],
      },
      {
        name: 'is quiet when the group has been deleted',
        given: {
          [given('groupTopicLag', of)]: '40x5 stale _x20',
          [given('groupMembers', { group: 'billing' })]: '0x5 stale _x20',
        },
        at: '20m',
        fires: [],
      },
    ],
  },
  {
    name: 'KafkaConsumerStuck',
    severity: 'warning',
    audience: 'owner',
    expression: `${highest(series('commitStaleness'), ['partition'])} > 300\n${hasMembers}`,
    for: '5m',
    keepFiringFor: '2m',
    labels: ['cluster', 'group', 'topic'],
    summary:
      '{{ $labels.group }} has committed nothing on a partition of {{ $labels.topic }} for {{ $value | humanizeDuration }}, and there are messages',
    description:
      'It has members, so it is not down: one record may fail again and again, or a handler waits for something. Look at the next unread record.',
    console: '/groups/{group}',
    testable: 'both engines',
    cases: [
      {
        name: 'fires when one partition has not moved for 10 minutes',
        given: {
          [given('commitStaleness', ofPartition(0))]: '0x30',
          [given('commitStaleness', ofPartition(1))]: '0+60x30',
          [given('groupMembers', { group: 'billing' })]: '2x30',
        },
        at: '12m',
        fires: [
          {
            labels,
            summary: 'billing has committed nothing on a partition of orders for 12m 0s, and there are messages',
          },
        ],
      },
      {
        name: 'is quiet when it commits every 5 minutes',
        given: {
          [given('commitStaleness', ofPartition(0))]: '0 60 120 180 240 300 0 60 120 180 240 300 0 60 120',
          [given('groupMembers', { group: 'billing' })]: '2x30',
        },
        at: '12m',
        fires: [],
      },
      {
        name: 'is quiet for an empty group, which has an alert of its own',
        given: {
          [given('commitStaleness', ofPartition(0))]: '0+60x30',
          [given('groupMembers', { group: 'billing' })]: '0x30',
        },
        at: '20m',
        fires: [],
      },
    ],
  },
  {
    name: 'KafkaGroupFlapping',
    severity: 'warning',
    audience: 'owner',
    // A deployment of many pods is over after the window.
    expression: `${highest(`increase(${series('groupRebalances')}[10m])`)} > 3`,
    for: '15m',
    keepFiringFor: '5m',
    labels: ['cluster', 'group'],
    summary: '{{ $labels.group }} has rebalanced {{ printf "%.0f" $value }} times in 10 minutes, and does not settle',
    description:
      'Members join and leave: a handler takes longer than max.poll.interval.ms, or pods are killed. While a group rebalances it does not read.',
    console: '/groups/{group}',
    testable: 'both engines',
    cases: [
      {
        name: 'fires when it lasts for 15 minutes',
        given: { [given('groupRebalances', { group: 'billing' })]: '0+1x60' },
        at: '40m',
        fires: [
          {
            labels: { cluster: 'c', group: 'billing' },
            summary: 'billing has rebalanced 10 times in 10 minutes, and does not settle',
          },
        ],
      },
      {
        name: 'is quiet after the deployment of a service',
        given: { [given('groupRebalances', { group: 'billing' })]: '0x5 2 4 6 8 10x40' },
        at: '25m',
        fires: [],
      },
      {
        name: 'is quiet when the exporter restarts',
        given: { [given('groupRebalances', { group: 'billing' })]: '40x20 0x40' },
        at: '25m',
        fires: [],
      },
    ],
  },
]
