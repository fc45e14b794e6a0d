// The lists in docs/platform-file.md: the keys of a platform file, from the declaration that validates it.
import { platformJsonSchema } from '../../packages/platform/src/index.ts'
import { includedFile, platformFile } from '../../packages/platform/src/load/format.ts'
import { topicSettings } from '../../packages/platform/src/topic-settings.ts'
import { markdownTable } from './markdown.ts'

interface JsonSchema {
  readonly type?: string | readonly string[]
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly description?: string
  readonly anyOf?: readonly JsonSchema[]
  readonly items?: JsonSchema
  readonly minimum?: number
  readonly maximum?: number
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly additionalProperties?: JsonSchema | boolean
}

/** Default and example of each key, which the declaration does not have. A key without a row is an error. */
const more: Readonly<Record<string, readonly [fallback: string, example: string]>> = {
  'topic.description': ['–', 'Orders, from placed to delivered'],
  'topic.owner': ['–', 'team-shop'],
  'topic.partitions': ['required, here or in defaults', '12'],
  'topic.replication': ['the brokers’ (default.replication.factor)', '3'],
  'topic.retention': ['the broker’s (retention.ms)', '7d'],
  'topic.retentionSize': ['the broker’s (retention.bytes)', '10GiB'],
  'topic.cleanup': ['the broker’s (cleanup.policy)', 'compact'],
  'topic.schema': ['none', 'schemas/{topic}.avsc'],
  'topic.events': ['none', 'schemas/{topic}'],
  'topic.compatibility': ['left to the registry', 'FULL'],
  'topic.protect': ['false', 'true'],
  'topic.config': ['none', '{ segment.ms: 1d }'],
  'topic.objectives': ['none', '{ freshness: "lag 30s, 99.5 % over 30d" }'],
  'topic.backup': ['that of the file', '{ frequency: 5m, rpo: 15m }'],
  'service.description': ['–', 'Takes orders'],
  'service.owner': ['–', 'team-shop'],
  'service.produces': ['none', '[shop.orders]'],
  'service.consumes': ['none', '[shop.carts]'],
  'service.group': ['the service’s name', 'checkout-v2'],
  'service.objectives': ['none', '{ processing: 99.9 % over 30d }'],
  'objectives.availability': ['none', '99.9 % over 30d'],
  'objectives.latency': ['none', '500ms, 99 % over 30d'],
  'objectives.freshness': ['none', 'lag 30s, 99.5 % over 30d'],
  'objectives.processing': ['none', '99.9 % over 30d'],
  'owner.slack': ['–', '"#team-shop"'],
  'owner.pagerduty': ['–', 'shop-on-call'],
  'owner.email': ['–', 'shop@example.com'],
  'alerting.owner': ['none', 'platform'],
  'alerting.smtp': ['none', '{ smarthost: "mail.example.com:587", from: kafka@example.com }'],
  'file.version': ['1', '1'],
  'file.include': ['none', '[teams/billing.yaml]'],
  'file.cluster': ['any cluster', '{ id: DS9R0uoTFqtCY1l9k4le_w }'],
  'file.defaults': ['none', '{ replication: 3 }'],
  'file.environments': ['one, development', '{ development: {}, production: { … } }'],
  'file.owns': ['none', '["shop.*"]'],
  'file.protect': ['none', '["*.audit"]'],
  'file.topics': ['none', '{ shop.orders: { partitions: 12 } }'],
  'file.access': ['none', 'acls'],
  'file.services': ['none', '{ checkout: { produces: [shop.orders] } }'],
  'file.objectives': ['none', '{ availability: 99.9 % over 30d }'],
  'file.owners': ['none', '{ team-shop: { slack: "#team-shop" } }'],
  'file.alerting': ['none', '{ owner: platform }'],
  'file.backup': ['none', '{ frequency: 1h, rpo: 2h }'],
  'file.audit': ['`{ topic: audit.events }`', '{ none: a cluster for load tests }'],
  'file.drills': ['none', '{ checks: { … } }'],
  'check.topics': ['required', '[shop.payments]'],
  'check.fold': ['required', '{ paid: value.amount }'],
  'check.assert': ['required', 'totals.paid >= 0'],
  'backup.frequency': ['none', '15m'],
  'backup.rpo': ['none', '1h'],
  'backup.rto': ['none', '4h'],
  'backup.criticality': ['none', 'critical'],
  'backup.classification': ['none', 'confidential'],
  'backup.lock': ['none', '{ days: 366, mode: compliance }'],
  'backup.none': ['none', 'made from shop.orders'],
  'file.users': ['none', '{ auditor: { acls: [{ topic: shop.audit, operations: [read] }] } }'],
  'user.description': ['–', 'Reads for the yearly audit'],
  'user.acls': ['none', '[{ topic: shop.audit, operations: [read, describe] }]'],
  'acl.topic': ['one of the four', 'shop.audit'],
  'acl.group': ['', 'auditor'],
  'acl.transactionalId': ['', 'billing'],
  'acl.cluster': ['', 'kafka-cluster'],
  'acl.pattern': ['literal', 'prefixed'],
  'acl.operations': ['required', '[read, describe]'],
  'acl.host': ['any', '10.1.2.3'],
}

function typeOf(schema: JsonSchema): string {
  if (schema.const !== undefined) return `${schema.const}`
  // Any value may come from the environment, which the declaration writes as "or a text with ${…}".
  if (schema.anyOf !== undefined) return typeOf(schema.anyOf[0]!)
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${value}\``).join(', ')
  if (Array.isArray(schema.type)) return schema.type.map((type) => (type === 'string' ? 'text' : type)).join(' or ')
  switch (schema.type) {
    case 'integer':
      return `whole number, ${schema.minimum} to ${schema.maximum}`
    case 'string':
      return 'text'
    case 'array':
      return schema.items?.type === 'object' ? 'list of maps' : 'list of texts'
    case 'object':
      return 'map'
    case 'boolean':
      return '`true` or `false`'
    default:
      throw new Error(`a type that this table cannot describe: ${JSON.stringify(schema)}`)
  }
}

function table(kind: string, properties: Readonly<Record<string, JsonSchema>>): string {
  return markdownTable(
    ['key', 'type', 'default', 'example', ''],
    Object.entries(properties).map(([key, schema]) => {
      const row = more[`${kind}.${key}`]
      if (row === undefined)
        throw new Error(`scripts/docs/platform-file.ts has no default and example for ${kind}.${key}`)
      const description = schema.description ?? descriptions[`${kind}.${key}`] ?? ''
      return [`\`${key}\``, typeOf(schema), row[0], `\`${row[1]}\``, description]
    }),
  )
}

const descriptions: Readonly<Record<string, string>> = {
  'file.version': 'Version of the format.',
  'file.cluster': 'Id of the cluster that the file is for. A plan against another cluster is refused.',
  'file.defaults': 'Settings for every topic that does not set its own.',
}

const properties = (platformJsonSchema() as JsonSchema).properties!
const inner = (key: string): Readonly<Record<string, JsonSchema>> =>
  (properties[key]!.additionalProperties as JsonSchema).properties!

export function fileKeys(): string {
  const included = Object.keys(includedFile.shape)
  const names = (list: readonly string[]): string => list.map((key) => `\`${key}\``).join(', ')
  const rest = Object.keys(platformFile.shape).filter((key) => !included.includes(key))
  return `${table('file', properties)}\n\nAn included file has ${names(included)}; ${names(rest)} are allowed in the main file only.`
}

export const topicKeys = (): string => table('topic', inner('topics'))
export const userKeys = (): string => table('user', inner('users'))
export const aclKeys = (): string => table('acl', inner('users').acls!.items!.properties!)
export const serviceKeys = (): string => table('service', inner('services'))

/** Objectives of the cluster, of topics and of services. */
export function objectiveKeys(): string {
  const { objectives: ofService } = inner('services')
  return table('objectives', { ...ofService!.properties!, ...properties.objectives!.properties! })
}
export const backupKeys = (): string => table('backup', properties.backup!.properties!)
export const drillKeys = (): string =>
  table('check', (properties.drills!.properties!.checks!.additionalProperties as JsonSchema).properties!)
export const ownerKeys = (): string => table('owner', inner('owners'))
export const alertingKeys = (): string => table('alerting', properties.alerting!.properties!)

/** The settings that `config` takes, by the kind of their values. */
export function configSettings(): string {
  const kinds = Map.groupBy(Object.keys(topicSettings), (name) => topicSettings[name]!)
  const said: Readonly<Record<string, string>> = {
    duration: 'duration, or milliseconds',
    size: 'size, or bytes',
    int: 'whole number',
    double: 'number',
    boolean: '`true` or `false`',
    list: 'text, parts separated by commas',
    text: 'text',
  }
  return markdownTable(
    ['value', 'settings'],
    [...kinds].map(([kind, names]) => [said[kind]!, names.map((name) => `\`${name}\``).join(', ')]),
  )
}
