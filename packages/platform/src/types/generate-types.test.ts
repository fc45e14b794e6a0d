import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { envelopeSchema } from '../envelope.ts'
import { loadPlatform } from '../load/load.ts'
import type { Platform, PlatformTopic } from '../model.ts'
import { generateTypes } from './generate-types.ts'
import { type JsonSchema, typesOf } from './json-schema-types.ts'

const root = resolve(import.meta.dirname, '../../../..')
const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) {
    rmSync(folder, { recursive: true })
  }
})

function platform(topics: Record<string, Record<string, object>>): Platform {
  return {
    file: 'platform.yaml',
    environment: 'development',
    services: [],
    topics: Object.entries(topics).map(
      ([name, events]): PlatformTopic => ({
        name,
        partitions: 1,
        replicationFactor: 1,
        config: {},
        eventTypes: Object.fromEntries(
          Object.entries(events).map(([eventType, schema]) => [
            eventType,
            { file: `${eventType}.json`, text: JSON.stringify(schema), schema },
          ]),
        ),
      }),
    ),
  }
}

/** What the strict compiler says of the texts; empty when it has nothing to say. */
function compile(files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'types-'))
  folders.push(folder)
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(folder, name), text)
  }
  const flags = [
    '--noEmit',
    '--strict',
    '--ignoreConfig',
    '--allowImportingTsExtensions',
    '--module',
    'nodenext',
    '--skipLibCheck',
    '--customConditions',
    'source',
    '--types',
    'node',
    '--typeRoots',
    join(root, 'node_modules/@types'),
    '--target',
    'es2024',
  ]
  const names = Object.keys(files).map((name) => join(folder, name))
  const { stdout, stderr } = spawnSync(join(root, 'node_modules/.bin/tsc'), [...flags, ...names], { encoding: 'utf8' })
  return stdout + stderr
}

const type = (schema: JsonSchema) =>
  typesOf('T', schema)
    .map(({ text }) => text)
    .join('')

describe('types from JSON Schema', () => {
  it.each<[string, JsonSchema, string]>([
    ['a string', { type: 'string' }, 'export type T = string\n'],
    ['an integer', { type: 'integer' }, 'export type T = number\n'],
    ['anything', true, 'export type T = unknown\n'],
    ['nothing', false, 'export type T = never\n'],
    ['a constant', { const: 'a' }, "export type T = 'a'\n"],
    ['an enumeration', { enum: ['a', 1, null, "it's"] }, "export type T = 'a' | 1 | null | 'it\\'s'\n"],
    ['several types', { type: ['string', 'null'] }, 'export type T = string | null\n'],
    ['a nullable', { type: 'string', nullable: true }, 'export type T = string | null\n'],
    ['an array', { type: 'array', items: { type: 'string' } }, 'export type T = string[]\n'],
    [
      'an array of several',
      { type: 'array', items: { type: ['string', 'null'] } },
      'export type T = (string | null)[]\n',
    ],
    ['an array of anything', { type: 'array' }, 'export type T = unknown[]\n'],
    [
      'a tuple',
      { prefixItems: [{ type: 'string' }, { enum: [1, 2] }], items: false },
      'export type T = [string?, (1 | 2)?]\n',
    ],
    ['a choice', { oneOf: [{ type: 'string' }, { type: 'number' }] }, 'export type T = string | number\n'],
    ['any of', { anyOf: [{ type: 'string' }, { type: 'string' }] }, 'export type T = string\n'],
    [
      'all of',
      { allOf: [{ $ref: '#/$defs/a' }, { type: 'object', properties: { b: true } }], $defs: { a: { type: 'object' } } },
      'export type T = TA & {\n  b?: unknown\n}\nexport type TA = Record<string, unknown>\n',
    ],
    ['a map', { type: 'object', additionalProperties: { type: 'number' } }, 'export type T = Record<string, number>\n'],
    ['an empty object', { type: 'object', additionalProperties: false }, 'export type T = Record<string, never>\n'],
    [
      'a recursive type',
      { type: 'object', properties: { children: { type: 'array', items: { $ref: '#' } } } },
      'export interface T {\n  children?: T[]\n}\n',
    ],
    ['a reference that leads elsewhere', { $ref: 'https://example.com/x.json' }, 'export type T = unknown\n'],
  ])('%s', (_, schema, expected) => {
    expect(type(schema)).toBe(expected)
  })

  it('an object has required and optional properties, nested ones, and quotes around odd names', () => {
    expect(
      type({
        type: 'object',
        required: ['id', 'who'],
        properties: {
          id: { type: 'string' },
          'odd-name': { type: 'boolean' },
          who: {
            type: 'object',
            required: ['name'],
            properties: { name: { type: 'string' }, age: { type: 'integer' } },
          },
        },
      }),
    ).toBe(`\
export interface T {
  id: string
  'odd-name'?: boolean
  who: {
    name: string
    age?: number
  }
}
`)
  })

  it('an object that is open to further properties says so', () => {
    expect(type({ type: 'object', properties: { a: { type: 'string' } }, additionalProperties: true })).toContain(
      '[key: string]: unknown',
    )
  })

  it('descriptions and formats become comments, which nothing in them can end', () => {
    expect(
      type({
        description: 'First line.\nSecond */ line.',
        type: 'object',
        properties: { at: { type: 'string', format: 'date-time', description: 'When.', deprecated: true } },
      }),
    ).toBe(`\
/**
 * First line.
 * Second *\\/ line.
 */
export interface T {
  /**
   * When.
   * @format date-time
   * @deprecated
   */
  at?: string
}
`)
  })
})

describe('the generated module', () => {
  const placed = { type: 'object', required: ['id'], properties: { id: { type: 'string' } } }

  it('names events by topic and type; two of the same name carry their topic’s', () => {
    const text = generateTypes(platform({ 'b.events': { placed }, 'a.events': { placed, 'order-paid': placed } }))
    expect(text).toContain(`\
export type Events = {
  'a.events': {
    'order-paid': OrderPaid
    placed: AEventsPlaced
  }
  'b.events': {
    placed: BEventsPlaced
  }
}
`)
  })

  it('is the same whatever the order of topics and events', () => {
    const other = { type: 'object' }
    expect(generateTypes(platform({ a: { x: placed, y: other }, b: { z: placed } }))).toBe(
      generateTypes(platform({ b: { z: placed }, a: { y: other, x: placed } })),
    )
  })

  it('of a platform without events still compiles', () => {
    expect(compile({ 'events.ts': generateTypes(platform({ a: {} })) })).toBe('')
  })

  it('of SelfMonitor compiles strictly, fits the library’s catalogue, and refuses wrong payloads', async () => {
    const text = generateTypes(await loadPlatform(join(root, 'platform.yaml'), { env: {} }))
    const use = `
import type { EventCatalogue } from '${join(root, 'packages/events/src/types.ts')}'
import type { Events, Topic } from './events.ts'
declare function fits<T extends EventCatalogue>(): T
fits<Events>()
export const topic: Topic = 'user.events'
export const good: Events['user.events']['user_created'] = { email: 'a@b.c', country: 'GB', channel: 'web' }
// @ts-expect-error the country is missing
export const missing: Events['user.events']['user_created'] = { email: 'a@b.c', channel: 'web' }
// @ts-expect-error there is no such channel
export const wrong: Events['user.events']['user_created'] = { email: 'a@b.c', country: 'GB', channel: 'fax' }
// @ts-expect-error there is no such event
export type Nothing = Events['user.events']['user_deleted']
`
    expect(compile({ 'events.ts': text, 'use.ts': use })).toBe('')
  })
})

describe('types of records that have a shape of their own', () => {
  const topic = (name: string, schema: object, config: Record<string, string> = {}): PlatformTopic => ({
    name,
    partitions: 1,
    replicationFactor: 1,
    config,
    eventTypes: {},
    schema: { file: `${name}.avsc`, schema: JSON.stringify(schema) },
  })
  const withTopics = (...topics: PlatformTopic[]): Platform => ({ ...platform({}), topics })
  const record = (name: string, fields: object[], more: object = {}) => ({
    type: 'record',
    name,
    namespace: 'shop',
    fields,
    ...more,
  })
  const item = record('Item', [
    { name: 'sku', type: 'string' },
    { name: 'price', type: { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 }, doc: 'In euros.' },
  ])
  const order = record(
    'Order',
    [
      { name: 'order_id', type: 'string' },
      { name: 'number', type: { type: 'long', logicalType: 'bigint' } },
      { name: 'placed_at', type: { type: 'long', logicalType: 'timestamp-millis' } },
      { name: 'status', type: { type: 'enum', name: 'Status', symbols: ['PLACED', 'PAID'] }, default: 'PLACED' },
      { name: 'items', type: { type: 'array', items: item } },
      { name: 'note', type: ['null', 'string'], default: null },
      { name: 'tags', type: { type: 'map', values: ['int', 'string'] }, default: {} },
      { name: 'parent', type: ['null', 'Order'], default: null },
      { name: 'signature', type: { type: 'fixed', name: 'Hash', size: 32 } },
      {
        name: 'payment',
        type: [
          'null',
          record('Card', [{ name: 'last4', type: 'string' }]),
          record('Cash', [{ name: 'till', type: 'int' }]),
        ],
      },
    ],
    { doc: 'What a customer ordered.' },
  )

  it('name every Avro type, mark what has a default, and share what two topics have in common', () => {
    const carts = record('Cart', [{ name: 'items', type: { type: 'array', items: item } }])
    expect(
      generateTypes(withTopics(topic('orders', order), topic('carts', carts, { 'cleanup.policy': 'compact' }))),
    ).toBe(`// Generated by \`selfmonitor types\` from the schemas of the platform file. Do not edit.
import type { CompactedRecordsOf, RecordsOf } from '@selfmonitor/events'

/** Payloads by topic and event type, and records by topic. */
export type Events = {
  carts: CompactedRecordsOf<Cart>
  orders: RecordsOf<Order, 'status' | 'note' | 'tags' | 'parent'>
}

/** The platform’s topics that the library emits to and handles. */
export type Topic = 'carts' | 'orders'

export interface Cart {
  items: Item[]
}

export interface Item {
  sku: string
  /**
   * In euros.
   * @format decimal
   */
  price: string
}

/** What a customer ordered. */
export interface Order {
  order_id: string
  number: bigint
  /** @format timestamp-millis */
  placed_at: number
  status: Status
  items: Item[]
  note: null | string
  tags: Record<string, number | string>
  parent: null | Order
  signature: Buffer
  payment: null | { 'shop.Card': Card } | { 'shop.Cash': Cash }
}

export type Status = 'PLACED' | 'PAID'

export interface Card {
  last4: string
}

export interface Cash {
  till: number
}
`)
  })

  it('carry the topic’s name where another topic has a type of the same name', () => {
    const other = record('Item', [{ name: 'id', type: 'int' }])
    const text = generateTypes(withTopics(topic('a', item), topic('stock.items', other)))
    expect(text).toContain("a: RecordsOf<Item>\n  'stock.items': RecordsOf<StockItemsItem>")
  })

  it('leave out topics whose values are not records, and the envelope without event types', () => {
    const text = generateTypes(
      withTopics(topic('texts', { type: 'string' }), topic('events', JSON.parse(envelopeSchema('E')) as object)),
    )
    expect(text).toContain('export type Events = Record<never, never>')
  })

  it('compile strictly and type emit and on', { timeout: 60_000 }, () => {
    const library = join(root, 'packages/events/src/types.ts')
    const generated = generateTypes(withTopics(topic('orders', order))).replace("'@selfmonitor/events'", `'${library}'`)
    const use = `
import type { EventStream } from '${library}'
import type { Events, Order } from './events.ts'
declare const events: EventStream<Events>
declare const order: Order
void events.emit('orders', order, { key: order.order_id })
const { note, status, ...needed } = order
void events.emit('orders', { ...needed, payment: { 'shop.Cash': { till: 1 } } }, { key: null })
events.on('orders', ({ value }) => void (value.number + 1n))
// @ts-expect-error a long that is marked as bigint
events.on('orders', ({ value }) => void (value.number + 1))
`
    expect(compile({ 'events.ts': generated, 'use.ts': use })).toBe('')
  })
})
