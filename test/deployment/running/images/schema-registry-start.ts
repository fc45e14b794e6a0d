// Runs inside the stand-in for Confluent's registry image: our registry, configured by Confluent's properties file.
// A property that it neither follows nor knows to be Confluent's alone ends it, as a misspelt one should.
import { readFileSync } from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import { parseClientProperties } from '@selfmonitor/cluster'
import { startRegistry } from '@selfmonitor/registry/server'
import { passOn } from '../../../../packages/registry/src/test-support/basic-front.ts'

const followed = [
  'listeners',
  'kafkastore.bootstrap.servers',
  'kafkastore.topic',
  'kafkastore.topic.replication.factor',
]
/** How Confluent's replicas find and call each other; ours share a topic and need no leader. */
const confluentsOwn = ['host.name', 'inter.instance.protocol', 'leader.eligibility', 'schema.registry.group.id']
/** TLS of the listener, and HTTP basic: played by a front of our own, below. */
const front =
  /^(ssl\.(keystore|truststore|key)\.|ssl\.enabled\.protocols$|ssl\.endpoint\.|sni\.host\.check\.enabled$|authentication\.|inter\.instance\.headers\.whitelist$)/
const times = ['kafkastore.init.timeout.ms', 'kafkastore.timeout.ms']

const path = process.argv[2]!
const text = readFileSync(path, 'latin1')
const properties = new Map<string, string>()
for (const line of text.split('\n')) {
  const match = /^([^#=\s][^=]*)=(.*)$/.exec(line)
  if (match) properties.set(match[1]!.trim(), match[2]!.trim())
}
const security = /^kafkastore\.(security|sasl|ssl)\./
for (const key of properties.keys()) {
  if (
    followed.includes(key) ||
    confluentsOwn.includes(key) ||
    times.includes(key) ||
    security.test(key) ||
    front.test(key)
  )
    continue
  throw new Error(`${path}: ${key} is not known to the stand-in for Schema Registry`)
}

// What is said of Kafka alone: the same names without the prefix are the listener's.
const clientText = text
  .split('\n')
  .filter((line) => security.test(line))
  .map((line) => line.slice('kafkastore.'.length))
  .join('\n')
const { options } = parseClientProperties(clientText, { path, readFile: (name) => readFileSync(name, 'latin1') })
const servers = properties.get('kafkastore.bootstrap.servers')!.replace(/\b[A-Z_]+:\/\//g, '')
const listener = new URL(properties.get('listeners')!)
const hasLogin = properties.get('authentication.method') === 'BASIC'
const isFronted = hasLogin || listener.protocol === 'https:'
const log = (level: string) => (context: object, message: string) =>
  console.log(`${level} ${message} ${JSON.stringify(context)}`)

const server = await startRegistry({
  bootstrapServers: servers,
  security: options,
  ...(isFronted ? { host: '127.0.0.1', port: 0 } : { host: listener.hostname, port: Number(listener.port) }),
  topic: properties.get('kafkastore.topic'),
  replicationFactor: Number(properties.get('kafkastore.topic.replication.factor') ?? 3),
  startTimeoutMs: Number(properties.get('kafkastore.init.timeout.ms') ?? 60_000),
  storeTimeoutMs: Number(properties.get('kafkastore.timeout.ms') ?? 500),
  insecure: true,
  // As Confluent's, which answers to any name.
  allowedHosts: ['*'],
  logger: { debug: () => {}, info: log('INFO'), warn: log('WARN'), error: log('ERROR') },
})
if (isFronted) await startFront(server.url)
console.log(`listening on ${listener.href}`)
process.on('SIGTERM', () => void server.close().then(() => process.exit(0)))

/** What Confluent's server does before a request is looked at: TLS with the key store, HTTP basic with the users of the JAAS file. */
async function startFront(target: string): Promise<void> {
  const users = hasLogin ? readUsers() : null
  const open = (properties.get('authentication.skip.paths') ?? '').split(',')
  const handle = passOn(target, (login, path) => users === null || open.includes(path) || users.has(login))
  const made =
    listener.protocol === 'https:'
      ? https.createServer(
          {
            pfx: readFileSync(properties.get('ssl.keystore.location')!),
            passphrase: properties.get('ssl.keystore.password')!,
          },
          handle,
        )
      : http.createServer(handle)
  await new Promise<void>((resolve) => made.listen(Number(listener.port), listener.hostname, resolve))
}

/** `user:password` of all users with an allowed role, from the file that the JAAS configuration names. */
function readUsers(): Set<string> {
  const option = '-Djava.security.auth.login.config='
  const words = (process.env.SCHEMA_REGISTRY_OPTS ?? '').split(' ')
  const jaas = readFileSync(words.find((word) => word.startsWith(option))!.slice(option.length), 'utf8')
  const realm = properties.get('authentication.realm')
  if (!jaas.includes(`${realm} {`) || !jaas.includes('org.eclipse.jetty.security.jaas.spi.PropertyFileLoginModule'))
    throw new Error(`the JAAS configuration has no ${realm} with the module of Jetty 12`)
  const roles = properties.get('authentication.roles')!.split(',')
  const lines = readFileSync(/file="([^"]+)"/.exec(jaas)![1]!, 'utf8')
    .trim()
    .split('\n')
  return new Set(
    lines.flatMap((line) => {
      const [, user, password, role] = /^([^=]+)=([^,]*),(.*)$/.exec(line)!
      return roles.includes(role!) ? [`${user}:${password}`] : []
    }),
  )
}
