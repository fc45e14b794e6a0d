// `selfmonitor topics`: list, describe, create, alter, delete.
import { CliError, errorChain, usageError } from '../framework/errors.ts'
import { collect, integer, keyValue } from '../framework/parse.ts'
import { didYouMean } from '../framework/suggest.ts'
import { defineVerb, flag, type Noun, required, value, variadic } from '../framework/verb.ts'
import { bytes, count, counted, retention } from '../output/format.ts'
import { type Column, renderFields, renderTable } from '../output/table.ts'
import { checkInternal, internalFlag, internalTopics, typedName } from './topic-guard.ts'
import { type PartitionView, requireTopics, type TopicView, topicData, viewTopics } from './topic-view.ts'
import { consume } from './topics-consume.ts'
import { produce } from './topics-produce.ts'
import { purge } from './topics-purge.ts'

const listColumns: readonly Column<TopicView>[] = [
  {
    header: 'TOPIC',
    value: ({ name }) => name,
    colour: (text, { internal }, colours) => (internal ? colours.aside(text) : text),
  },
  { header: 'PARTITIONS', value: ({ partitions }) => partitions.length },
  { header: 'REPLICAS', value: ({ replicationFactor }) => replicationFactor },
  {
    header: 'IN SYNC',
    value: ({ offline, underReplicated }) =>
      [
        ...(offline === 0 ? [] : [`${count(offline)} offline`]),
        ...(underReplicated === 0 ? [] : [`${count(underReplicated)} behind`]),
      ].join(', ') || 'all',
    colour: (text, { offline, underReplicated }, colours) =>
      offline + underReplicated === 0 ? text : colours.bad(text),
  },
  { header: 'RETENTION', align: 'right', value: (topic) => retentionOf(topic) },
  { header: 'RECORDS', value: ({ records }) => records },
  { header: 'SIZE', align: 'right', value: ({ sizeBytes }) => (sizeBytes === null ? null : bytes(sizeBytes)) },
]

function retentionOf(topic: TopicView): string {
  const policy = topic.effective.get('cleanup.policy')?.value ?? 'delete'
  if (policy === 'compact') return 'compacted'
  const time = retention(topic.effective.get('retention.ms')?.value)
  return policy.includes('compact') ? `${time}, compacted` : time
}

const list = defineVerb({
  name: 'list',
  summary: 'list topics with their partitions, retention, records and size',
  examples: ['selfmonitor topics list', 'selfmonitor topics list -o name | xargs -n 1 selfmonitor topics describe'],
  options: { internal: flag('--internal', 'include those of Kafka and the registry') },
  output: ['table', 'json', 'yaml', 'name'],
  async run(context, { options }) {
    const cluster = await context.cluster()
    const found = (await cluster.listTopics({ internal: options.internal }))
      .filter(({ name, internal }) => options.internal || (!internal && name !== '_schemas'))
      .sort((a, b) => (a.name < b.name ? -1 : 1))
    // Names need one request, the rest needs many: ask only for what is printed.
    const topics =
      context.format === 'name' ? found.map(({ name }) => ({ name }) as TopicView) : await viewTopics(cluster, found)
    await context.printRows(topics, {
      columns: listColumns,
      name: ({ name }) => name,
      data: topicData,
      empty: 'No topics. `selfmonitor setup` creates those of platform.yaml.',
    })
  },
})

const partitionColumns: readonly Column<PartitionView>[] = [
  { header: 'PARTITION', value: ({ partition }) => partition },
  {
    header: 'LEADER',
    value: ({ leader }) => (leader < 0 ? 'offline' : leader),
    align: 'right',
    colour: (text, { leader }, colours) => (leader < 0 ? colours.bad(text) : text),
  },
  { header: 'REPLICAS', value: ({ replicas }) => replicas.join(',') },
  {
    header: 'IN SYNC',
    value: ({ isr }) => isr.join(','),
    colour: (text, { isr, replicas }, colours) => (isr.length < replicas.length ? colours.bad(text) : text),
  },
  { header: 'EARLIEST', value: ({ earliestOffset }) => earliestOffset },
  { header: 'LATEST', value: ({ latestOffset }) => latestOffset },
  { header: 'SIZE', align: 'right', value: ({ sizeBytes }) => (sizeBytes === null ? null : bytes(sizeBytes)) },
]

const describe = defineVerb({
  name: 'describe',
  summary: 'show a topic’s partitions, offsets and own settings',
  examples: ['selfmonitor topics describe user.events', 'selfmonitor topics describe user.events -o json | jq .config'],
  args: { topic: required('name of the topic', 'topics') },
  output: ['table', 'json', 'yaml', 'name'],
  async run(context, { args }) {
    const cluster = await context.cluster()
    const [topic] = await viewTopics(cluster, await requireTopics(cluster, [args.topic]))
    const colours = context.colours.stdout
    await context.printThing(topicData(topic!), {
      name: topic!.name,
      table: () =>
        [
          renderFields(
            [
              ['topic', topic!.name],
              ['id', topic!.id],
              ['partitions', topic!.partitions.length],
              ['replicas', topic!.replicationFactor],
              ['records', topic!.records],
              ['retention', retentionOf(topic!)],
            ],
            colours,
          ),
          Object.keys(topic!.config).length === 0
            ? `\n${colours.aside('no settings of its own')}\n`
            : `\n${renderTable(
                Object.entries(topic!.config),
                [
                  { header: 'SETTING', value: ([name]) => name },
                  { header: 'VALUE', value: ([, setting]) => setting ?? '(secret)' },
                ],
                colours,
              )}`,
          `\n${renderTable(topic!.partitions, partitionColumns, colours)}`,
        ].join(''),
    })
  },
})

/** KIP-464: the broker's own num.partitions and default.replication.factor. Asked with this, and read back: `-1` is no answer. */
const brokersDefault = -1

/**
 * Settings as Kafka takes them, from what people write: `retention.ms=7d`, `segment.bytes=512MiB`, as in platform.yaml. What
 * this version does not know, the brokers check.
 * @throws CliError USAGE naming the setting
 */
async function kafkaSettings(given: Readonly<Record<string, string>>): Promise<Record<string, string>> {
  if (Object.keys(given).length === 0) return {}
  const { toKafkaValue } = await import('@selfmonitor/platform/topic-settings')
  return Object.fromEntries(
    Object.entries(given).map(([key, text]) => {
      const read = toKafkaValue(key, text)
      if ('problem' in read) throw usageError(`${key}=${text}: ${read.problem}.`)
      return [key, read.value]
    }),
  )
}

/**
 * Adds to a refused setting the known one that was probably meant; only then, because the brokers may know settings that this
 * version does not.
 */
async function suggestingSettings<T>(given: Readonly<Record<string, string>>, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    const isRefused = [...errorChain(error)].some((one) => (one as { code?: unknown }).code === 'INVALID_CONFIG')
    if (!isRefused) throw error
    const { isKnownSetting, topicSettings } = await import('@selfmonitor/platform/topic-settings')
    const unknown = Object.keys(given).find((key) => !isKnownSetting(key))
    const hint = unknown === undefined ? undefined : didYouMean(unknown, Object.keys(topicSettings))
    if (hint === undefined) throw error
    throw new CliError('INVALID_CONFIG', (error as Error).message, { hint, cause: error })
  }
}

const create = defineVerb({
  name: 'create',
  summary: 'create topics',
  details: 'To keep them, declare them in platform.yaml and apply that.',
  examples: ['selfmonitor topics create scratch --partitions 3 --config retention.ms=1h --yes'],
  args: { topic: variadic('names') },
  options: {
    partitions: value('-p, --partitions <n>', 'partitions of each (default: the brokers’ num.partitions)', integer(1)),
    replicationFactor: value(
      '-r, --replication-factor <n>',
      'replicas of each partition (default: the brokers’)',
      integer(1),
    ),
    config: value('-c, --config <key=value>', 'a topic setting, such as retention.ms=7d; repeatable', keyValue),
  },
  output: ['table', 'json', 'yaml', 'name'],
  mutates: true,
  async run(context, { args, options }) {
    const config = await kafkaSettings(options.config ?? {})
    const cluster = await context.cluster()
    const topics = args.topic.map((name) => ({
      name,
      partitions: options.partitions ?? brokersDefault,
      replicationFactor: options.replicationFactor ?? brokersDefault,
      config,
    }))
    await suggestingSettings(config, () => cluster.createTopics(topics, { validateOnly: true }))
    const settings = Object.entries(config).map(([key, setting]) => `, ${key}=${setting}`)
    for (const { name } of topics) {
      context.note(
        `  + ${name}: ${options.partitions === undefined ? 'partitions as the brokers’ default' : counted(options.partitions, 'partition')}, replicas ${options.replicationFactor ?? 'as the brokers’ default'}${settings.join('')}`,
      )
    }
    await context.confirm({
      what: `Create ${counted(topics.length, 'topic')}`,
      typedName: typedName(context.settings.environment.value, args.topic),
    })
    await context.audited({ action: 'topics.create', resources: topicResources(args.topic), after: topics }, () =>
      cluster.createTopics(topics),
    )
    const created = await viewTopics(cluster, await requireTopics(cluster, args.topic))
    await context.printRows(created, {
      columns: [
        { header: 'CREATED', value: ({ name }) => name },
        { header: 'PARTITIONS', value: ({ partitions }) => partitions.length },
        { header: 'REPLICAS', value: ({ replicationFactor }) => replicationFactor },
      ],
      name: ({ name }) => name,
      data: ({ name, id, partitions, replicationFactor, config: own }) => ({
        name,
        id,
        partitions: partitions.length,
        replicationFactor,
        config: own,
      }),
      empty: 'Nothing to create.',
    })
  },
})

const alter = defineVerb({
  name: 'alter',
  summary: 'add partitions to a topic, change its settings',
  details: 'Partitions can only grow, and growing moves keys: from then on records of a key go to another partition.',
  examples: [
    'selfmonitor topics alter user.events --set retention.ms=7d --yes',
    'selfmonitor topics alter user.events --partitions 24 --unset retention.bytes',
  ],
  args: { topic: required('name of the topic', 'topics') },
  options: {
    partitions: value('-p, --partitions <n>', 'partitions in total', integer(1)),
    set: value('--set <key=value>', 'set a topic setting, such as retention.ms=7d; repeatable', keyValue),
    unset: value('--unset <key>', 'back to the broker’s default; repeatable', collect),
    internal: internalFlag,
  },
  output: ['table', 'json', 'yaml', 'name'],
  mutates: true,
  async run(context, { args, options }) {
    const set = await kafkaSettings(options.set ?? {})
    const cluster = await context.cluster()
    const found = await requireTopics(cluster, [args.topic])
    checkInternal(found[0]!, options.internal)
    const [topic] = await viewTopics(cluster, found)
    const changes = alterations(topic!, { ...options, set })
    if (changes.length === 0) {
      context.note(`${args.topic} has these settings already: nothing to change.`)
      return
    }
    const growth = changes.find(({ key }) => key === 'partitions')
    const settings = Object.fromEntries(changes.filter((change) => change !== growth).map(({ key, to }) => [key, to]))
    // Both parts are checked before either is done.
    if (growth !== undefined)
      await cluster.createPartitions([{ topic: args.topic, partitions: options.partitions! }], { validateOnly: true })
    if (Object.keys(settings).length > 0)
      await suggestingSettings(set, () =>
        cluster.alterTopicConfigs([{ topic: args.topic, set: settings }], { validateOnly: true }),
      )
    const columns: readonly Column<Alteration>[] = [
      { header: 'SETTING', value: ({ key }) => key },
      { header: 'NOW', value: ({ from }) => from ?? '(default)' },
      { header: 'THEN', value: ({ to }) => to ?? '(default)' },
    ]
    context.note(renderTable(changes, columns, context.colours.stderr).trimEnd())
    if (growth !== undefined) {
      context.note(
        context.colours.stderr.careful(
          'Keys move: records of one key may be in two partitions, with no order between them.',
        ),
      )
    }
    await context.confirm({ what: `Alter ${args.topic}`, typedName: args.topic })
    const side = (of: 'from' | 'to') => Object.fromEntries(changes.map((change) => [change.key, change[of]]))
    await context.audited(
      { action: 'topics.alter', resources: topicResources([args.topic]), before: side('from'), after: side('to') },
      async () => {
        if (Object.keys(settings).length > 0) await cluster.alterTopicConfigs([{ topic: args.topic, set: settings }])
        if (growth !== undefined)
          await cluster.createPartitions([{ topic: args.topic, partitions: options.partitions! }])
      },
    )
    if (context.format === 'table') context.note(`Altered ${args.topic}.`)
    else await context.printRows(changes, { columns, name: () => args.topic, empty: 'Nothing to change.' })
  },
})

interface Alteration {
  readonly key: string
  readonly from: string | null
  readonly to: string | null
}

/** What `alter` would change, setting by setting; what is already so is left out. */
export function alterations(
  topic: Pick<TopicView, 'name' | 'partitions' | 'config' | 'effective'>,
  options: { partitions?: number; set?: Readonly<Record<string, string>>; unset?: readonly string[] },
): Alteration[] {
  const { partitions, set = {}, unset = [] } = options
  if (partitions === undefined && Object.keys(set).length === 0 && unset.length === 0) {
    throw usageError('No change was given.', 'Pass --partitions, --set key=value or --unset key.')
  }
  const both = unset.find((key) => key in set)
  if (both !== undefined) throw usageError(`${both} is both set and unset.`)
  // A broker reports success for the removal of an unknown setting.
  const unknown = unset.find((key) => !(key in topic.config) && !topic.effective.has(key))
  if (unknown !== undefined) {
    throw usageError(
      `--unset ${unknown}: the brokers have no such topic setting.`,
      didYouMean(unknown, [...topic.effective.keys()]) ??
        `\`selfmonitor topics describe ${topic.name} -o json\` shows the settings that the topic has of its own.`,
    )
  }
  const changes: Alteration[] = []
  const fixed = internalTopics[topic.name]?.fixedPartitions
  if (partitions !== undefined && fixed !== undefined && partitions !== topic.partitions.length) {
    throw usageError(`${topic.name} keeps its ${counted(topic.partitions.length, 'partition')}: ${fixed}.`)
  }
  if (partitions !== undefined && partitions !== topic.partitions.length) {
    if (partitions < topic.partitions.length) {
      throw usageError(
        `--partitions ${partitions}: the topic has ${topic.partitions.length}, and the number cannot shrink.`,
        'To have fewer, create a new topic and move the consumers.',
      )
    }
    changes.push({ key: 'partitions', from: String(topic.partitions.length), to: String(partitions) })
  }
  for (const [key, to] of Object.entries(set)) {
    const from = topic.config[key] ?? null
    if (from !== to) changes.push({ key, from, to })
  }
  for (const key of unset) if (key in topic.config) changes.push({ key, from: topic.config[key] ?? null, to: null })
  return changes
}

const remove = defineVerb({
  name: 'delete',
  summary: 'delete topics and everything in them',
  examples: ['selfmonitor topics delete scratch --yes'],
  args: { topic: variadic('names', 'topics') },
  options: { internal: internalFlag },
  output: ['table', 'json', 'yaml', 'name'],
  mutates: true,
  async run(context, { args, options }) {
    const cluster = await context.cluster()
    const found = await requireTopics(cluster, args.topic)
    for (const topic of found) checkInternal(topic, options.internal)
    const topics = await viewTopics(cluster, found)
    for (const { name, partitions, records } of topics) {
      context.note(
        `  ${context.colours.stderr.bad('-')} ${name}: ${counted(partitions.length, 'partition')}, ${counted(records, 'record')}`,
      )
      const holds = internalTopics[name]?.holds
      if (holds !== undefined) context.note(`  ${context.colours.stderr.careful(`! it holds ${holds}`)}`)
    }
    await context.confirm({
      what: `Delete ${counted(topics.length, 'topic')}`,
      typedName: typedName(context.settings.environment.value, args.topic),
    })
    await context.audited(
      { action: 'topics.delete', resources: topicResources(args.topic), before: topics.map(topicFacts) },
      () => cluster.deleteTopics(args.topic),
    )
    await context.printRows(topics, {
      columns: [
        { header: 'DELETED', value: ({ name }) => name },
        { header: 'RECORDS', value: ({ records }) => records },
      ],
      name: ({ name }) => name,
      data: ({ name, records }) => ({ name, records }),
      empty: 'Nothing to delete.',
    })
  },
})

const topicResources = (names: readonly string[]) => names.map((name) => ({ type: 'topic', name }))

/** What is worth knowing of a topic that no longer exists. */
const topicFacts = ({ name, id, partitions, replicationFactor, records, config }: TopicView) => ({
  ...{ name, id, partitions: partitions.length, replicationFactor, records, config },
})

export const topics: Noun = {
  name: 'topics',
  summary: 'topics: list, describe, create, alter, delete; consume, produce, purge',
  verbs: [list, describe, create, alter, remove, consume, produce, purge],
}
