import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { envelopeSchema } from '../envelope.ts'
import { findShapes, findTopicFiles } from '../shapes.ts'

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) {
    rmSync(folder, { recursive: true })
  }
})

function files(contents: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'shapes-'))
  folders.push(folder)
  for (const [name, text] of Object.entries(contents)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  return folder
}

const order = '{"type":"record","name":"Order","fields":[{"name":"order_id","type":"string"}]}'

describe('the shapes that apply to a service', () => {
  it('come from the folders that the platform file names, whatever they are called', async () => {
    const folder = files({
      'platform.yaml': `include: [teams/shop.yaml]
topics: { users: { partitions: 1, schema: avro/users.avsc, events: payloads/of-users } }`,
      'teams/shop.yaml': 'topics: { orders: { partitions: 1, schema: ../avro/order.avsc }, raw: { partitions: 1 } }',
      'avro/users.avsc': envelopeSchema('UserEvent'),
      'avro/order.avsc': order,
      'payloads/of-users/user_created.json': '{"type":"object"}',
    })
    expect(await findShapes(folder)).toEqual({ users: { user_created: { type: 'object' } }, orders: order })
    expect((await findTopicFiles(folder))!.map(({ name, kind }) => `${name} ${kind}`)).toEqual([
      'users events',
      'orders records',
      'raw other',
    ])
  })

  it('are those of the environment', async () => {
    const folder = files({
      'platform.yaml': `environments: { development: {}, production: { topics: { users: { events: new } } } }
topics: { users: { partitions: 1, schema: users.avsc, events: old } }`,
      'users.avsc': envelopeSchema('UserEvent'),
      'old/a.json': '{}',
      'new/b.json': '{}',
    })
    expect(await findShapes(folder)).toEqual({ users: { a: {} } })
    expect(await findShapes(folder, { environment: 'production' })).toEqual({ users: { b: {} } })
    expect(await findShapes(folder, { environment: 'staging' })).toEqual({ users: { a: {} } })
  })

  it('are found although another part of the file needs a variable that the service does not have', async () => {
    const folder = files({
      'platform.yaml': 'topics: { orders: { partitions: "${N}", retention: nonsense, schema: order.avsc } }',
      'order.avsc': order,
    })
    expect(await findShapes(folder, { env: {} })).toEqual({ orders: order })
  })

  it('are those of a folder schemas without a platform file, by convention', async () => {
    const folder = files({
      'schemas/users.avsc': envelopeSchema('UserEvent'),
      'schemas/users/user_created.json': '{}',
      'schemas/orders.avsc': order,
      'schemas/payments/paid.json': '{"type":"object"}',
    })
    expect(await findShapes(folder)).toEqual({
      orders: order,
      payments: { paid: { type: 'object' } },
      users: { user_created: {} },
    })
  })

  it('come from the nearest: the file of the folder, its own schemas, a file above', async () => {
    const folder = files({
      'platform.yaml': 'topics: { orders: { partitions: 1, schema: order.avsc } }',
      'order.avsc': order,
      'schemas/ignored.avsc': order,
      'services/one/main.ts': '',
      'services/two/schemas/own/happened.json': '{}',
    })
    expect(await findShapes(folder)).toEqual({ orders: order })
    expect(await findShapes(join(folder, 'services/one'))).toEqual({ orders: order })
    expect(await findShapes(join(folder, 'services/two'))).toEqual({ own: { happened: {} } })
    expect(await findShapes(join(folder, 'services/two'), { file: '../../platform.yaml' })).toEqual({ orders: order })
    expect(await findShapes(files({ 'README.md': '' }))).toBeNull()
  })

  it('are an error that names the file when one of them is wrong', async () => {
    const folder = files({
      'platform.yaml': 'topics: { users: { partitions: 1, events: payloads } }',
      'payloads/broken.json': '{',
    })
    await expect(findShapes(folder)).rejects.toMatchObject({
      code: 'INVALID_PLATFORM',
      message: expect.stringMatching(/payloads\/broken\.json:1:\d+ is not valid JSON/),
    })
  })
})
