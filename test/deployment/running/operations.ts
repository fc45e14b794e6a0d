// Runs the commands of the runbook as they are written, in pod kafka-tools or in a broker, and looks at what they did. Everything is derived from
// the document: a block that is added there is run here, and one that changes something needs a word on what it is to change.
import { expect } from 'vitest'
import { type RunbookBlock, readRunbook } from '../runbook.ts'
import { toolsPod } from './kafka-cluster.ts'
import type { Cluster, ExecResult } from './types.ts'

/** Commands for pod kafka-tools, or with the label `kafka-0` for that broker. */
export const typedInside = readRunbook().blocks.filter(({ language }) => language === 'bash')
export const operations = typedInside.filter(({ section }) => section === 'Operations')
/** The blocks with this label: `scale-gone`. */
export const scaling = (label: string): RunbookBlock[] =>
  typedInside.filter((block) => block.label.split(' ')[0] === label)

const connection = '--bootstrap-server localhost:9092 --command-config /run/kafka/client.properties'
/** For the many short-lived tools on a small machine; what a tool does is the same. */
const shortLived = { KAFKA_JVM_PERFORMANCE_OPTS: '-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto' }

/** The output of a block, and the state that its expectation read before it ran. */
interface Seen<T> {
  readonly cluster: Cluster
  readonly result: ExecResult
  readonly before: T
}

interface Expectation<T = unknown> {
  /** A text that no other block of the section has. */
  readonly of: string | RegExp
  readonly before?: (cluster: Cluster) => Promise<T>
  readonly then: (seen: Seen<T>) => void | Promise<void>
}

/** Blocks that change something: each of them has an expectation. */
export const changes =
  /--(alter|execute|add|remove|cancel)\b|console-producer|delete-records|leader-election|unregister|upgrade (?!.*--dry-run)|selfmonitor \S+ (alter|create|set|delete|purge)\b|selfmonitor restore (?!.*--dry-run)/

export const isOf = (block: RunbookBlock, of: Expectation['of']): boolean =>
  typeof of === 'string' ? block.text.includes(of) : of.test(block.text)

/** Runs a block, or any script, as `kubectl exec … -- bash` would, and ends at its first failing command. */
function runInPod(cluster: Cluster, pod: string, script: string): Promise<ExecResult> {
  return cluster.exec(pod, ['bash', '-euo', 'pipefail', '-c', script], { env: shortLived, timeoutMs: 240_000 })
}

/** The pod in which a block is typed. */
const podOf = (cluster: Cluster, block: RunbookBlock): string =>
  block.label.split(' ').includes('kafka-0') ? 'kafka-0' : toolsPod(cluster)

/** The output of a script that has to work. */
async function ask(cluster: Cluster, script: string): Promise<string> {
  const { exitCode, stdout, stderr } = await runInPod(cluster, 'kafka-0', script)
  expect(exitCode, `${script}\n${stdout}${stderr}`).toBe(0)
  return stdout
}

/** Runs a block of the runbook and compares what it printed and did with what is expected of it. */
export async function runBlock(
  cluster: Cluster,
  block: RunbookBlock,
  expectations: readonly Expectation[],
): Promise<ExecResult> {
  const expectation = expectations.find(({ of }) => isOf(block, of))
  const before = await expectation?.before?.(cluster)
  const result = await runInPod(cluster, podOf(cluster, block), block.text)
  const said = `line ${block.line} of the runbook, exit code ${result.exitCode}\n${result.stdout}${result.stderr}`
  expect(result.exitCode, said).toBe(0)
  // Some of Kafka's tools tell a failure and end with 0. `selfmonitor doctor` tells of failures that are not its own.
  if (!block.text.startsWith('selfmonitor doctor'))
    expect(result.stdout + result.stderr, said).not.toMatch(/^(Error\b|Exception in|\S*Exception:)|\bERROR\b/m)
  await expectation?.then({ cluster, result, before })
  return result
}

interface Partition {
  readonly leader: number
  readonly replicas: readonly number[]
}

async function partitionsOf(cluster: Cluster, topic: string): Promise<readonly Partition[]> {
  const text = await ask(cluster, `kafka-topics ${connection} --describe --topic ${topic}`)
  const lines = [...text.matchAll(/Partition: \d+\s+Leader: (\S+)\s+Replicas: ([\d,]+)/g)]
  return lines.map(([, leader, replicas]) => ({ leader: Number(leader), replicas: replicas!.split(',').map(Number) }))
}

/** The next offset of each partition, or the first with `--time earliest`. */
async function offsetsOf(cluster: Cluster, topic: string, options = ''): Promise<readonly number[]> {
  const text = await ask(cluster, `kafka-get-offsets ${connection} --topic ${topic} ${options}`)
  return text
    .trim()
    .split('\n')
    .map((line) => line.split(':').map(Number))
    .sort((one, other) => one[1]! - other[1]!)
    .map(([, , offset]) => offset!)
}

/** A group's committed offsets on a topic, by partition. */
async function committedBy(cluster: Cluster, group: string, topic: string): Promise<Readonly<Record<string, number>>> {
  const text = await ask(cluster, `kafka-consumer-groups ${connection} --describe --group ${group}`)
  const rows = text.split('\n').map((line) => line.trim().split(/\s+/))
  const mine = rows.filter((row) => row[0] === group && row[1] === topic && /^\d+$/.test(row[3] ?? ''))
  return Object.fromEntries(mine.map((row) => [row[2]!, Number(row[3])]))
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0)
const describeEntity = (cluster: Cluster, type: string, name: string) =>
  ask(cluster, `kafka-configs ${connection} --describe --entity-type ${type} --entity-name ${name}`)
/** Only the topic's own settings: throttles are among them while a reassignment has not been verified. */
const topicSettings = (cluster: Cluster, topic: string) => describeEntity(cluster, 'topics', topic)
const inTools = async (cluster: Cluster, command: string) => {
  const { exitCode, stdout, stderr } = await cluster.exec(toolsPod(cluster), command)
  expect(exitCode, stderr).toBe(0)
  return stdout
}
const planIn = async (cluster: Cluster, file: string) => {
  const plan = JSON.parse(await inTools(cluster, `cat ${file}`)) as {
    partitions: { topic: string; partition: number; replicas: number[] }[]
  }
  return plan.partitions.sort((one, other) => one.partition - other.partition)
}

/** The preparations before the first block: traffic, a group that is behind, and a topic that broker 0 leads alone. */
export async function prepareState(cluster: Cluster): Promise<void> {
  const partitions = [0, 1, 2, 3].map((partition) => ({ topic: 'system.events', partition, replicas: [0, 1, 2] }))
  const lopsided = JSON.stringify({ version: 1, partitions })
  const steps = [
    `kafka-producer-perf-test ${connection} --topic user.events --num-records 300 --throughput -1 --record-size 100`,
    `kafka-producer-perf-test ${connection} --topic system.events --num-records 300 --throughput -1 --record-size 100`,
    `for user in $(seq 1 20); do echo "user-$user:signed in"; done | kafka-console-producer ${connection} --topic audit.events \
      --reader-property parse.key=true --reader-property key.separator=:`,
    `kafka-console-consumer ${connection} --topic user.events --group analytics-service --from-beginning \
      --max-messages 100 --timeout-ms 60000 >/dev/null`,
    `echo '${lopsided}' >/tmp/lopsided.json`,
    `kafka-reassign-partitions ${connection} --execute --reassignment-json-file /tmp/lopsided.json`,
    `until [[ $(kafka-reassign-partitions ${connection} --list) == *'No partition reassignments found'* ]]; do sleep 1; done`,
    `kafka-leader-election ${connection} --election-type preferred --all-topic-partitions`,
  ]
  await ask(cluster, steps.join('\n'))
  const made = await partitionsOf(cluster, 'system.events')
  expect(made.map(({ leader }) => leader)).toEqual([0, 0, 0, 0])
}

const expectation = <T>(
  of: Expectation['of'],
  then: (seen: Seen<T>) => void | Promise<void>,
  before?: Expectation<T>['before'],
) => ({ of, then, before }) as Expectation
const prints = (of: Expectation['of'], ...patterns: readonly RegExp[]) =>
  expectation(of, ({ result }) => {
    for (const pattern of patterns) expect(result.stdout).toMatch(pattern)
  })
const settingOf = (of: Expectation['of'], type: string, name: string, pattern: RegExp) =>
  expectation(of, async ({ cluster }) => expect(await describeEntity(cluster, type, name)).toMatch(pattern))

/** Of the section Operations. */
export const expectations: readonly Expectation[] = [
  expectation('--under-min-isr-partitions', ({ result }) => expect(result.stdout).toBe('')),
  prints('describe --status', /LeaderId:\s+100[0-2]/, /MaxFollowerLag:/),
  prints('describe --replication', /^100[0-2]\s.*Leader/m, /^100[0-2]\s.*Follower/m, /^0\s.*Observer/m),
  prints('kafka-features --bootstrap-server kafka-service:9092 describe', /kraft.version.*FinalizedVersionLevel: 1/),
  prints('--list --exclude-internal', /^audit\.events$/m, /^user\.events$/m),
  prints(/--describe --topic system\.events$/, /PartitionCount: 4\s+ReplicationFactor: 3/, /min.insync.replicas=2/),
  prints(/^kafka-get-offsets/, /audit\.events:0:\d+/),
  prints(/--describe --entity-type topics --entity-name audit\.events$/m, /retention.ms=31622400000/),
  prints('selfmonitor doctor', /GROUP_EMPTY_WITH_LAG[\s\S]*group analytics-service has no members/),
  prints('selfmonitor topics list', /^audit\.events\s/m, /^system\.events\s/m),
  settingOf('selfmonitor topics alter', 'topics', 'system.events', /retention.ms=259200000\b/),
  prints('selfmonitor groups list', /^analytics-service\s/m),
  prints('selfmonitor why', /\S/),
  prints('selfmonitor users list', /^payment-service\s/m, /transaction\.events/, /audit-service/),
  prints('selfmonitor acls explain', /ALLOW|allowed/i),
  prints('selfmonitor quotas set', /user analytics-service +consumer_byte_rate +1\.0 MiB\/s/),
  expectation('selfmonitor quotas delete', async ({ cluster }) =>
    expect(await describeEntity(cluster, 'users', 'analytics-service')).not.toContain('consumer_byte_rate'),
  ),
  prints('selfmonitor groups reset-offsets', /user\.events/),
  prints('selfmonitor backup take', /intact/),
  expectation('--target test.system.events --confirm', async ({ cluster }) => {
    const restored = await offsetsOf(cluster, 'test.system.events')
    expect(sum(restored)).toBeGreaterThan(0)
    expect(restored).toEqual(await offsetsOf(cluster, 'system.events'))
  }),
  prints('selfmonitor drill', /\S/),
  expectation('selfmonitor topics delete', async ({ cluster }) =>
    expect(await ask(cluster, `kafka-topics ${connection} --list`)).not.toContain('test.system.events'),
  ),
  settingOf(/retention\.ms=259200000$/, 'topics', 'system.events', /retention.ms=259200000\b/),
  settingOf('retention.ms=2592000000', 'topics', 'system.events', /retention.ms=2592000000\b/),
  prints('df -h', /\/var\/lib\/kafka\/data/),
  expectation('kafka-log-dirs', ({ result }) => {
    const lines = result.stdout.trim().split('\n')
    expect(lines).toHaveLength(10)
    for (const line of lines) expect(line).toMatch(/^\d+ \S+-\d+$/)
  }),
  prints('kafka-groups', /^analytics-service\s/m),
  prints(/--describe --group analytics-service$/, /^analytics-service\s+user\.events\s+\d+\s+\d+/m),
  prints('--describe --all-groups', /^analytics-service\s+user\.events\s+\d+\s+\d+\s+\d+\s+[1-9]/m),
  expectation<readonly number[]>(
    'kafka-console-producer',
    async ({ cluster, result, before }) => {
      expect(result.stdout).toMatch(/\S/)
      expect(sum(await offsetsOf(cluster, 'selfmonitor.helm-test'))).toBe(sum(before) + 1)
    },
    (cluster) => offsetsOf(cluster, 'selfmonitor.helm-test'),
  ),
  expectation('--topic audit.events --from-beginning', ({ result }) => {
    expect(result.stdout.trim().split('\n')).toHaveLength(5)
    expect(result.stdout).toMatch(/CreateTime:\d+\s+Partition:\d\s+Offset:\d+\s+user-\d+\s/)
  }),
  prints(
    '--describe --entity-type users\n'.trim(),
    /payment-service.*SCRAM-SHA-512=iterations=/,
    /admin.*SCRAM-SHA-512/,
  ),
  prints('--list --principal User:payment-service', /name=transaction\.events/, /principal=User:audit-service/),
  expectation('--entity-name oncall --add-config-file', async ({ cluster }) => {
    expect(await ask(cluster, `kafka-configs ${connection} --describe --entity-type users`)).toContain("'oncall'")
    const rules = await ask(cluster, `kafka-acls ${connection} --list --principal User:oncall`)
    expect(rules).toMatch(/principal=User:oncall.*operation=READ.*ALLOW/)
  }),
  expectation('--command-config /tmp/oncall.properties --list', ({ result }) =>
    expect(result.stdout.trim()).toBe('system.events'),
  ),
  expectation('--entity-name oncall --delete-config', async ({ cluster }) => {
    expect(await ask(cluster, `kafka-configs ${connection} --describe --entity-type users`)).not.toContain('oncall')
    expect(await ask(cluster, `kafka-acls ${connection} --list`)).not.toContain('oncall')
    expect(await inTools(cluster, 'ls /tmp')).not.toContain('oncall')
  }),
  settingOf('--add-config consumer_byte_rate', 'users', 'analytics-service', /consumer_byte_rate=1048576/),
  expectation('--delete-config consumer_byte_rate', async ({ cluster }) =>
    expect(await describeEntity(cluster, 'users', 'analytics-service')).not.toContain('consumer_byte_rate'),
  ),
  expectation('--generate --topics-to-move-json-file', async ({ cluster }) => {
    const now = await partitionsOf(cluster, 'system.events')
    const back = await planIn(cluster, '/tmp/back.json')
    expect(back.map(({ replicas }) => replicas)).toEqual(now.map(({ replicas }) => replicas))
    const plan = await planIn(cluster, '/tmp/plan.json')
    // Not all of them are to be led by broker 0 any more.
    expect(new Set(plan.map(({ replicas }) => replicas[0])).size).toBeGreaterThan(1)
  }),
  expectation('--execute --reassignment-json-file /tmp/plan.json', async ({ cluster, result }) => {
    expect(result.stdout).toMatch(/Successfully started partition reassignments/)
    expect(await topicSettings(cluster, 'system.events')).toContain('throttled.replicas')
  }),
  expectation('--verify --reassignment-json-file /tmp/plan.json', async ({ cluster, result }) => {
    expect(result.stdout).toMatch(/Reassignment of partition system\.events-0 is completed/)
    const plan = await planIn(cluster, '/tmp/plan.json')
    const now = await partitionsOf(cluster, 'system.events')
    expect(now.map(({ replicas }) => replicas)).toEqual(plan.map(({ replicas }) => replicas))
    expect(await topicSettings(cluster, 'system.events')).not.toContain('throttled')
    expect(await describeEntity(cluster, 'brokers', '0')).not.toContain('throttled')
  }),
  expectation('--topic system.events --partition 0', async ({ cluster }) => {
    const [first] = await partitionsOf(cluster, 'system.events')
    expect(first!.leader).toBe(first!.replicas[0])
  }),
  expectation('--election-type preferred --all-topic-partitions', async ({ cluster }) => {
    for (const { leader, replicas } of await partitionsOf(cluster, 'system.events')) expect(leader).toBe(replicas[0])
  }),
  prints("grep -o 'Leader: [0-9]*'", /Leader: 0\n.*Leader: 1\n.*Leader: 2/),
  prints('--to-current --all-topics', /user\.events,\d+,\d+/),
  expectation<Readonly<Record<string, number>>>(
    '--to-earliest --dry-run',
    async ({ cluster, result, before }) => {
      expect(result.stdout).toMatch(/analytics-service\s+user\.events\s+\d+\s+0/)
      expect(await committedBy(cluster, 'analytics-service', 'user.events')).toEqual(before)
    },
    (cluster) => committedBy(cluster, 'analytics-service', 'user.events'),
  ),
  expectation<Readonly<Record<string, number>>>(
    '--to-earliest --execute',
    async ({ cluster, before }) => {
      expect(sum(Object.values(before))).toBeGreaterThan(0)
      expect(sum(Object.values(await committedBy(cluster, 'analytics-service', 'user.events')))).toBe(0)
    },
    (cluster) => committedBy(cluster, 'analytics-service', 'user.events'),
  ),
  expectation('--from-file /tmp/analytics-service.csv --execute', async ({ cluster }) => {
    const file = await inTools(cluster, 'cat /tmp/analytics-service.csv')
    const saved = file
      .trim()
      .split('\n')
      .map((line) => line.replaceAll('"', '').split(','))
    const wanted = saved
      .filter(([topic]) => topic === 'user.events')
      .map(([, partition, offset]) => [partition!, Number(offset)])
    const now = await committedBy(cluster, 'analytics-service', 'user.events')
    expect(wanted.length).toBeGreaterThan(0)
    // Partitions that had no offset are not in the file.
    expect(now).toMatchObject(Object.fromEntries(wanted))
  }),
  expectation('kafka-delete-records', async ({ cluster }) => {
    const latest = await offsetsOf(cluster, 'selfmonitor.helm-test')
    expect(sum(latest)).toBeGreaterThan(0)
    expect(await offsetsOf(cluster, 'selfmonitor.helm-test', '--time earliest')).toEqual(latest)
  }),
  prints('keytool -printcert -sslserver', /Owner: CN=kafka-broker[\s\S]*Valid from/),
  prints('keytool -printcert -file /run/kafka/tls/ca.crt', /Owner: CN=kafka-broker[\s\S]*Valid from[\s\S]*Owner:/),
  prints('reload-certificates.sh', /already uses the certificate|New connections/),
  expectation('kafka.authorizer.logger=DEBUG', async ({ cluster }) =>
    expect(await describeEntity(cluster, 'broker-loggers', '0')).toMatch(/kafka\.authorizer\.logger=DEBUG/),
  ),
  expectation('kafka.authorizer.logger=INFO', async ({ cluster }) =>
    expect(await describeEntity(cluster, 'broker-loggers', '0')).toMatch(/kafka\.authorizer\.logger=INFO/),
  ),
]

/** Of the section on scaling. */
export const scaleExpectations: readonly Expectation[] = [
  expectation('kafka-cluster unregister', ({ result }) => {
    expect(result.stdout.match(/\(id: \d/g)?.sort()).toEqual(['(id: 0', '(id: 1', '(id: 2'])
  }),
]
