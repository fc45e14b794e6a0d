import { describe, expect, it } from 'vitest'
import type { Plan } from '../model.ts'
import { type PlanColors, renderPlan } from './render.ts'

const plan: Plan = {
  environment: 'production',
  clusterId: 'abc',
  bootstrapServers: 'kafka:9092',
  changes: [
    {
      action: 'create',
      kind: 'topic',
      name: 'user.events',
      details: [
        { key: 'partitions', from: null, to: '12' },
        { key: 'retention.ms', from: null, to: '604800000' },
      ],
      warnings: [],
    },
    {
      action: 'update',
      kind: 'topic-config',
      name: 'orders',
      details: [
        { key: 'retention.ms', from: '2592000000', to: '604800000' },
        { key: 'segment.bytes', from: '1073741824', to: null },
      ],
      warnings: ['deletes data: records older than 7d (kept until now: 30d)'],
    },
    {
      action: 'update',
      kind: 'schema',
      name: 'orders-value',
      details: [
        { key: 'schema', from: 'version 1', to: 'schemas/orders.avsc' },
        { key: 'field note', from: null, to: 'string' },
        { key: 'field old', from: 'long', to: null },
      ],
      warnings: [],
    },
    {
      action: 'delete',
      kind: 'topic',
      name: 'gone',
      details: [{ key: 'partitions', from: '3', to: null }],
      warnings: [],
    },
  ],
  errors: [],
  warnings: ['No Schema Registry was asked: schemas are not compared.'],
  hints: [],
}

const event = (topic: string, type: string) => ({ name: `${topic}-${type}`, event: { topic, type }, warnings: [] })
const created = (topic: string, type: string) => ({
  ...event(topic, type),
  ...({ action: 'create', kind: 'payload' } as const),
  details: [{ key: 'schema', from: null, to: `schemas/${topic}/${type}.json` }],
})
const level = (topic: string, type: string) => ({
  ...event(topic, type),
  ...({ action: 'create', kind: 'compatibility' } as const),
  details: [{ key: 'compatibility', from: null, to: 'FULL' }],
})
const payloads: Plan = {
  ...plan,
  changes: [
    ...[level('user.events', 'a'), level('user.events', 'b')],
    ...[created('user.events', 'a'), created('user.events', 'b'), created('orders', 'c')],
    {
      ...event('orders', 'd'),
      action: 'update',
      kind: 'payload',
      details: [
        { key: 'schema', from: 'version 1', to: 'schemas/orders/d.json' },
        { key: 'field note', from: null, to: 'string' },
      ],
    },
  ],
  warnings: [],
}

describe('the new event types of a topic', () => {
  it('are one line, and so are their levels; a change of one has its own', () => {
    expect(renderPlan(payloads, 'text')).toBe(`\
+ compatibility  user.events-*  compatibility FULL, 2 event types: a, b
+ payload        user.events-*  2 event types: a, b
+ payload        orders-c       schema schemas/orders/c.json
~ payload        orders-d       schema version 1 → schemas/orders/d.json, field note string

5 to create, 1 to change, 0 to delete (environment production, cluster abc at kafka:9092).
`)
  })

  it('are one row of the table, and all of them in JSON', () => {
    expect(renderPlan(payloads, 'markdown')).toContain('| `+` | payload | `user.events-*` | 2 event types: a, b |')
    expect(JSON.parse(renderPlan(payloads, 'json')).changes).toHaveLength(6)
  })
})

describe('a plan as text', () => {
  it('is aligned, marked, in human units, and ends with a sum', () => {
    expect(renderPlan(plan, 'text')).toBe(`\
+ topic   user.events   partitions 12, retention.ms 7d
~ config  orders        retention.ms 30d → 7d, segment.bytes 1GiB → broker default
  ! deletes data: records older than 7d (kept until now: 30d)
~ schema  orders-value  schema version 1 → schemas/orders.avsc, field note string, field old removed
- topic   gone          partitions 3
! No Schema Registry was asked: schemas are not compared.

1 to create, 2 to change, 1 to delete (environment production, cluster abc at kafka:9092).
`)
  })

  it('lists at the end what it leaves out', () => {
    const hints = ['Set on the cluster and not in the file, so not compared: segment.bytes of orders.']
    expect(renderPlan({ ...plan, changes: [], warnings: [], hints }, 'text')).toBe(
      `${hints[0]}\n\nNo changes (environment production, cluster abc at kafka:9092).\n`,
    )
    expect(renderPlan({ ...plan, hints }, 'markdown')).toMatch(/segment\.bytes of orders\.\n$/)
  })

  it('names the first address of a cluster of many', () => {
    const bootstrapServers = 'a:9092,b:9092,c:9092,d:9092'
    expect(renderPlan({ ...plan, bootstrapServers }, 'text')).toContain('cluster abc at a:9092, …).')
  })

  it('reports when there is nothing to do', () => {
    expect(renderPlan({ ...plan, changes: [], warnings: [] }, 'text')).toBe(
      'No changes (environment production, cluster abc at kafka:9092).\n',
    )
  })

  it('shows errors with their place, and that nothing can be applied', () => {
    const errors = [{ file: 'platform.yaml', line: 3, column: 7, path: 'topics.a.partitions', message: 'must be ≥ 12' }]
    expect(renderPlan({ ...plan, changes: [], warnings: [], errors }, 'text')).toBe(`\
✗ platform.yaml:3:7 topics.a.partitions: must be ≥ 12

1 error: nothing can be applied (environment production, cluster abc at kafka:9092).
`)
  })

  it('is coloured by the functions that it is given', () => {
    const tag = (name: string) => (text: string) => `<${name}>${text}</${name}>`
    const color: PlanColors = {
      create: tag('c'),
      update: tag('u'),
      delete: tag('d'),
      warning: tag('w'),
      error: tag('e'),
      dim: tag('dim'),
    }
    const lines = renderPlan(plan, 'text', { color }).split('\n')
    expect(lines[0]).toBe('<c>+ topic   user.events </c>  <dim>partitions 12, retention.ms 7d</dim>')
    expect(lines[2]).toMatch(/^<w> {2}! deletes data/)
    expect(lines[4]).toMatch(/^<d>- topic/)
  })
})

describe('a plan on a terminal', () => {
  const long: Plan = {
    ...plan,
    changes: [
      ...plan.changes.slice(0, 3),
      { ...plan.changes[0]!, name: 'a.topic.whose.name.leaves.no.room.for.a.column.beside.it.at.all' },
    ],
    warnings: ['shop.carts is owned and not declared; --allow-delete would delete it.'],
    errors: [
      {
        file: 'platform.yaml',
        line: 25,
        column: 17,
        path: 'topics."user.events".partitions',
        message: "6 is fewer than the cluster's 12; partitions cannot shrink; write 12",
      },
    ],
  }

  it('is broken between words, below what the words belong to', () => {
    const text = renderPlan({ ...long, changes: long.changes.slice(1, 3) }, 'text', { width: 50 })
    expect(text).toBe(`\
~ config  orders        retention.ms 30d → 7d,
                        segment.bytes 1GiB →
                        broker default
  ! deletes data: records older than 7d (kept
    until now: 30d)
~ schema  orders-value  schema version 1 →
                        schemas/orders.avsc, field
                        note string, field old
                        removed
! shop.carts is owned and not declared;
  --allow-delete would delete it.
✗ platform.yaml:25:17
  topics."user.events".partitions: 6 is fewer than
  the cluster's 12; partitions cannot shrink;
  write 12

1 error: nothing can be applied (environment
production, cluster abc at kafka:9092).
`)
  })

  it('has the details below a name that leaves no room beside it', () => {
    const lines = renderPlan(long, 'text', { width: 60 }).split('\n')
    expect(lines.slice(0, 2)).toEqual([
      expect.stringMatching(/^\+ topic +user\.events$/),
      '    partitions 12, retention.ms 7d',
    ])
  })

  it('has the same text as without a terminal, and colours each line', () => {
    const words = (text: string) => text.split(/\s+/).join(' ')
    expect(words(renderPlan(long, 'text', { width: 40 }))).toBe(words(renderPlan(long, 'text')))
    const tag = (name: string) => (text: string) => `<${name}>${text}</${name}>`
    const color = Object.fromEntries(
      ['create', 'update', 'delete', 'warning', 'error', 'dim'].map((name) => [name, tag(name)]),
    ) as unknown as PlanColors
    expect(renderPlan(long, 'text', { color, width: 60 })).toMatch(/<error>✗ .*<\/error>\n<error> {2}.*<\/error>\n/)
  })
})

describe('a plan as Markdown', () => {
  it('is a table for a pull request', () => {
    expect(renderPlan(plan, 'markdown')).toBe(`\
### Platform plan: production

1 to create, 2 to change, 1 to delete (environment production, cluster abc at kafka:9092).

| | what | name | change |
|---|---|---|---|
| \`+\` | topic | \`user.events\` | partitions 12, retention.ms 7d |
| \`~\` | config | \`orders\` | retention.ms 30d → 7d, segment.bytes 1GiB → broker default<br>⚠️ deletes data: records older than 7d (kept until now: 30d) |
| \`~\` | schema | \`orders-value\` | schema version 1 → schemas/orders.avsc, field note string, field old removed |
| \`-\` | topic | \`gone\` | partitions 3 |

> ⚠️ No Schema Registry was asked: schemas are not compared.
`)
  })

  it('does not let a message break the table or bring in HTML', () => {
    const evil = { ...plan.changes[0]!, warnings: ['a | b\n<script>'] }
    expect(renderPlan({ ...plan, changes: [evil] }, 'markdown')).toContain('a \\| b &lt;script> |')
  })
})

describe('a plan as JSON', () => {
  it('is the plan itself, with raw values', () => {
    expect(JSON.parse(renderPlan(plan, 'json'))).toEqual(plan)
    expect(renderPlan(plan, 'json')).toBe(renderPlan(structuredClone(plan), 'json'))
  })
})
