// The rules of the table, with times that a test can wait for. promtool's cases in packages/monitor/src/rules prove the exact figures;
// here the expressions, labels, texts and routes are those of the table, and only durations and thresholds in seconds are shorter.
import type { RuleGroup } from '../../../packages/monitor/src/rules/index.ts'

/** A text of a rule's expression and what it becomes. Each has to be there. */
type Edits = readonly (readonly [text: string, shorter: string])[]

/** Thresholds, and windows for which a sixtieth is too short to cause the condition in or too long to wait for. */
const edits: Readonly<Record<string, Edits>> = {
  'selfmonitor:topic_messages:rate15m': [['[15m]', '[8s]']],
  KafkaConsumerStuck: [['> 300', '> 5']],
  KafkaGroupFlapping: [['[10m]', '[24s]']],
  KafkaTopicRecreated: [
    ['last_over_time(kafka_topic_id_info[1h])', 'last_over_time(kafka_topic_id_info[20s])'],
    ['increase(kafka_topic_recreations_total[1h])', 'increase(kafka_topic_recreations_total[20s])'],
  ],
  // The rate's window and `for` are 8 and 5 seconds here; the day before has 30 of them.
  KafkaNoMessages: [
    ['[1d] offset 20m', '[30s] offset 13s'],
    ['[1d:5m] offset 20m', '[30s:1s] offset 13s'],
    ['> 144', '> 15'],
  ],
  KafkaHangingTransaction: [['> 900', '> 10']],
  KafkaExporterStale: [['> 1800', '> 30']],
  KafkaIsrShrinking: [['[5m]', '[20s]']],
  KafkaBrokerRestarts: [
    [
      'kafka_server_replicamanager_partitioncount{pod!=""}[1h]',
      'kafka_server_replicamanager_partitioncount{pod!=""}[2m]',
    ],
    [
      'kafka_server_replicamanager_partitioncount{pod=""}[1h]',
      'kafka_server_replicamanager_partitioncount{pod=""}[2m]',
    ],
    [
      'kafka_controller_kafkacontroller_activecontrollercount{pod!=""}[1h]',
      'kafka_controller_kafkacontroller_activecontrollercount{pod!=""}[2m]',
    ],
    [
      'kafka_controller_kafkacontroller_activecontrollercount{pod=""}[1h]',
      'kafka_controller_kafkacontroller_activecontrollercount{pod=""}[2m]',
    ],
    ['process_start_time_seconds{pod!=""}[1h]', 'process_start_time_seconds{pod!=""}[2m]'],
    ['process_start_time_seconds{pod=""}[1h]', 'process_start_time_seconds{pod=""}[2m]'],
    ['kafka_broker_up[1h]', 'kafka_broker_up[2m]'],
    ['kafka_server_replicamanager_partitioncount[1h]', 'kafka_server_replicamanager_partitioncount[2m]'],
  ],
}

/** Two samples of a scrape every two seconds have to be in a window. */
const shortestWindowS = 10

/** A `for` is longer than the interval between two scrapes: else an alert fires before the first. */
const shortestForS = 3
const isAtOnce = (duration: string): boolean => duration === '0s'

/** Every duration becomes a sixtieth; `for` and `keep_firing_for` at most ten seconds. */
export function faster(groups: readonly RuleGroup[]): RuleGroup[] {
  return groups.map(({ interval: _, ...group }) => ({
    ...group,
    rules: group.rules.map((rule) => {
      const own = edits[(rule.alert ?? rule.record)!] ?? []
      return {
        ...rule,
        expr: shorterExpression(rule.expr, own),
        ...(rule.for === undefined
          ? {}
          : { for: `${isAtOnce(rule.for) ? 0 : Math.min(10, Math.max(shortestForS, sixtieth(rule.for)))}s` }),
        ...(rule.keep_firing_for === undefined
          ? {}
          : { keep_firing_for: `${Math.min(10, sixtieth(rule.keep_firing_for))}s` }),
      }
    }),
  }))
}

function shorterExpression(expression: string, own: Edits): string {
  // What an edit wrote is not shortened again: it has a mark until the end.
  let text = expression
  for (const [before, after] of own) {
    if (!text.includes(before)) throw new Error(`A rule has no ${before} any more:\n${expression}`)
    text = text.replaceAll(before, after.replaceAll(/(\d)([smhd])\b/g, '$1§$2'))
  }
  return text
    .replaceAll(
      /(?<=[[ :])(\d+[smhd])(?=[\]:]|\s|$)/g,
      (duration) => `${Math.max(shortestWindowS, sixtieth(duration))}s`,
    )
    .replaceAll('§', '')
}

const unitSeconds: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 }

/** A sixtieth of a duration of Prometheus with one unit, in whole seconds. */
function sixtieth(duration: string): number {
  const [, count, unit] = /^(\d+)([smhd])$/.exec(duration)!
  return Math.ceil((Number(count) * unitSeconds[unit!]!) / 60)
}
