// `selfmonitor up`.
import { usageError } from '../framework/errors.ts'
import { integer, keyValue } from '../framework/parse.ts'
import { choice, defineVerb, flag, type Noun, text, value } from '../framework/verb.ts'
import { version } from '../framework/version.ts'
import { upDetached } from '../local/detach.ts'
import { maxPortOffset } from '../local/ports.ts'
import { up as runUp } from '../local/up.ts'
import { upPaths, wantedPorts } from '../local/up-paths.ts'

const verb = defineVerb({
  name: 'up',
  summary: 'start a broker and a Schema Registry here',
  details:
    'Kafka listens on 127.0.0.1:9092, the registry on 127.0.0.1:8081, both moved by --port-offset. Services that use\n' +
    '@selfmonitor/events in this project find the platform at any offset; for others `up` prints the variables. Each engine\n' +
    'has a folder in .selfmonitor/data; a second platform needs its own --data-dir. Ctrl-C stops everything in order; a\n' +
    'second one does not wait. If --setup fails, `up` says why and keeps running; with --detach the exit code is 1.',
  examples: [
    'selfmonitor up --setup',
    'selfmonitor up --engine apache --brokers 3',
    'selfmonitor up --port-offset 100 --data-dir .selfmonitor/second --detach',
  ],
  options: {
    engine: choice('--engine <engine>', 'the embedded broker, or Apache Kafka', ['embedded', 'apache'], 'embedded'),
    brokers: value(
      '--brokers <n>',
      'how many brokers (apache: 1 or 3; embedded: one that presents itself as this many)',
      integer(1),
      1,
    ),
    brokerConfig: value(
      '--broker-config <key=value>',
      'a broker setting, such as num.partitions=3; repeatable',
      keyValue,
    ),
    dataDir: text('--data-dir <folder>', 'where data is kept (default .selfmonitor/data)'),
    detach: flag('-d, --detach', 'run in the background; return once it is ready'),
    setup: flag('--setup', 'then apply platform.yaml'),
    file: text('-f, --file <file>', 'platform file for --setup (default: the nearest platform.yaml)'),
  },
  async run(context, { options }) {
    const portOffset = context.settings.portOffset ?? 0
    if (portOffset > maxPortOffset) throw usageError(`--port-offset ${portOffset}: at most ${maxPortOffset}.`)
    const { detach, ...rest } = options
    if (!detach) return await runUp(context, { ...rest, portOffset, version: version() })
    const words = [
      'up',
      `--engine=${options.engine}`,
      `--brokers=${options.brokers}`,
      `--port-offset=${portOffset}`,
      ...(options.dataDir === undefined ? [] : [`--data-dir=${options.dataDir}`]),
      ...Object.entries(options.brokerConfig ?? {}).map(([key, setting]) => `--broker-config=${key}=${setting}`),
      ...(options.setup ? ['--setup'] : []),
      ...(options.file === undefined ? [] : [`--file=${options.file}`]),
      ...(context.settings.environment.origin === '--env' ? [`--env=${context.settings.environment.value}`] : []),
      ...(context.settings.verbose ? ['--verbose'] : []),
    ]
    const given = { ...options, portOffset }
    return await upDetached(context, words, upPaths(context.io.cwd, given), wantedPorts(given))
  },
})

export const up: Noun = { name: 'up', summary: verb.summary, verbs: [verb] }
