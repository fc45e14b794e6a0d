// The platform file at the root of the repository: the numbers and names that services already rely on.
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseAvro } from '@selfmonitor/registry'
import { Ajv } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { accountsOf, grantsOf } from '../access.ts'
import { platformJsonSchema } from './format.ts'
import { loadPlatform } from './load.ts'

const file = resolve(import.meta.dirname, '../../../../platform.yaml')
const days = (n: number) => String(n * 86_400_000)

describe('platform.yaml of SelfMonitor', () => {
  it('declares the eleven topics with their partitions and retention', async () => {
    const { topics } = await loadPlatform(file, { env: {} })
    expect(topics.map((t) => [t.name, t.partitions, t.config['retention.ms']])).toEqual([
      ['user.events', 12, days(7)],
      ['transaction.events', 12, days(30)],
      ['fraud.alerts', 8, days(90)],
      ['ml.predictions', 8, days(7)],
      ['analytics.events', 12, days(30)],
      ['audit.events', 6, days(366)],
      ['notification.events', 6, days(7)],
      ['document.events', 6, days(30)],
      ['compliance.events', 4, days(366)],
      ['integration.events', 8, days(7)],
      ['system.events', 4, days(30)],
    ])
    expect(topics.every((t) => t.description)).toBe(true)
  })

  it.each([
    ['production', 3, '2'],
    ['staging', 3, '2'],
    ['development', 1, undefined],
  ])('in %s replicates %i times', async (environment, replication, minIsr) => {
    const { topics } = await loadPlatform(file, { environment, env: {} })
    expect(topics.every((t) => t.replicationFactor === replication)).toBe(true)
    expect(topics.every((t) => t.config['min.insync.replicas'] === minIsr)).toBe(true)
  })

  it('names the consumer groups and what they read', async () => {
    const { services } = await loadPlatform(file, { env: {} })
    const readers = Object.fromEntries(services.filter((s) => s.consumes.length > 0).map((s) => [s.group, s.consumes]))
    expect(readers).toEqual({
      'analytics-service': ['user.events', 'transaction.events', 'analytics.events'],
      'fraud-detection': ['transaction.events', 'user.events'],
      'notification-service': ['user.events', 'notification.events'],
      'audit-service': ['audit.events', 'compliance.events'],
      'ml-service': ['user.events', 'transaction.events', 'ml.predictions'],
    })
    expect(services.find((s) => s.name === 'user-service')!.produces).toContain('user.events')
  })

  it('has a producer for every topic', async () => {
    const { services, topics } = await loadPlatform(file, { env: {} })
    const produced = new Set(services.flatMap((s) => s.produces))
    expect(topics.filter((t) => !produced.has(t.name)).map((t) => t.name)).toEqual([])
  })

  it('gives every topic the envelope that services in other languages write', async () => {
    const { topics } = await loadPlatform(file, { env: {} })
    const names = topics.map(({ schema }) => {
      expect(() => parseAvro(schema!.schema)).not.toThrow()
      const record = JSON.parse(schema!.schema)
      expect(record).toMatchObject({ type: 'record', namespace: 'com.selfmonitor.events' })
      expect(record.fields.map((f: { name: string; type: unknown }) => [f.name, f.type])).toEqual([
        ['event_id', 'string'],
        ['event_type', 'string'],
        ['user_id', 'string'],
        ['timestamp', 'long'],
        ['data', 'string'],
      ])
      expect([record, ...record.fields].every((part: { doc?: string }) => part.doc)).toBe(true)
      return record.name
    })
    expect(names).toEqual([
      'UserEvent',
      'TransactionEvent',
      'FraudAlert',
      'MlPrediction',
      'AnalyticsEvent',
      'AuditEvent',
      'NotificationEvent',
      'DocumentEvent',
      'ComplianceEvent',
      'IntegrationEvent',
      'SystemEvent',
    ])
  })

  it('has payload schemas that the strict compiler of a validator takes', async () => {
    const { topics } = await loadPlatform(file, { env: {} })
    const ajv = new Ajv2020({ strict: true, allowUnionTypes: true })
    addFormats.default(ajv)
    for (const { eventTypes } of topics) {
      for (const { schema } of Object.values(eventTypes)) {
        expect(() => ajv.compile(schema)).not.toThrow()
      }
    }
  })

  it('has three to seven event types for each topic, described and open to new fields', async () => {
    const { topics } = await loadPlatform(file, { env: {} })
    for (const { eventTypes } of topics) {
      const schemas = Object.entries(eventTypes)
      expect(schemas.length).toBeGreaterThanOrEqual(3)
      expect(schemas.length).toBeLessThanOrEqual(7)
      for (const [name, { schema }] of schemas) {
        expect(name).toMatch(/^[a-z]+(_[a-z]+)+$/)
        // A consumer with last month's schema has to read this month's events.
        expect(schema).not.toHaveProperty('additionalProperties')
        expect(schema).toMatchObject({ type: 'object', description: expect.any(String), required: expect.any(Array) })
      }
    }
  })
})

describe('who may do what in production', () => {
  const platform = loadPlatform(file, { environment: 'production', env: {} })

  it('services have these grants: R read, W write, d only describe; each consumer may write dead letters', async () => {
    const grants = grantsOf(await platform)
    const topics = (await platform).topics.map(({ name }) => name)
    const shown = (account: string, topic: string): string => {
      const on = (name: string) =>
        grants
          .filter((g) => g.account === account && g.resourceType === 'topic' && g.resourceName === name)
          .flatMap(({ operations }) => operations)
      const letters: Record<string, string> = { read: 'R', write: 'W', describe: '' }
      const own = on(topic).map((operation) => letters[operation] ?? operation)
      return `${own.join('')}${on(`${topic}.dlq`).includes('write') ? 'd' : ''}`
    }
    const short = (topic: string) => topic.replace(/\..*/, '').slice(0, 6)
    const row = (name: string, cells: readonly string[]) =>
      [name.padEnd(20), ...cells.map((cell) => cell.padEnd(6))].join(' ').trimEnd()
    const table = [
      row('', topics.map(short)),
      ...accountsOf(await platform).map(({ name }) =>
        row(
          name,
          topics.map((topic) => shown(name, topic)),
        ),
      ),
    ]
    expect(`\n${table.join('\n')}\n`).toBe(`
                     user   transa fraud  ml     analyt audit  notifi docume compli integr system
user-service         W                                  W      W
payment-service             W                           W      W
analytics-service    Rd     Rd                   RWd
fraud-detection      Rd     Rd     W
notification-service Rd                                        RWd
audit-service                                           Rd                   Rd
ml-service           Rd     Rd            RWd
document-service                                        W             W
compliance-service                                      W                    W
integration-service         W                                                       W
platform-operations                                                                        W
`)
  })

  it('each service that consumes may read its own group, and no service has a grant on anything but topics and groups', async () => {
    const grants = grantsOf(await platform)
    const others = grants.filter(({ resourceType }) => resourceType !== 'topic')
    expect(others.map((g) => `${g.account} ${g.resourceType} ${g.resourceName} ${g.operations.join(' ')}`)).toEqual([
      'analytics-service group analytics-service read',
      'fraud-detection group fraud-detection read',
      'notification-service group notification-service read',
      'audit-service group audit-service read',
      'ml-service group ml-service read',
    ])
  })

  it('never deletes or alters, and names every resource: no pattern, no star', async () => {
    const grants = grantsOf(await platform)
    expect([...new Set(grants.flatMap(({ operations }) => operations))].sort()).toEqual(['describe', 'read', 'write'])
    expect(grants.every((g) => g.pattern === 'literal' && g.resourceName !== '*' && g.host === '*')).toBe(true)
  })

  it('staging has the same grants as production; development has no accounts', async () => {
    const staging = await loadPlatform(file, { environment: 'staging', env: {} })
    expect(grantsOf(staging)).toEqual(grantsOf(await platform))
    expect(accountsOf(await loadPlatform(file, { env: {} }))).toEqual([])
  })
})

describe('the JSON Schema for editors', () => {
  const committed = JSON.parse(readFileSync(resolve(import.meta.dirname, '../../platform.schema.json'), 'utf8'))

  it('is up to date (else: npm run docs)', () => {
    expect(committed).toEqual(JSON.parse(JSON.stringify(platformJsonSchema())))
  })

  it('accepts the platform file, and references to the environment', () => {
    const validate = new Ajv({ strict: false }).compile(committed)
    expect(validate(parse(readFileSync(file, 'utf8'))), JSON.stringify(validate.errors)).toBe(true)
    expect(validate({ topics: { a: { partitions: '${PARTITIONS:-3}' } } })).toBe(true)
    expect(validate({ topics: { a: { partitions: 'three' } } })).toBe(false)
    expect(validate({ topics: { a: { partitons: 3 } } })).toBe(false)
  })
})
