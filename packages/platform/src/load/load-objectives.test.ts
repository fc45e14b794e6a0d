import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { PlatformError } from '../errors.ts'
import { objectivesOf } from '../objectives.ts'
import { loadEnvironments } from './environments.ts'
import { loadPlatform } from './load.ts'

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

function file(contents: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'objectives-'))
  folders.push(folder)
  for (const [name, text] of Object.entries(contents)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  return join(folder, 'platform.yaml')
}
const load = (text: string, options: { environment?: string; env?: Record<string, string> } = {}) =>
  loadPlatform(file({ 'platform.yaml': text }), { env: {}, ...options })

/** Every mistake, as `line:column path: message`. */
async function mistakes(text: string): Promise<string[]> {
  const error = await load(text).catch((problem: unknown) => problem)
  expect(error).toBeInstanceOf(PlatformError)
  return (error as PlatformError).problems.map((p) => `${p.line}:${p.column} ${p.path}: ${p.message}`)
}

const topics = 'topics: { orders: { partitions: 1 }, carts: { partitions: 1 } }'

describe('objectives of a platform file', () => {
  it('are those of the cluster and of each service, by topic', async () => {
    const platform = await load(`
objectives:
  availability: 99.9 % over 30d
  latency: 500ms, 99% over 30d
alerting: { owner: platform }
topics:
  orders: { partitions: 1, owner: shop, objectives: { freshness: "lag 5m, 99 %" } }
  carts: { partitions: 1 }
services:
  billing:
    owner: money
    consumes: [orders, carts]
    objectives:
      freshness: lag 30s, 99.5 % over 30d
      processing: 99.99 % over 30d
  stock:
    consumes: [orders, carts]
    group: stock-v2
    objectives: { freshness: { carts: "lag 1m 30s, 95 % over 30 days" } }
`)
    expect(objectivesOf(platform)).toEqual([
      {
        service: 'kafka',
        name: 'availability',
        owner: 'platform',
        target: 0.999,
        periodDays: 30,
        indicator: { kind: 'availability' },
      },
      {
        service: 'kafka',
        name: 'latency',
        owner: 'platform',
        target: 0.99,
        periodDays: 30,
        indicator: { kind: 'latency', atMostMs: 500 },
      },
      {
        service: 'billing',
        name: 'freshness-orders',
        owner: 'money',
        target: 0.995,
        periodDays: 30,
        indicator: { kind: 'freshness', group: 'billing', topic: 'orders', lagMs: 30_000 },
      },
      {
        service: 'billing',
        name: 'freshness-carts',
        owner: 'money',
        target: 0.995,
        periodDays: 30,
        indicator: { kind: 'freshness', group: 'billing', topic: 'carts', lagMs: 30_000 },
      },
      {
        service: 'billing',
        name: 'processing',
        owner: 'money',
        target: 0.9999,
        periodDays: 30,
        indicator: {
          kind: 'processing',
          group: 'billing',
          topics: ['orders', 'carts'],
          deadLetterTopics: ['orders.dlq', 'carts.dlq'],
        },
      },
      {
        service: 'stock',
        name: 'freshness-orders',
        owner: 'platform',
        target: 0.99,
        periodDays: 30,
        indicator: { kind: 'freshness', group: 'stock-v2', topic: 'orders', lagMs: 300_000 },
      },
      {
        service: 'stock',
        name: 'freshness-carts',
        owner: 'platform',
        target: 0.95,
        periodDays: 30,
        indicator: { kind: 'freshness', group: 'stock-v2', topic: 'carts', lagMs: 90_000 },
      },
    ])
  })

  it('of a topic come from its defaults and its environment too', async () => {
    const text = `
defaults: { partitions: 1, objectives: { freshness: "lag 1h, 99 %" } }
environments:
  development: {}
  production: { topics: { orders: { objectives: { freshness: "lag 10s, 99.9 %" } } } }
topics: { orders: {}, carts: {} }
services: { billing: { consumes: [orders, carts] } }
`
    const lags = async (environment: string) =>
      objectivesOf(await load(text, { environment })).map(({ indicator }) => 'lagMs' in indicator && indicator.lagMs)
    expect(await lags('development')).toEqual([3_600_000, 3_600_000])
    expect(await lags('production')).toEqual([10_000, 3_600_000])
  })

  it('are none where the file declares none', async () => {
    const platform = await load(`${topics}\nservices: { billing: { consumes: [orders], owner: anyone } }`)
    expect(objectivesOf(platform)).toEqual([])
    expect(platform).not.toHaveProperty('owners')
    expect(platform).not.toHaveProperty('objectives')
    expect(platform).not.toHaveProperty('alerting')
  })

  it('may come from the environment', async () => {
    const text = `${topics}\nobjectives: { availability: "\${TARGET} % over 30d" }`
    expect((await load(text, { env: { TARGET: '99.5' } })).objectives).toMatchObject({
      availability: { target: 0.995 },
    })
  })

  it('that are wrong are all reported, each at its place', async () => {
    expect(
      await mistakes(`${topics}
objectives:
  availability: 100 % over 30d
  latency: 300ms, 99 % over 30d
  freshness: lag 30s, 99 %
services:
  billing:
    consumes: [orders]
    objectives:
      freshness: { order: "lag 30s, 99 % over 30d", orders: "lag 30, 99 %" }
      processing: 99.9 % over 7d
  checkout:
    produces: [orders]
    objectives: { freshness: "lag 30s, 99.5 % over 30d" }
  stock:
    consumes: [carts]
    objectives: { freshness: 30s, processing: 0 % }
`),
    ).toEqual([
      '3:17 objectives.availability: must be more than 0 % and less than 100 %, it is 100 %: 100 % leaves no error budget, and every miss would be an alert',
      "4:12 objectives.latency: must be a bound of the probe's histogram (5ms, 10ms, 25ms, 50ms, 75ms, 100ms, 250ms, 500ms, 750ms, 1s, 2.5s, 5s, 7.5s, 10s), it is 300ms",
      '5:3 objectives.freshness: unknown key',
      "10:20 services.billing.objectives.freshness.order: is not among what the service consumes; did you mean 'orders'?",
      "10:61 services.billing.objectives.freshness.orders: must have a lag of 1s or more, such as 'lag 30s, 99.5 % over 30d', it is 30",
      '11:19 services.billing.objectives.processing: must be over 30d, the only period, it is over 7d',
      '14:19 services.checkout.objectives.freshness: is about what a service consumes, and this one consumes nothing',
      "17:30 services.stock.objectives.freshness: must be such as 'lag 30s, 99.5 % over 30d', it is 30s",
      '17:47 services.stock.objectives.processing: must be more than 0 % and less than 100 %, it is 0 %',
    ])
  })

  it('that leave no budget once they are numbers are refused as 100 % is', async () => {
    const text = `${topics}\nobjectives: { availability: 99.99999999999999 % over 30d }`
    expect(await mistakes(text)).toEqual([
      expect.stringContaining('objectives.availability: must be more than 0 % and less than 100 %'),
    ])
  })

  it('that are not text are reported with the text that is meant', async () => {
    expect(
      await mistakes(`${topics}
objectives: { availability: 99.9 }
services: { billing: { consumes: [orders], objectives: { freshness: [30s], processing: } } }
`),
    ).toEqual([
      "2:29 objectives.availability: must be text such as '99.9 % over 30d', it is 99.9",
      "3:69 services.billing.objectives.freshness: must be text such as 'lag 30s, 99.5 % over 30d', or a map of such texts by topic, it is a list",
      "3:88 services.billing.objectives.processing: must be text such as '99.9 % over 30d'",
    ])
  })
})

describe('owners of a platform file', () => {
  it('say where the alerts of a team are sent', async () => {
    const { owners, alerting } = await load(`
owners:
  shop: { slack: "#shop", pagerduty: shop-on-call, email: [shop@example.com, lead@example.com] }
  money: { email: money@example.com }
alerting: { owner: shop, smtp: { smarthost: "mail.example.com:587", from: kafka@example.com, username: kafka } }
topics: { orders: { partitions: 1, owner: shop } }
services: { billing: { owner: money } }
`)
    expect(owners).toEqual([
      {
        name: 'shop',
        slack: '#shop',
        pagerduty: 'shop-on-call',
        email: ['shop@example.com', 'lead@example.com'],
        at: expect.anything(),
      },
      { name: 'money', email: ['money@example.com'], at: expect.anything() },
    ])
    expect(alerting).toEqual({
      owner: 'shop',
      smtp: { smarthost: 'mail.example.com:587', from: 'kafka@example.com', username: 'kafka' },
    })
  })

  it('may be declared in an included file, once', async () => {
    const main = `include: [team.yaml]\n${topics}\nowners: { shop: { slack: "#shop" } }\n`
    const path = file({ 'platform.yaml': main, 'team.yaml': 'owners: { money: { slack: "#money" } }' })
    expect((await loadPlatform(path, { env: {} })).owners?.map(({ name }) => name)).toEqual(['shop', 'money'])
    const twice = file({ 'platform.yaml': main, 'team.yaml': 'owners: { shop: { slack: "#money" } }' })
    await expect(loadPlatform(twice, { env: {} })).rejects.toThrow(/owners\.shop: is declared already/)
  })

  it('are checked: names that are not declared, targets that are none, secrets in the file', async () => {
    expect(
      await mistakes(`
owners:
  shop: { slack: shop }
  money: { pagerduty: 0123456789abcdef0123456789abcdef }
  Stock: { email: stock }
  empty: {}
  hook: { slack: "https://example.com/services/T0/B0/xyz" }
alerting: { owner: plattform, smtp: { smarthost: mail.example.com } }
topics: { orders: { partitions: 1, owner: shopp } }
services: { billing: { owner: muney } }
`),
    ).toEqual([
      '3:18 owners.shop.slack: must be a channel in quotes, such as "#payments"',
      '4:23 owners.money.pagerduty: must be a name of a-z, 0-9 and -, such as on-call; this looks like a secret: put it into a file that Alertmanager reads',
      '5:3 owners.Stock: must be of a-z, 0-9 and -, and begin and end with a letter or a digit',
      '5:19 owners.Stock.email: must be an address such as kafka@example.com, it is stock',
      '6:3 owners.empty: must have slack, pagerduty or email, so that its alerts can be sent',
      '7:18 owners.hook.slack: must be a channel in quotes, such as "#payments"; this looks like a secret: put it into a file that Alertmanager reads',
      "8:20 alerting.owner: 'plattform' is not declared below owners",
      '8:37 alerting.smtp: must have from, such as kafka@example.com',
      '8:50 alerting.smtp.smarthost: must be host:port, such as mail.example.com:587, it is mail.example.com',
      "9:43 topics.orders.owner: 'shopp' is not declared below owners; did you mean 'shop'?",
      "10:31 services.billing.owner: 'muney' is not declared below owners; did you mean 'money'?",
    ])
  })

  it('with addresses need a mail server, in every environment', async () => {
    const path = file({
      'platform.yaml': `
environments: { development: {}, production: { alerting: { smtp: { smarthost: "m:25", from: a@b } } } }
owners: { shop: { email: a@b } }
${topics}
`,
    })
    await expect(loadEnvironments(path, { env: {} })).rejects.toThrow(
      'platform.yaml:3:11 owners.shop: has an email address, and the file has no alerting.smtp to send mail with (environment development)',
    )
  })

  it('say what a forgotten quote does', async () => {
    expect(await mistakes(`owners:\n  shop:\n    slack: #shop\n${topics}`)).toEqual([
      '3:12 owners.shop.slack: must be a channel in quotes, such as "#payments"',
    ])
  })
})
