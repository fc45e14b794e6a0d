// `selfmonitor backup take`: one backup, or one after the other as a service.
import type { BackupStore, ObjectLock } from '@selfmonitor/backup'
import type { BackupPolicy } from '@selfmonitor/platform'
import { parseSchedule, type Schedule } from '@selfmonitor/platform/schedule'
import { type Due, dueTopics, type Plan } from '../backup/due.ts'
import { loadPolicies, type Policies, policyOf } from '../backup/policies.ts'
import { type RunChoice, runOnce } from '../backup/run-once.ts'
import { serveBackups } from '../backup/service.ts'
import type { Context } from '../framework/context.ts'
import { CliError, exitCodes, usageError } from '../framework/errors.ts'
import { collect, duration } from '../framework/parse.ts'
import { defineVerb, flag, text, value } from '../framework/verb.ts'
import { counted, span, time } from '../output/format.ts'
import { policyFileOption } from './backup-coverage.ts'
import { namedTopics, openPlace, placeOptions, topicFilter, topicsOption } from './backup-place.ts'

export const take = defineVerb({
  name: 'take',
  summary: 'copy what the last backup does not have yet',
  details:
    'Copies records with key, value, headers, time and offset, up to the last stable offset of each partition, the topics’ settings,\n' +
    'how far each group is, the schemas of the registry (--registry-url), ACLs, quotas and accounts. Only the first backup of a topic\n' +
    'is a whole one. A run that is stopped (SIGTERM, Ctrl-C) keeps what it has read, and the next continues there; one that is killed\n' +
    'loses ten minutes at most. It changes nothing in the cluster, but writes its outcome to the topic _selfmonitor-backups if there is one. The\n' +
    'account needs READ and DESCRIBE_CONFIGS on the topics, DESCRIBE on the groups, DESCRIBE and DESCRIBE_CONFIGS on the cluster.\n' +
    '`backup` alone is the same as `backup take`. ' +
    'Topics with `backup: { none: <reason> }` in platform.yaml are left out, unless --topic names them.',
  examples: [
    'selfmonitor backup --target /var/backups/kafka',
    'selfmonitor backup take --target s3://kafka-backups/production --topic user.events --topic "audit.*"',
    'selfmonitor backup --target s3://kafka-backups/production --env production --service',
    'selfmonitor backup --target /var/backups/kafka --schedule "0 2 * * * Europe/Berlin"',
  ],
  options: {
    target: placeOptions.target,
    topic: topicsOption,
    recipient: value(
      '--recipient <key>',
      'encrypt to this public key of age; may be given several times: each of the secret keys opens everything',
      collect,
    ),
    recipientsFile: text('--recipients-file <file>', 'the same, from a file with a key on each line'),
    withoutAccess: flag(
      '--without-access',
      'leave ACLs, quotas and accounts out, which need DESCRIBE and DESCRIBE_CONFIGS on the cluster',
    ),
    service: flag('--service', 'run until it is stopped: each topic by the frequency that platform.yaml gives it'),
    schedule: value(
      '--schedule <when>',
      'run until it is stopped: all topics by a cron expression and a time zone ("0 2 * * * Europe/Berlin", else UTC), or continuously',
      schedule,
    ),
    every: value('--every <duration>', 'run until it is stopped: all topics, so far apart', duration),
    due: flag(
      '--due',
      'one run, of the topics only whose backup is due by the frequency that platform.yaml gives them',
    ),
    file: policyFileOption,
  },
  output: ['table', 'json', 'yaml', 'name'],
  isDefault: true,
  async run(context, { options }) {
    const { every, recipient: recipients, recipientsFile } = options
    const ways = [options.service, options.schedule !== undefined, every !== undefined, options.due]
    if (ways.filter(Boolean).length > 1) throw usageError('--service, --schedule, --every and --due exclude each other')
    const policies = await loadPolicies(context, options.file)
    const store = await openPlace(context, options.target, '--target', { recipients, recipientsFile })
    const topics = choiceOf(policies, options.topic, !options.withoutAccess)
    const fixed: Schedule | undefined = every === undefined ? options.schedule : { kind: 'every', everyMs: every }
    const planOf = (topic: string): Plan => {
      if (!topics.include(topic)) return null
      return fixed ?? policyOf(policies, topic)?.frequency ?? 'with-others'
    }
    if (options.due || options.service) requireFrequency(policies, options.service ? '--service' : '--due')
    if (options.due) return await runDue(context, store, topics, planOf)
    if (fixed !== undefined || options.service) return await serve(context, store, topics, planOf)
    await requireTopics(context, topics, policies)
    return await runOnce(context, store, topics)
  },
})

function schedule(given: string): Schedule {
  const parsed = parseSchedule(given)
  if ('kind' in parsed) return parsed
  throw usageError(`"${given}" is not a schedule: it ${parsed.problem}`)
}

type TopicChoice = RunChoice

function choiceOf(policies: Policies, patterns: readonly string[] | undefined, access: boolean): TopicChoice {
  const matches = topicFilter(patterns)
  const named = namedTopics(patterns)
  const names = new Set(named)
  return {
    named,
    policies,
    lockOf: (topic) => lockOf(policyOf(policies, topic)),
    access,
    include: (topic) => names.has(topic) || (matches(topic) && policyOf(policies, topic)?.none === undefined),
  }
}

const dayMs = 86_400_000

/** From now on, as a run writes it. */
function lockOf(policy: BackupPolicy | undefined): ObjectLock | undefined {
  const { days, mode } = policy?.lock ?? {}
  return days === undefined || mode === undefined ? undefined : { untilMs: Date.now() + days * dayMs, mode }
}

function requireFrequency({ declared, otherwise, source }: Policies, option: string): void {
  const all = [...declared.values(), otherwise]
  if (all.some((policy) => policy?.frequency !== undefined)) return
  const message =
    source === undefined ? `there is no platform.yaml for ${option}` : `no topic of ${source} has a frequency`
  throw usageError(message, 'Write `backup: { frequency: 1h }` into platform.yaml, or pass --schedule or --every.')
}

/** A backup of nothing would look like one of everything. @throws CliError NOTHING_TO_BACK_UP */
async function requireTopics(context: Context, { include }: TopicChoice, policies: Policies): Promise<void> {
  const topics = await (await context.cluster()).listTopics()
  const left = topics.filter(({ name }) => !include(name) && policyOf(policies, name)?.none !== undefined)
  if (left.length === 0 || left.length < topics.length) return
  throw new CliError('NOTHING_TO_BACK_UP', `${policies.source} leaves all ${counted(topics.length, 'topic')} out`, {
    hint: 'Choose the environment with --env, another file with -f, or name topics with --topic.',
  })
}

async function look(context: Context, store: BackupStore) {
  const [cluster, { latestManifest }] = await Promise.all([context.cluster(), import('@selfmonitor/backup')])
  const { clusterId } = await cluster.info()
  const [topics, latest] = await Promise.all([cluster.listTopics(), latestManifest(store, clusterId)])
  return { topics, manifest: latest?.manifest ?? null }
}

/** The topics that are due; one that the last backup has and the account no longer sees is a problem of the run. */
function dueChoice(due: Due, seen: readonly { readonly name: string }[], topics: TopicChoice): TopicChoice {
  const [now, visible] = [new Set(due.now), new Set(seen.map(({ name }) => name))]
  return { ...topics, include: (topic) => now.has(topic) || (!visible.has(topic) && topics.include(topic)) }
}

/** A job that runs every five minutes starts a little early or late: a topic with `frequency: 5m` is due after 4m 30s. */
const jobTolerance = 0.1

async function runDue(
  context: Context,
  store: BackupStore,
  topics: TopicChoice,
  planOf: (topic: string) => Plan,
): Promise<number> {
  const found = await look(context, store)
  const nowMs = Date.now()
  const due = dueTopics({ ...found, planOf, tried: new Map(), nowMs, tolerance: jobTolerance })
  if (due.now.length > 0) return await runOnce(context, store, dueChoice(due, found.topics, topics))
  context.note(`Nothing is due. ${nextRun(due.next, nowMs)}`)
  return exitCodes.done
}

async function serve(
  context: Context,
  store: BackupStore,
  topics: TopicChoice,
  planOf: (topic: string) => Plan,
): Promise<number> {
  const { bad, aside } = context.colours.stderr
  const { signal } = context.io
  let seen: readonly { readonly name: string; readonly id: string }[] = []
  let isFirst = true
  const code = await serveBackups({
    planOf,
    signal,
    async look() {
      const found = await look(context, store)
      seen = found.topics
      if (isFirst) await sayPlan(context, seen, planOf)
      isFirst = false
      return found
    },
    run: (due) => runOnce(context, store, dueChoice(due, seen, topics)),
    onWait: (next, nowMs) => context.note(aside(nextRun(next, nowMs))),
    onFailure: (error, retryInMs) =>
      context.note(bad(`No backup: ${(error as Error).message}. Next attempt in ${span(retryInMs)}.`)),
  })
  return code
}

function nextRun(next: Due['next'], nowMs: number): string {
  if (next === null) return 'No topic has a next run.'
  const [first] = next.topics
  const which = next.topics.length === 1 ? first : counted(next.topics.length, 'topic')
  return `Next run at ${time(next.atMs)}, in ${span(Math.max(1_000, next.atMs - nowMs))}: ${which}.`
}

/** How often which topics are backed up. */
async function sayPlan(
  context: Context,
  seen: readonly { readonly name: string }[],
  planOf: (topic: string) => Plan,
): Promise<void> {
  const { formatSchedule, scheduleInWords } = await import('@selfmonitor/platform/schedule')
  const schedules = new Map<string, { readonly plan: Exclude<Plan, null>; readonly topics: string[] }>()
  for (const { name } of seen) {
    const plan = planOf(name)
    if (plan === null) continue
    const key = plan === 'with-others' ? plan : formatSchedule(plan)
    const known = schedules.get(key) ?? { plan, topics: [] }
    known.topics.push(name)
    schedules.set(key, known)
  }
  for (const { plan, topics } of schedules.values()) {
    const words = plan === 'with-others' ? 'in every run' : await scheduleInWords(plan)
    const which = topics.length <= 3 ? topics.join(', ') : counted(topics.length, 'topic')
    context.note(context.colours.stderr.aside(`Backed up ${words}: ${which}`))
  }
}
