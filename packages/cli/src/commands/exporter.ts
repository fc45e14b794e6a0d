// `selfmonitor exporter`.
import { usageError } from '../framework/errors.ts'
import type { Io } from '../framework/io.ts'
import { collect, duration, integer } from '../framework/parse.ts'
import { defaults } from '../framework/settings.ts'
import { choice, defineVerb, flag, type Noun, text, value } from '../framework/verb.ts'
import { version } from '../framework/version.ts'
import { openServerLog } from '../local/logger.ts'
import { watchedRegistry } from '../local/watched-registry.ts'
import { listenAddress } from './listen-address.ts'

const leastIntervalMs = 1_000

const verb = defineVerb({
  name: 'exporter',
  summary: 'serve metrics of a cluster to Prometheus',
  details:
    'It collects on a timer and serves the last snapshot, so a scrape never waits for Kafka. /metrics has the metrics,\n' +
    '/-/ready answers 503 until the first collection, / is a page for people. Patterns are regular expressions for whole\n' +
    'names. Two replicas export the same values; rules and dashboards count them once. docs/monitoring.md lists the metrics.\n' +
    'Schema Registry, Connect and ksqlDB have each a login and a CA of their own: SCHEMA_REGISTRY_USERNAME, _PASSWORD or\n' +
    '_PASSWORD_FILE, and _CA (PEM text or a path); the same with CONNECT_ and KSQLDB_.',
  examples: [
    'selfmonitor exporter --bootstrap-servers kafka:9092 --cluster production',
    'selfmonitor exporter --command-config client.properties --topics-exclude "__.*" --granularity topic',
  ],
  options: {
    listen: text('--listen <address>', `address and port (default 127.0.0.1:${defaults.metricsPort})`),
    insecure: flag(
      '--insecure',
      'allow an address that other machines can reach; anyone who can connect can read the metrics',
    ),
    allowHost: value('--allow-host <name>', 'also accept requests for this host name; repeatable', collect),
    interval: value('--interval <duration>', 'time from one collection to the next', duration, 15_000),
    cluster: text('--cluster <name>', 'the label `cluster` (default: the cluster’s id)'),
    expectedBrokers: value(
      '--expected-brokers <n>',
      'number of brokers in the cluster (default: the most seen in 24 h)',
      integer(1),
    ),
    topics: value('--topics <pattern>', 'only these topics; repeatable', collect),
    topicsExclude: value('--topics-exclude <pattern>', 'not these topics; repeatable', collect),
    groups: value('--groups <pattern>', 'only these groups; repeatable', collect),
    groupsExclude: value('--groups-exclude <pattern>', 'not these groups; repeatable', collect),
    granularity: choice(
      '--granularity <what>',
      'series for each partition, or for topics only (for very large clusters)',
      ['partition', 'topic'],
      'partition',
    ),
    probe: flag('--probe', 'write a message to each broker every second, and measure how long it takes to come back'),
    connectUrl: text('--connect-url <url>', 'watch Kafka Connect too (or CONNECT_URL)'),
    ksqldbUrl: text('--ksqldb-url <url>', 'watch ksqlDB too (or KSQLDB_URL)'),
  },
  async run(context, { options }) {
    const { io, settings } = context
    if (options.interval < leastIntervalMs) throw usageError('--interval: at least 1s.')
    context.isDefaultAddress('cluster')
    // Each collection leaves as garbage a multiple of what is kept until the next.
    io.saveMemory?.()
    const log = await openServerLog(undefined, io.env.SELFMONITOR_LOG_LEVEL ?? (settings.verbose ? 'debug' : 'warn'))
    context.onEnd(() => log.close())
    const { startExporter } = await import('@selfmonitor/monitor/exporter')
    const exporter = await startExporter({
      connect: {
        ...settings.security,
        bootstrapServers: settings.bootstrapServers.value,
        timeoutMs: settings.timeoutMs,
        clientId: settings.security.clientId ?? 'selfmonitor-exporter',
      },
      listen: {
        ...listenAddress(options.listen, defaults.metricsPort),
        allowedHosts: options.allowHost,
        insecure: options.insecure,
      },
      granularity: options.granularity,
      ...(options.probe ? { probe: {} } : {}),
      version: version(),
      logger: log.logger,
      collect: {
        intervalMs: options.interval,
        cluster: options.cluster,
        expectedBrokers: options.expectedBrokers,
        topics: { include: options.topics, exclude: options.topicsExclude },
        groups: { include: options.groups, exclude: options.groupsExclude },
        services: {
          schemaRegistry: await watchedRegistry(context),
          connect: await serviceAddress('CONNECT', { name: '--connect-url', url: options.connectUrl }, io.env),
          ksqldb: await serviceAddress('KSQLDB', { name: '--ksqldb-url', url: options.ksqldbUrl }, io.env),
        },
      },
    })
    context.note(`Metrics of ${settings.bootstrapServers.value} on ${exporter.url}/metrics`)
    await new Promise<void>((resolve) => {
      if (io.signal.aborted) resolve()
      else io.signal.addEventListener('abort', () => resolve(), { once: true })
    })
    await exporter.close()
    return undefined
  },
})

/**
 * A service's URL, of the option or `<prefix>_URL`, with the login and the CA that the environment has for it.
 * @throws CliError USAGE, RegistryError REGISTRY_OPTIONS
 */
async function serviceAddress(
  prefix: 'CONNECT' | 'KSQLDB',
  option: { readonly name: string; readonly url: string | undefined },
  env: Io['env'],
) {
  const url = serviceUrl(option.name, option.url) ?? serviceUrl(`${prefix}_URL`, env[`${prefix}_URL`])
  if (url === undefined) return undefined
  const { serviceLogin } = await import('@selfmonitor/registry')
  return { url, ...serviceLogin(prefix, env) }
}

/** @throws CliError USAGE when it is not an http or https URL */
function serviceUrl(origin: string, url: string | undefined): string | undefined {
  if (url === undefined || url === '') return undefined
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw usageError(`${origin} is not a URL.`, 'It begins with http:// or https://.')
  }
  return url
}

export const exporter: Noun = { name: 'exporter', summary: verb.summary, verbs: [verb] }
