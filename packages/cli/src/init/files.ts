// The files that `selfmonitor init` writes: a small platform with one topic, a service that uses it, and the service's test.
// They run unchanged; `selfmonitor types` generates src/events.generated.ts from the first two.

/** The values that differ between projects. */
export interface Project {
  /** Of package.json. */
  readonly name: string
  /** Of this command, and of the packages that go with it. */
  readonly version: string
}

export const platformPath = 'platform.yaml'
export const typesPath = 'src/events.generated.ts'

/** Texts by path, without the generated types. */
export function projectFiles(project: Project): Readonly<Record<string, string>> {
  return {
    'package.json': packageJson(project),
    '.gitignore': 'node_modules\n.selfmonitor\n',
    'tsconfig.json': tsconfig,
    [platformPath]: platform,
    'schemas/orders.avsc': schema,
    'src/service.ts': service,
    'src/main.ts': main,
    'src/service.test.ts': test,
  }
}

function packageJson({ name, version }: Project): string {
  const manifest = {
    name,
    private: true,
    type: 'module',
    engines: { node: '>=24.6' },
    scripts: {
      platform: 'selfmonitor up --setup',
      // On a Node that does not run TypeScript this script fails with a message; `node --test` would find no tests and pass.
      prestart: 'selfmonitor validate',
      start: 'node src/main.ts',
      pretest: 'selfmonitor validate',
      test: 'node --test',
      types: `selfmonitor types --out ${typesPath}`,
      check: 'selfmonitor validate && tsc',
    },
    dependencies: { '@selfmonitor/events': `^${version}` },
    devDependencies: {
      '@selfmonitor/broker': `^${version}`,
      '@types/node': '^24.0.0',
      selfmonitor: `^${version}`,
      typescript: '^7.0.0',
    },
  }
  return `${JSON.stringify(manifest, null, 2)}\n`
}

const tsconfig = `{
  "compilerOptions": {
    "target": "es2024",
    "module": "nodenext",
    "strict": true,
    "noEmit": true,
    "erasableSyntaxOnly": true,
    "verbatimModuleSyntax": true,
    "allowImportingTsExtensions": true,
    "skipLibCheck": true,
    "types": ["node"]
  },
  "include": ["src"]
}
`

const platform = `# The platform: its topics, what their records look like, and which services use them.
#
#   selfmonitor validate       checks this file and the schemas
#   selfmonitor up --setup     starts a platform here, with these topics
#   selfmonitor plan           what would change on a cluster; selfmonitor apply does it
#   selfmonitor types          TypeScript types of the records
version: 1

defaults:
  # Each topic has the Avro schema that is named like it.
  schema: schemas/{topic}.avsc
  compatibility: BACKWARD

environments:
  development: {}
  production:
    defaults: { replication: 3, config: { min.insync.replicas: 2 } }

topics:
  orders:
    description: Every state of every order. The key is the id of the order.
    partitions: 3
    retention: 7d

services:
  order-service:
    description: Takes orders and keeps count of what they are worth
    produces: [orders]
    consumes: [orders]
`

const schema = `{
  "type": "record",
  "name": "Order",
  "namespace": "orders",
  "doc": "An order as it is now.",
  "fields": [
    { "name": "order_id", "type": "string" },
    { "name": "customer", "type": "string" },
    {
      "name": "status",
      "type": { "type": "enum", "name": "OrderStatus", "symbols": ["PLACED", "PAID", "SHIPPED", "CANCELLED"] },
      "default": "PLACED"
    },
    {
      "name": "total",
      "type": { "type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 2 },
      "doc": "What the customer pays."
    },
    { "name": "currency", "type": "string", "default": "EUR" },
    { "name": "note", "type": ["null", "string"], "default": null }
  ]
}
`

const service = `// A service that writes orders and keeps count of what was ordered. In a company these would be two services.
import { connectEvents, type EventStreamOptions, type RecordResult } from '@selfmonitor/events'
import type { Events, Order } from './events.generated.ts'

export interface OrderService {
  /** Writes an order. Its id is the key: everything about one order stays in order. */
  place(order: Pick<Order, 'order_id' | 'customer' | 'total'>): Promise<RecordResult>
  /** Cents that each customer's orders are worth. */
  readonly cents: ReadonlyMap<string, number>
  close(): Promise<void>
}

/**
 * @param options where the platform is; else KAFKA_BOOTSTRAP_SERVERS and SCHEMA_REGISTRY_URL say it, else it is the one that
 *   \`selfmonitor up\` runs in this project.
 */
export async function startService(options: EventStreamOptions = {}): Promise<OrderService> {
  const events = await connectEvents<Events>({ service: 'order-service', ...options })
  const cents = new Map<string, number>()

  events.on('orders', ({ value: { order_id, customer, total, status } }) => {
    if (status !== 'PLACED') return
    cents.set(customer, (cents.get(customer) ?? 0) + Math.round(Number(total) * 100))
    console.log(\`order \${order_id} of \${customer}: \${total}\`)
  })
  await events.run()

  return {
    // The fields that are not given have a default in the schema.
    place: (order) => events.emit('orders', order, { key: order.order_id }),
    cents,
    close: () => events.close(),
  }
}
`

const main = `import { randomUUID } from 'node:crypto'
import { startService } from './service.ts'

// \`npm start\` runs this file in a shell, and npm sends a SIGTERM to the shell alone: when the shell has ended, the signal is
// passed on. Run without npm, in a container for example, the process gets its signals itself.
if (process.env.npm_lifecycle_event !== undefined) {
  const shell = process.ppid
  const watch = setInterval(() => {
    if (process.ppid === shell) return
    clearInterval(watch)
    process.kill(process.pid, 'SIGTERM')
  }, 200)
  watch.unref()
}

console.log('connecting, and joining the consumer group order-service …')
const service = await startService()
console.log('ready')
process.once('SIGINT', () => service.close())
process.once('SIGTERM', () => service.close())

await service.place({ order_id: randomUUID(), customer: 'ada', total: '12.30' })
`

const test = `import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startTestPlatform } from '@selfmonitor/events/testing'
import { startService } from './service.ts'

test('an order that is placed is counted', async () => {
  // A broker and a registry in this process, with the topics and schemas of platform.yaml.
  const platform = await startTestPlatform()
  const service = await startService(platform.options)
  try {
    const placed = await service.place({ order_id: 'o-1', customer: 'ada', total: '12.30' })
    const { value, key } = await platform.waitForHandled(placed)
    assert.equal(key, 'o-1')
    assert.deepEqual({ ...(value as object) }, {
      order_id: 'o-1',
      customer: 'ada',
      status: 'PLACED',
      total: '12.30',
      currency: 'EUR',
      note: null,
    })
    assert.equal(service.cents.get('ada'), 1230)

    await assert.rejects(service.place({ order_id: 'o-2', customer: 'ada', total: '12.345' }), /value\\/total must be a decimal/)
  } finally {
    await service.close()
    await platform.close()
  }
})
`
