// Runs inside the stand-in for Confluent's registry image: our registry, told by Confluent's properties file.
// A property that it neither follows nor knows to be Confluent's alone ends it, as a misspelt one should.
import { readFileSync } from 'node:fs'
import { parseClientProperties } from '@selfmonitor/cluster'
import { startRegistry } from '@selfmonitor/registry/server'

const followed = [
  'listeners',
  'kafkastore.bootstrap.servers',
  'kafkastore.topic',
  'kafkastore.topic.replication.factor',
]
/** How Confluent's replicas find and call each other; ours share a topic and need no leader. */
const confluentsOwn = ['host.name', 'inter.instance.protocol', 'leader.eligibility', 'schema.registry.group.id']
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
  if (followed.includes(key) || confluentsOwn.includes(key) || times.includes(key) || security.test(key)) continue
  throw new Error(`${path}: ${key} is not known to the stand-in for Schema Registry`)
}

const clientText = text
  .replace(/^kafkastore\.(?=(security|sasl|ssl)\.)/gm, '')
  .replace(/^(?!security|sasl|ssl).*$/gm, '')
const { options } = parseClientProperties(clientText, { path, readFile: (name) => readFileSync(name, 'latin1') })
const servers = properties.get('kafkastore.bootstrap.servers')!.replace(/\b[A-Z_]+:\/\//g, '')
const listener = new URL(properties.get('listeners')!)
const log = (level: string) => (context: object, message: string) =>
  console.log(`${level} ${message} ${JSON.stringify(context)}`)

const server = await startRegistry({
  bootstrapServers: servers,
  security: options,
  host: listener.hostname,
  port: Number(listener.port),
  topic: properties.get('kafkastore.topic'),
  replicationFactor: Number(properties.get('kafkastore.topic.replication.factor') ?? 3),
  startTimeoutMs: Number(properties.get('kafkastore.init.timeout.ms') ?? 60_000),
  storeTimeoutMs: Number(properties.get('kafkastore.timeout.ms') ?? 500),
  insecure: true,
  // As Confluent's, which answers to any name.
  allowedHosts: ['*'],
  logger: { debug: () => {}, info: log('INFO'), warn: log('WARN'), error: log('ERROR') },
})
console.log(`listening on ${server.url}`)
process.on('SIGTERM', () => void server.close().then(() => process.exit(0)))
