// The APIs and settings in docs/embedded-broker.md, from the broker's own tables and sources.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { handlers } from '../../packages/broker/src/api/handlers.ts'
import { embeddedDefaults } from '../../packages/broker/src/broker-options.ts'
import { brokerConfigs } from '../../packages/broker/src/config/broker-configs.ts'
import { topicConfigs } from '../../packages/broker/src/config/topic-configs.ts'
import { advertisedVersions, supportedVersions } from '../../packages/broker/src/request/handler-table.ts'
import { type Api, type ApiName, apis, type Versions } from '../../packages/protocol/src/index.ts'
import { markdownTable } from './markdown.ts'

const sources = join(dirname(fileURLToPath(import.meta.url)), '../../packages/broker/src')

const range = ({ min, max }: Versions): string => (min === max ? `${min}` : `${min}–${max}`)

/** Every API of the broker, linked to the file that answers it. */
export function apiVersions(): string {
  const files = readdirSync(join(sources, 'api')).filter((name) => /^\d\d-.*\.ts$/.test(name))
  const rows = (Object.entries(handlers) as [ApiName, NonNullable<(typeof handlers)[ApiName]>][])
    .map(([name, row]) => ({ name, api: apis[name] as Api, row }))
    .sort((a, b) => a.api.key - b.api.key)
    .map(({ name, api, row }) => {
      const served = supportedVersions(api, row)
      const listed = advertisedVersions(api, row)
      const file = files.find((one) => Number(one.slice(0, 2)) === api.key)
      if (file === undefined) throw new Error(`${name} has no file that begins with its key, ${api.key}`)
      const note = range(listed) === range(served) ? '' : ` (listed: ${range(listed)})`
      return [`${api.key}`, `[${name}](../packages/broker/src/api/${file})`, `${range(served)}${note}`]
    })
  return markdownTable(['key', 'API', 'versions'], rows)
}

/** The effect of a setting here, where it is less than Kafka's description says. */
const reservations: Readonly<Record<string, string>> = {
  'cleanup.policy':
    '`delete` applies the retention. `compact` alone keeps every record: nothing is deleted or compacted. It requires a key in each record.',
  'compression.type': 'Records stay as the producer compressed them. `zstd` is refused to consumers below Fetch v10.',
  'group.initial.rebalance.delay.ms':
    'How long a new group waits for more members before its first rebalance. Kafka’s own default is 3000.',
  'offsets.topic.replication.factor':
    'Replicas of __consumer_offsets when it is created, at most one for each presented broker.',
  'min.insync.replicas': 'Every presented broker is in sync: acks=all is never refused for it.',
}

/** Read only when __transaction_state is created, which nothing uses yet. */
const withoutPurpose = /^(transaction\.|transactional\.)/

/** Names that the broker's code reads, found by how it reads them: `config.number('…')`, `config['…']`. */
function settingsRead(): ReadonlySet<string> {
  const names = new Set<string>()
  const files = readdirSync(sources, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && !/test-support|-configs\.ts$/.test(file),
  )
  for (const file of files) {
    const text = readFileSync(join(sources, file), 'utf8')
    for (const [, name] of text.matchAll(/\b(?:number|boolean|string|list|optionalString)\('([a-z0-9.]+)'\)/g))
      names.add(name!)
    for (const [, name] of text.matchAll(/\bconfig\['([a-z0-9.]+)'\]/g)) names.add(name!)
    // `offsets.topic.num.partitions` and its like are put together from a prefix.
    for (const [, rest] of text.matchAll(/`\$\{prefix\}\.([a-z.]+)`/g)) names.add(`offsets.topic.${rest}`)
  }
  return names
}

const shownDefault = (value: string | null): string =>
  value === null ? '–' : value === '' ? 'empty' : value === '9223372036854775807' ? 'no limit' : `\`${value}\``

/** Names of broker settings for a table: `sasl.*` where all settings of Kafka that begin so are in the list, and there are several. */
function namesOf(list: readonly string[]): string {
  const isWhole = (prefix: string): boolean => {
    const all = brokerConfigs.filter(({ name }) => name.startsWith(prefix))
    return all.length > 2 && all.every(({ name }) => list.includes(name))
  }
  const short = list.map((name) => {
    const dots = [...name.matchAll(/\./g)].map(({ index }) => name.slice(0, index + 1))
    const prefix = dots.find(isWhole)
    return prefix === undefined ? name : `${prefix}*`
  })
  return [...new Set(short)].map((name) => `\`${name}\``).join(', ')
}

export function settings(): string {
  const read = settingsRead()
  const topics = topicConfigs.filter(({ internal }) => internal !== true)
  const works = (name: string): boolean => read.has(name) && !withoutPurpose.test(name)
  const inherited = new Set(
    topics.filter(({ name }) => works(name)).flatMap(({ brokerSynonyms }) => brokerSynonyms.map(({ name }) => name)),
  )
  const whyFixed = brokerConfigs.filter((definition) => definition.whyFixed !== undefined)
  return [
    '### Topic settings',
    '',
    'In effect:',
    '',
    markdownTable(
      ['setting', 'of the broker', 'default', 'what it does here'],
      topics
        .filter(({ name }) => works(name))
        .map(({ name, brokerSynonyms, default: value, doc }) => [
          `\`${name}\``,
          brokerSynonyms.map((synonym) => (synonym.name === name ? 'the same' : `\`${synonym.name}\``)).join(', '),
          shownDefault(value),
          reservations[name] ?? doc,
        ]),
    ),
    '',
    'The broker’s setting is the default of its topics; of several, the first that is given.',
    '',
    'All other topic settings of Kafka are checked, stored and described, without an effect.',
    '',
    '### Broker settings',
    '',
    'In effect, beside those of the table above:',
    '',
    markdownTable(
      ['setting', 'default', 'what it does here'],
      brokerConfigs
        .filter(({ name }) => works(name) && !inherited.has(name))
        .map(({ name, default: value, doc }) => [
          `\`${name}\``,
          shownDefault(embeddedDefaults[name] ?? value),
          reservations[name] ?? doc,
        ]),
    ),
    '',
    'Refused, unless the value is the default, because they could not work:',
    '',
    markdownTable(
      ['why', 'settings'],
      [...Map.groupBy(whyFixed, (definition) => definition.whyFixed!)].map(([why, list]) => [
        why,
        namesOf(list.map(({ name }) => name)),
      ]),
    ),
    '',
    'All other broker settings of Kafka 4.3 are checked and described, without an effect.',
  ].join('\n')
}
