// What was probably meant by a word that is not a command: one that it abbreviates, its counterpart in Kafka's own tools and
// elsewhere, or a misspelt one. Only suggested, never run: there are no aliases.
import { nearest } from '@selfmonitor/cluster/nearest'

/** Other words for a verb, wherever a noun has this verb. */
const otherWords: Readonly<Record<string, readonly string[]>> = {
  list: ['ls', 'show', 'all', 'subjects'],
  describe: ['info', 'show', 'get', 'inspect', 'lag', 'members'],
  get: ['describe', 'show', 'cat'],
  create: ['add', 'new', 'make', 'grant', 'allow'],
  alter: ['update', 'edit', 'modify', 'set', 'config', 'configs', 'grow'],
  delete: ['rm', 'remove', 'drop', 'del', 'revoke'],
  register: ['add', 'create', 'put', 'post', 'upload'],
  check: ['test', 'validate'],
  'set-password': ['alter', 'update', 'password', 'passwd', 'rotate'],
  'reset-offsets': ['seek', 'rewind', 'offsets'],
  tail: ['consume', 'read', 'watch', 'listen', 'cat', 'follow', 'list', 'subscribe'],
  emit: ['produce', 'send', 'publish', 'write', 'create'],
}

/** Names of Kafka's tools (without `kafka-` and `.sh`) and other words, and the command that does the same. */
const otherCommands: Readonly<Record<string, string>> = {
  topic: 'topics',
  'consumer-groups': 'groups',
  consumers: 'groups',
  group: 'groups',
  lag: 'groups list',
  offsets: 'groups reset-offsets',
  'console-consumer': 'events tail',
  consume: 'events tail',
  consumer: 'events tail',
  tail: 'events tail',
  'console-producer': 'events emit',
  produce: 'events emit',
  producer: 'events emit',
  emit: 'events emit',
  configs: 'topics alter',
  config: 'topics alter',
  'get-offsets': 'topics describe',
  'log-dirs': 'topics describe',
  user: 'users',
  accounts: 'users',
  acl: 'acls',
  schema: 'schemas',
  subjects: 'schemas list',
  registry: 'schemas',
  'avro-console-consumer': 'events tail',
  'avro-console-producer': 'events emit',
  'broker-api-versions': 'status',
  cluster: 'status',
  brokers: 'status',
  ps: 'status',
  start: 'up',
  'server-start': 'up',
  run: 'up',
  stop: 'down',
  'server-stop': 'down',
  diff: 'plan',
  generate: 'types',
  metrics: 'exporter',
}

/** Verbs that lose something: suggested only for other words for the same, and for what can hardly be anything else. */
const losing: ReadonlySet<string> = new Set(['delete', 'reset', 'down'])

/**
 * @param verbs the verbs of the noun that was named
 * @returns a verb; undefined when none is near
 */
export function meantVerb(typed: string, verbs: readonly string[]): string | undefined {
  const word = typed.toLowerCase().replace(/^-+/, '')
  if (verbs.includes(word)) return word
  return (
    abbreviated(word, verbs) ?? verbs.find((verb) => otherWords[verb]?.includes(word) === true) ?? misspelt(word, verbs)
  )
}

/** @returns a command, with its verb where it is about one; undefined when none is near */
export function meantCommand(typed: string, commands: readonly string[]): string | undefined {
  const word = typed.toLowerCase()
  const tool = word.replace(/^kafka-/, '').replace(/\.(sh|bat)$/, '')
  if (commands.includes(tool)) return tool
  if (Object.hasOwn(otherCommands, tool)) return otherCommands[tool]
  return abbreviated(word, commands) ?? misspelt(word, commands)
}

function abbreviated(word: string, names: readonly string[]): string | undefined {
  const found = word.length < 3 ? [] : names.filter((name) => name.startsWith(word))
  return found.length === 1 ? found[0] : undefined
}

function misspelt(word: string, names: readonly string[]): string | undefined {
  const found = nearest(word, names)
  return found !== undefined && losing.has(found) && word.slice(0, 2) !== found.slice(0, 2) ? undefined : found
}
