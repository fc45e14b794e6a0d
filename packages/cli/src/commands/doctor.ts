// `selfmonitor doctor`: takes a snapshot of a cluster, or watches it for a few seconds, and reports what is wrong with it.
import type { Diagnosis, Snapshot } from '@selfmonitor/monitor'
import type { Context } from '../framework/context.ts'
import { CliError, exitCodes } from '../framework/errors.ts'
import { duration, integer } from '../framework/parse.ts'
import { choice, defineVerb, type Noun, text, value } from '../framework/verb.ts'
import { watchedRegistry } from '../local/watched-registry.ts'
import { counted, shortAddresses, span, time } from '../output/format.ts'
import { indented } from '../output/wrap.ts'
import { countedSeverities, severityColour, verdictsText } from './verdict-view.ts'

const defaultWatchMs = 12_000
const lookEveryMs = 2_000
const noLog = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

const verb = defineVerb({
  name: 'doctor',
  summary: 'say whether a cluster is well and, if not, what is wrong and what to do',
  details:
    'Reads the whole cluster once: brokers, partitions, disks, groups, transactions, certificates, and the registry. If groups have\n' +
    'unread messages, it watches for another 12 seconds (--watch), to see whether they make progress. It changes nothing. The first\n' +
    'line is the result; each verdict gives its evidence and the command to type. A part that could not be read is a verdict too, with\n' +
    'the missing right. Exit code 0 without errors, else 1; 4 when no broker answers or the login is refused.',
  examples: [
    'selfmonitor doctor',
    'selfmonitor doctor --watch 1m --bootstrap-servers kafka-1:9092',
    'selfmonitor doctor -o json | jq .verdicts',
  ],
  options: {
    watch: value(
      '--watch <duration>',
      'how long to watch groups with unread messages; 0s reads once',
      duration,
      defaultWatchMs,
    ),
    expectedBrokers: value(
      '--expected-brokers <n>',
      'number of brokers in the cluster (default: those that replicas are assigned to)',
      integer(1),
    ),
    failOn: choice(
      '--fail-on <severity>',
      'the lowest severity that gives exit code 1',
      ['critical', 'error', 'warning'],
      'error',
    ),
    connectUrl: text('--connect-url <url>', 'Kafka Connect, to check its connectors too'),
    ksqldbUrl: text('--ksqldb-url <url>', 'ksqlDB, to check it too'),
  },
  output: ['table', 'json', 'yaml', 'name'],
  async run(context, { options }) {
    const { diagnosis, snapshot, watchedMs } = await examine(context, options)
    const { verdicts } = diagnosis
    await context.printThing(examination(snapshot, diagnosis, watchedMs), {
      name: verdicts.map(({ code }) => code).join('\n') || undefined,
      table: () => report(context, snapshot, diagnosis, watchedMs),
    })
    if (verdicts.some(({ code }) => code === 'CLUSTER_UNREACHABLE')) return exitCodes.cannotConnect
    const failing = { critical: ['critical'], error: ['critical', 'error'], warning: ['critical', 'error', 'warning'] }
    return verdicts.some(({ severity }) => failing[options.failOn].includes(severity))
      ? exitCodes.failed
      : exitCodes.done
  },
})

interface Examination {
  readonly snapshot: Snapshot
  readonly diagnosis: Diagnosis
  readonly watchedMs: number
}

async function examine(
  context: Context,
  options: {
    watch: number
    expectedBrokers: number | undefined
    connectUrl: string | undefined
    ksqldbUrl: string | undefined
  },
): Promise<Examination> {
  const [cluster, { diagnose, secondLook, startCollector }, schemaRegistry] = await Promise.all([
    context.cluster(),
    import('@selfmonitor/monitor'),
    watchedRegistry(context),
  ])
  const { settings, colours } = context
  const note = (line: string): void => context.note(colours.stderr.aside(line))
  note(`Reading ${shortAddresses(settings.bootstrapServers.value)} …`)
  const ended = Promise.withResolvers<Examination>()
  let last: Examination | undefined
  let firstMs = 0
  function look(snapshot: Snapshot): void {
    const isFirst = last === undefined
    // A person asks once and wants every finding now: none is held back.
    const diagnosis = diagnose(snapshot, snapshot.finishedAtMs, { before: last?.diagnosis, holdBack: false })
    if (isFirst) firstMs = snapshot.finishedAtMs
    const watchedMs = snapshot.finishedAtMs - firstMs
    const why = secondLook(snapshot, diagnosis)
    if (isFirst && why !== null && options.watch > 0)
      note(`${why}. Watching for ${span(options.watch)}, to see whether they make progress …`)
    last = { snapshot, diagnosis, watchedMs }
    if (why === null || watchedMs >= options.watch || context.io.signal.aborted) ended.resolve(last)
  }
  const collector = startCollector(
    cluster,
    {
      intervalMs: lookEveryMs,
      expectedBrokers: options.expectedBrokers,
      services: { schemaRegistry, connect: options.connectUrl, ksqldb: options.ksqldbUrl },
      tls: settings.security.tls,
      everyMs: { brokers: 0, logDirs: 0, certificates: 0, services: 0 },
      logger: noLog,
    },
    (snapshot) => {
      try {
        look(snapshot)
      } catch (error) {
        ended.reject(error)
      }
    },
  )
  context.onEnd(() => collector.close())
  const interrupted = (): void => {
    if (last === undefined) ended.reject(new CliError('INTERRUPTED', 'Interrupted before the cluster was read.'))
    else ended.resolve(last)
  }
  context.io.signal.addEventListener('abort', interrupted, { once: true })
  return await ended.promise
}

/** `-o json` */
function examination(snapshot: Snapshot, { verdicts, atMs }: Diagnosis, watchedMs: number): object {
  return {
    well: verdicts.every(({ severity }) => severity === 'warning'),
    worst: verdicts[0]?.severity ?? null,
    cluster: snapshot.cluster,
    at: new Date(atMs).toISOString(),
    watchedMs,
    seen: sizes(snapshot),
    verdicts: verdicts.map(({ sinceMs, ...verdict }) => ({ ...verdict, since: new Date(sinceMs).toISOString() })),
  }
}

function sizes({ metadata, groups }: Snapshot) {
  const topics = metadata.state === 'read' ? metadata.value.topics : []
  return {
    brokers: metadata.state === 'read' ? metadata.value.brokers.length : 0,
    topics: topics.length,
    partitions: topics.reduce((sum, { partitions }) => sum + partitions.length, 0),
    groups: groups.state === 'read' ? groups.value.length : 0,
  }
}

function report(context: Context, snapshot: Snapshot, { verdicts, atMs }: Diagnosis, watchedMs: number): string {
  const colours = context.colours.stdout
  const seen = sizes(snapshot)
  const about = colours.aside(
    [
      `cluster ${snapshot.cluster || context.settings.bootstrapServers.value}`,
      counted(seen.brokers, 'broker'),
      counted(seen.topics, 'topic'),
      counted(seen.partitions, 'partition'),
      counted(seen.groups, 'group'),
      watchedMs > 0 ? `watched for ${span(watchedMs)}` : 'looked once',
      time(atMs),
    ].join(', '),
  )
  const [worst] = verdicts
  if (worst === undefined) return `${colours.good('WELL')}  nothing found\n${indented(context.io.stdout, about, 2)}\n`
  const colour = severityColour(worst.severity, colours)
  const head = worst.severity === 'warning' ? `${colours.good('WELL')}, with` : `${colour('NOT WELL')}:`
  const first = `${head} ${countedSeverities(verdicts)}. ${worst.severity === 'warning' ? 'First' : 'Worst'}: ${colours.strong(worst.message)}`
  const alike = [...Map.groupBy(verdicts, ({ code, severity }) => `${severity} ${code}`).values()]
  const texts = alike.map((some) => verdictsText(some, context.io.stdout, colours))
  const { stdout } = context.io
  return `${indented(stdout, first, 2)}\n${indented(stdout, about, 2)}\n\n${texts.join('\n')}`
}

export const doctor: Noun = { name: 'doctor', summary: verb.summary, verbs: [verb] }
