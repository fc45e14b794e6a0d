// `selfmonitor quotas`: how much of each broker a user, a client id or an address may use (KIP-546, KIP-612): list, set, delete.
import type { ClientQuota, QuotaEntity } from '@selfmonitor/cluster'
import type { Context } from '../framework/context.ts'
import { CliError, usageError } from '../framework/errors.ts'
import { collect, positiveNumber } from '../framework/parse.ts'
import { didYouMean } from '../framework/suggest.ts'
import { defineVerb, flag, type Noun, text, value } from '../framework/verb.ts'
import { bytes, count, counted } from '../output/format.ts'
import { type Column, renderTable } from '../output/table.ts'
import { typedName } from './topic-guard.ts'

interface QuotaKind {
  /** Of users and client ids, or of addresses. */
  readonly of: 'client' | 'ip'
  readonly unit: (value: number) => string
}

const perSecond = (value: number): string => `${bytes(value)}/s`

/** The quotas of Kafka 4.3. `kafka-configs` has the same names. */
const quotaKinds: Readonly<Record<string, QuotaKind>> = {
  producer_byte_rate: { of: 'client', unit: perSecond },
  consumer_byte_rate: { of: 'client', unit: perSecond },
  request_percentage: { of: 'client', unit: (value) => `${value} % of a thread` },
  controller_mutation_rate: { of: 'client', unit: (value) => `${value} changes/s` },
  connection_creation_rate: { of: 'ip', unit: (value) => `${value} connections/s` },
}

interface Row {
  readonly entity: QuotaEntity
  readonly quota: string
  readonly value: number
}

function rowsOf(quotas: readonly ClientQuota[]): Row[] {
  return quotas.flatMap(({ entity, values }) =>
    Object.entries(values).map(([quota, value]) => ({ entity, quota, value })),
  )
}

/** `user alice, client-id (default)` */
export function entityText(entity: QuotaEntity): string {
  return entity.map(({ type, name }) => `${type} ${name ?? '(default)'}`).join(', ')
}

const shownValue = (quota: string, value: number): string => quotaKinds[quota]?.unit(value) ?? String(value)

const columns: readonly Column<Row>[] = [
  { header: 'ENTITY', value: ({ entity }) => entityText(entity) },
  { header: 'QUOTA', value: ({ quota }) => quota },
  { header: 'VALUE', align: 'right', value: ({ quota, value }) => shownValue(quota, value) },
]

const entityOptions = {
  user: text('--user <name>', 'of this user', { complete: 'users' }),
  userDefault: flag('--user-default', 'of each user without a quota of its own'),
  clientId: text('--client-id <id>', 'of this client.id; with --user, of this client of the user'),
  clientIdDefault: flag('--client-id-default', 'of each client.id without a quota of its own'),
  ip: text('--ip <address>', 'of connections from this address'),
  ipDefault: flag('--ip-default', 'of connections from each address without a quota of its own'),
}

export interface EntityOptions {
  readonly user?: string
  readonly userDefault: boolean
  readonly clientId?: string
  readonly clientIdDefault: boolean
  readonly ip?: string
  readonly ipDefault: boolean
}

/** The entity that the options name; empty when they name none. @throws CliError USAGE for a combination that Kafka does not have */
export function entityOf(options: EntityOptions): QuotaEntity {
  const part = (type: QuotaEntity[number]['type'], name: string | undefined, isDefault: boolean) => {
    if (name !== undefined && isDefault) throw usageError(`--${type} and --${type}-default cannot be used together.`)
    return name === undefined && !isDefault ? [] : [{ type, name: name ?? null }]
  }
  const client = [
    ...part('user', options.user?.replace(/^User:/, ''), options.userDefault),
    ...part('client-id', options.clientId, options.clientIdDefault),
  ]
  const ip = part('ip', options.ip, options.ipDefault)
  if (client.length > 0 && ip.length > 0) {
    throw usageError('A quota is of an address, or of a user and a client id, not of both.', 'Set them one by one.')
  }
  return [...client, ...ip]
}

function requireEntity(options: EntityOptions): QuotaEntity {
  const entity = entityOf(options)
  if (entity.length > 0) return entity
  throw usageError('The entity is missing.', 'Pass --user, --client-id, both, or --ip; or one of them with -default.')
}

/** Reads `producer_byte_rate=10MiB`; dashes are as good as underscores. @throws CliError USAGE */
export async function quotaValues(
  given: readonly string[],
  entity: QuotaEntity,
): Promise<Readonly<Record<string, number>>> {
  const { toKafkaValue } = await import('@selfmonitor/platform/topic-settings')
  const values: Record<string, number> = {}
  for (const one of given) {
    const [word = '', amount = ''] = one.split('=')
    const quota = quotaName(word, entity)
    // A size as topics have it: 10MiB.
    const asSize = /_byte_rate$/.test(quota) ? toKafkaValue('segment.bytes', amount) : undefined
    if (asSize !== undefined && 'problem' in asSize) throw usageError(`${one}: ${asSize.problem}.`)
    values[quota] = positiveNumber(asSize?.value ?? amount)
  }
  return values
}

/** @throws CliError USAGE for a quota that does not exist, or not for such an entity */
function quotaName(word: string, entity: QuotaEntity): string {
  const quota = word.replaceAll('-', '_')
  const of = entity[0]?.type === 'ip' ? 'ip' : 'client'
  const known = Object.keys(quotaKinds).filter((name) => entity.length === 0 || quotaKinds[name]!.of === of)
  if (known.includes(quota)) return quota
  const whose = entity.length === 0 ? '' : of === 'ip' ? ' of an address' : ' of a user or a client id'
  throw usageError(`"${word}" is not a quota${whose}.`, didYouMean(quota, known) ?? `There is ${known.join(', ')}.`)
}

const list = defineVerb({
  name: 'list',
  summary: 'list quotas: of users, client ids and addresses',
  details:
    'Without options all of them. A quota holds on each broker, not in the cluster. Kafka takes the most specific one: user and client id,\n' +
    'user, client id, then the defaults.',
  examples: ['selfmonitor quotas list', 'selfmonitor quotas list --user billing'],
  options: entityOptions,
  output: ['table', 'json', 'yaml', 'name'],
  async run(context, { options }) {
    const wanted = entityOf(options)
    const all = await (await context.cluster()).clientQuotas()
    const found = all.filter(({ entity }) =>
      wanted.every(({ type, name }) => entity.some((part) => part.type === type && part.name === name)),
    )
    await context.printRows(rowsOf(found), {
      columns,
      name: ({ entity, quota }) => `${entityText(entity)}: ${quota}`,
      empty: wanted.length === 0 ? 'No quotas.' : `No quotas of ${entityText(wanted)}.`,
    })
  },
})

interface QuotaChange {
  readonly quota: string
  readonly from: number | null
  readonly to: number | null
}

const changeColumns: readonly Column<QuotaChange>[] = [
  { header: 'QUOTA', value: ({ quota }) => quota },
  { header: 'NOW', value: ({ quota, from }) => (from === null ? '(none)' : shownValue(quota, from)) },
  { header: 'THEN', value: ({ quota, to }) => (to === null ? '(none)' : shownValue(quota, to)) },
]

/** Previews, asks, changes and says what was changed. */
async function change(
  context: Context,
  action: 'quotas.set' | 'quotas.delete',
  entity: QuotaEntity,
  changes: readonly QuotaChange[],
): Promise<void> {
  const cluster = await context.cluster()
  const who = entityText(entity)
  const set = Object.fromEntries(changes.map(({ quota, to }) => [quota, to]))
  await cluster.alterClientQuotas([{ entity, set }], { validateOnly: true })
  context.note(renderTable(changes, changeColumns, context.colours.stderr).trimEnd())
  await context.confirm({
    what: `${action === 'quotas.set' ? 'Set' : 'Delete'} ${counted(changes.length, 'quota')} of ${who}`,
    typedName: typedName(
      context.settings.environment.value,
      entity.map(({ name }) => name ?? 'default'),
    ),
  })
  const side = (of: 'from' | 'to') => Object.fromEntries(changes.map((one) => [one.quota, one[of]]))
  await context.audited(
    { action, resources: [{ type: 'quota', name: who }], before: side('from'), after: side('to') },
    () => cluster.alterClientQuotas([{ entity, set }]),
  )
  if (context.format === 'table') context.note(`${count(changes.length)} of ${who} changed.`)
  else {
    await context.printRows(changes, {
      columns: changeColumns,
      name: ({ quota }) => `${who}: ${quota}`,
      data: (one) => ({ entity, ...one }),
      empty: '',
    })
  }
}

const set = defineVerb({
  name: 'set',
  summary: 'set quotas of a user, a client id, both, or an address',
  details: `Quotas of users and client ids: ${Object.keys(quotaKinds)
    .filter((name) => quotaKinds[name]!.of === 'client')
    .join(', ')}; of addresses: connection_creation_rate. Others of the entity stay.`,
  examples: [
    'selfmonitor quotas set --user billing --quota producer_byte_rate=10MiB --quota request_percentage=200 --yes',
    'selfmonitor quotas set --client-id-default --quota consumer_byte_rate=20MiB',
    'selfmonitor quotas set --ip 10.0.0.7 --quota connection_creation_rate=20',
  ],
  options: { ...entityOptions, quota: value('--quota <name=value>', 'a quota; repeatable', collect) },
  output: ['table', 'json', 'yaml', 'name'],
  mutates: true,
  async run(context, { options }) {
    const entity = requireEntity(options)
    if (options.quota === undefined) throw usageError('The quota is missing.', 'Pass --quota producer_byte_rate=10MiB.')
    const wanted = await quotaValues(options.quota, entity)
    const now = await valuesOf(context, entity)
    const changes = Object.entries(wanted)
      .map(([quota, to]): QuotaChange => ({ quota, from: now[quota] ?? null, to }))
      .filter(({ from, to }) => from !== to)
    if (changes.length === 0) {
      context.note(`${entityText(entity)} has these quotas already: nothing to set.`)
      return
    }
    await change(context, 'quotas.set', entity, changes)
  },
})

const remove = defineVerb({
  name: 'delete',
  summary: 'delete quotas of a user, a client id, both, or an address',
  details: 'Without --quota all of the entity. What is then in force are the next less specific ones.',
  examples: ['selfmonitor quotas delete --user billing --quota producer_byte_rate --yes'],
  options: { ...entityOptions, quota: value('--quota <name>', 'only this quota; repeatable', collect) },
  output: ['table', 'json', 'yaml', 'name'],
  mutates: true,
  async run(context, { options }) {
    const entity = requireEntity(options)
    const named = options.quota?.map((word) => quotaName(word, entity))
    const now = await valuesOf(context, entity)
    const missing = named?.find((quota) => now[quota] === undefined)
    if (missing !== undefined || Object.keys(now).length === 0) {
      throw new CliError('NO_SUCH_QUOTA', `${entityText(entity)} has no ${missing ?? 'quotas'}: nothing to delete.`, {
        hint: '`selfmonitor quotas list` lists the existing ones.',
      })
    }
    const changes = Object.entries(now)
      .filter(([quota]) => named === undefined || named.includes(quota))
      .map(([quota, from]): QuotaChange => ({ quota, from, to: null }))
    await change(context, 'quotas.delete', entity, changes)
  },
})

async function valuesOf(context: Context, entity: QuotaEntity): Promise<Readonly<Record<string, number>>> {
  const all = await (await context.cluster()).clientQuotas()
  const same = all.find((quota) => entityText(quota.entity) === entityText(entity))
  return same?.values ?? {}
}

export const quotas: Noun = {
  name: 'quotas',
  summary: 'how much users, clients and addresses may use: list, set, delete',
  verbs: [list, set, remove],
}
