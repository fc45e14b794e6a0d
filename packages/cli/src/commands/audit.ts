// `selfmonitor audit`: the audit trail: search, verify.
import type { AuditEnvelope, AuditedChange, ReadTrail } from '@selfmonitor/audit'
import type { Cluster } from '@selfmonitor/cluster'
import type { Decoded } from '../events/decode.ts'
import { moment } from '../events/filter.ts'
import { openDecoder } from '../events/reading.ts'
import { auditSetting } from '../framework/audited.ts'
import type { Context } from '../framework/context.ts'
import { CliError, exitCodes, requireUninterrupted, usageError } from '../framework/errors.ts'
import { collect, integer } from '../framework/parse.ts'
import { defineVerb, type Noun, value } from '../framework/verb.ts'
import { count, counted, time } from '../output/format.ts'
import type { Column } from '../output/table.ts'
import { requireTopics } from './topic-view.ts'

const statuses = ['success', 'failure', 'refused', 'unfinished'] as const
type Status = (typeof statuses)[number]

/** Reads `--outcome failure,refused`, repeatable. */
function outcomes(text: string, previous: readonly Status[] = []): Status[] {
  const named = text.split(',').map((word) => {
    const found = statuses.find((status) => status === word)
    if (found === undefined) throw usageError(`"${word}" is not an outcome`, `The outcomes are ${statuses.join(', ')}.`)
    return found
  })
  return [...previous, ...named]
}

/** A change as it is printed. */
interface Row {
  readonly change: AuditedChange
  readonly status: Status
}

const first = ({ change }: Row) => (change.intention ?? change.outcome)!

const columns: readonly Column<Row>[] = [
  { header: 'WHEN', value: (row) => time(first(row).timestamp) },
  {
    header: 'WHO',
    value: (row) => {
      const { principal, os_user: osUser, kubernetes } = first(row).data.who
      const who = kubernetes === null ? osUser : `pod ${kubernetes.pod}`
      return who === null ? principal : `${principal} (${who})`
    },
  },
  { header: 'FROM', value: (row) => first(row).data.from.ssh_client ?? first(row).data.from.host },
  { header: 'ACTION', value: (row) => first(row).data.action },
  {
    header: 'OUTCOME',
    value: ({ change, status }) => [status, change.outcome?.data.outcome?.code].filter(Boolean).join(' '),
    colour: (text, { status }, colours) =>
      status === 'success' ? colours.good(text) : status === 'unfinished' ? colours.careful(text) : colours.bad(text),
  },
  {
    header: 'RESOURCES',
    value: (row) => {
      const { resources } = first(row).data
      const shown = resources.slice(0, 3).map(({ type, name }) => `${type}/${name}`)
      return [...shown, ...(resources.length > 3 ? [`${count(resources.length - 3)} more`] : [])].join(' ')
    },
  },
]

const search = defineVerb({
  name: 'search',
  summary: 'list recorded changes: who, when, from where, what, with which outcome',
  details:
    'All that the options name, in the order of time. -o json has the whole records: the resources before and after, the command line,\n' +
    'the pod, the hashes. A change without an outcome is running, was interrupted, or could not record its outcome.',
  examples: [
    'selfmonitor audit search --from 24h',
    'selfmonitor audit search --who User:admin --action topics.delete --from 2026-11-01 -o json',
    'selfmonitor audit search --resource topic/user.events --outcome failure,refused',
  ],
  options: {
    who: value('--who <name>', 'a principal or a user of the operating system; repeatable', collect),
    action: value('--action <action>', 'such as topics.delete, or topics for all of them; repeatable', collect),
    resource: value('--resource <name>', 'a name, or kind and name: topic/orders; repeatable', collect),
    outcome: value('--outcome <outcome,...>', `${statuses.join(', ')}; repeatable`, outcomes),
    from: value('--from <time>', 'since 10m (ago), or a time', moment),
    until: value('--until <time>', 'before; the same forms', moment),
    last: value('--last <n>', 'only the newest n', integer(1)),
  },
  output: ['table', 'json', 'yaml'],
  async run(context, { options }) {
    const { changesOf, matchesFilter, statusOf } = await import('@selfmonitor/audit')
    const { records } = await read(context, options.from)
    const found = changesOf(records.flatMap((placed) => ('record' in placed ? [placed.record] : [])))
      .filter((change) =>
        matchesFilter(change, {
          who: options.who,
          actions: options.action,
          resources: options.resource,
          outcomes: options.outcome,
          fromMs: options.from,
          untilMs: options.until,
        }),
      )
      .map((change): Row => ({ change, status: statusOf(change) }))
      .sort((a, b) => first(a).timestamp - first(b).timestamp)
    await context.printRows(options.last === undefined ? found : found.slice(-options.last), {
      columns,
      name: (row) => first(row).data.change_id,
      data: ({ change, status }) => ({ status, intention: change.intention ?? null, outcome: change.outcome ?? null }),
      empty: 'No recorded changes there.',
    })
    const damaged = records.filter((placed) => 'problem' in placed && placed.problem !== undefined).length
    if (damaged > 0) {
      context.note(
        context.colours.stderr.bad(`${counted(damaged, 'record')} cannot be read: selfmonitor audit verify says why.`),
      )
    }
  },
})

const verify = defineVerb({
  name: 'verify',
  summary: 'check that no record was changed, removed, inserted or moved',
  details:
    'Compares each record with its hash and with the earlier ones that it names. Exit code 1 at a break, with the offset of the first, and\n' +
    'where nothing can be said: there are no records, or some are gone and the account may not read the retention.\n' +
    'A record is protected once a later one was written: the end of a log that was cut off cannot be told from its end. Records that\n' +
    'expired by their retention are no break. --from leaves older ones out, also those that newer ones name: for a topic that was\n' +
    'restored from a backup.',
  examples: ['selfmonitor audit verify', 'selfmonitor audit verify --from 2026-11-01 -o json'],
  options: { from: value('--from <time>', 'since 10m (ago), or a time', moment) },
  output: ['table', 'json', 'yaml'],
  async run(context, { options }) {
    const { verifyChain } = await import('@selfmonitor/audit')
    const { topic, cluster, records, others, start } = await read(context, options.from)
    const retention = await retentionOf(cluster, topic)
    const verdict = verifyChain(records, {
      ...{ start, retentionMs: retention.ms, nowMs: Date.now(), fromMs: options.from },
    })
    const { breaks, unfinished, unlinked, expired } = verdict
    const undecided = await undecidedBecause({ cluster, topic, trail: { records, start }, expired, retention })
    const isSound = breaks.length === 0 && undecided === null
    const at = ({ partition, offset }: { partition: number; offset: bigint }): string =>
      `${topic}[${partition}]@${offset}`
    await context.printThing(
      {
        topic,
        sound: isSound,
        undecided,
        records: verdict.records,
        others,
        breaks,
        unfinished: unfinished.map(({ partition, offset, record }) => ({
          ...{ partition, offset, changeId: record.data.change_id, action: record.data.action, at: record.timestamp },
        })),
        unlinked,
        expired,
      },
      {
        table: () => {
          const colours = context.colours.stdout
          const [broken] = breaks
          const lines = [
            undecided !== null && broken === undefined
              ? `${colours.bad('not verified')}: ${undecided}`
              : broken === undefined
                ? `${colours.good('sound')}: ${counted(verdict.records, 'record')} of ${topic}, and ${count(others)} of others`
                : `${colours.bad('broken')} at ${at(broken)}: ${counted(breaks.length, 'break')} in ${counted(verdict.records, 'record')}`,
            ...breaks.map((one) => colours.bad(`  ${at(one)} ${one.kind}: ${one.message}`)),
            ...unfinished.map((one) => {
              const { action, who } = one.record.data
              return `  ${at(one)} unfinished: ${action} by ${who.principal} at ${time(one.record.timestamp)}`
            }),
            ...(unlinked === 0
              ? []
              : [`  ${counted(unlinked, 'record')} by accounts that may not read ${topic}: they name no others`]),
            ...(expired === 0
              ? []
              : [
                  retention.ms === null
                    ? `  ${counted(expired, 'record')} before them ${expired === 1 ? 'is' : 'are'} gone${retention.unknown === null ? `: ${topic} removes records by more than their age` : ''}`
                    : `  ${counted(expired, 'record')} before them expired`,
                ]),
          ]
          return `${lines.join('\n')}\n`
        },
      },
    )
    return isSound ? exitCodes.done : exitCodes.failed
  },
})

async function read(
  context: Context,
  fromMs: number | undefined,
): Promise<ReadTrail & { readonly topic: string; readonly cluster: Cluster }> {
  const setting = await auditSetting(context.io, context.settings)
  if (setting.kind === 'none') {
    throw new CliError('NO_AUDIT_TRAIL', `${setting.origin} says that there is no trail: ${setting.reason}`, {
      hint: 'To read a trail nevertheless, name its topic: SELFMONITOR_AUDIT=audit.events.',
    })
  }
  const cluster = await context.cluster()
  const { topic } = setting
  await requireTopics(cluster, [topic])
  const [{ readTrail }, decoder] = await Promise.all([import('@selfmonitor/audit'), openDecoder(context)])
  const decode = async (bytes: Buffer | null) => envelopeOf(await decoder.decode(bytes))
  const trail = await readTrail(cluster, topic, { decode, fromMs, signal: context.io.signal })
  requireUninterrupted(context, 'Interrupted: not all records were read.')
  return { ...trail, topic, cluster }
}

/** Why it cannot be said whether the trail is sound; null where it can. */
async function undecidedBecause(of: {
  readonly cluster: Cluster
  readonly topic: string
  readonly trail: Pick<ReadTrail, 'records' | 'start'>
  readonly expired: number
  readonly retention: Retention
}): Promise<string | null> {
  const { cluster, topic, trail, expired, retention } = of
  if (retention.unknown !== null && expired > 0) {
    return `${counted(expired, 'record')} at the beginning ${expired === 1 ? 'is' : 'are'} gone, and whether ${expired === 1 ? 'it' : 'they'} expired cannot be told: the settings of ${topic} cannot be read (${retention.unknown})`
  }
  if (trail.records.length > 0) return null
  const places = [...trail.start.keys()].map((partition) => ({ topic, partition }))
  const starts = await cluster.listOffsets(places, 'earliest')
  // Since --from nothing was changed; older records are there, as far as offsets tell.
  if (starts.some(({ partition, offset }) => offset !== null && offset < trail.start.get(partition)!)) return null
  return `${topic} has no records of changes: they were removed or have expired, or none was ever written`
}

/** Events are Avro in the envelope, or the envelope as JSON where there was no registry. */
function envelopeOf(decoded: Decoded): AuditEnvelope | { readonly problem: string } | undefined {
  if (decoded.kind === 'event') return decoded.envelope
  if (decoded.kind === 'undecodable') return { problem: decoded.reason }
  const { event_id, event_type, user_id, timestamp, data } = (decoded.value ?? {}) as Partial<AuditEnvelope>
  const texts = [event_id, event_type, user_id, data]
  if (decoded.format !== 'json' || typeof timestamp !== 'number' || texts.some((text) => typeof text !== 'string')) {
    return undefined
  }
  return { event_id, event_type, user_id, timestamp, data } as AuditEnvelope
}

interface Retention {
  /** Infinity for none; null where records may go for other reasons than their age, or the settings cannot be read. */
  readonly ms: number | null
  /** Why the settings cannot be read. */
  readonly unknown: string | null
}

/** @throws ClusterError unless it is that the account may not read the settings */
async function retentionOf(cluster: Cluster, topic: string): Promise<Retention> {
  const configs = await cluster.topicConfigs([topic]).catch((error: Error & { reason?: unknown; code?: string }) => {
    if (error.reason !== 'not-allowed') throw error
    return error.code ?? error.message
  })
  if (typeof configs === 'string') return { ms: null, unknown: configs }
  const setting = (name: string) => configs.get(topic)?.find((entry) => entry.name === name)?.value ?? undefined
  const retentionMs = setting('retention.ms')
  if (retentionMs === undefined || setting('retention.bytes') !== '-1' || setting('cleanup.policy') !== 'delete') {
    return { ms: null, unknown: null }
  }
  return { ms: retentionMs === '-1' ? Number.POSITIVE_INFINITY : Number(retentionMs), unknown: null }
}

export const audit: Noun = {
  name: 'audit',
  summary: 'the record of every change: search, verify',
  verbs: [search, verify],
}
