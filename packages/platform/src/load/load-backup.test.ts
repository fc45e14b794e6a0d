import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { PlatformError } from '../errors.ts'
import { loadPlatform } from './load.ts'

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

async function load(text: string, environment?: string, env: Record<string, string> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'backup-policy-'))
  folders.push(folder)
  const file = join(folder, 'platform.yaml')
  writeFileSync(file, text)
  return await loadPlatform(file, { env, environment })
}

/** Without their places. */
async function policies(text: string, environment?: string, env?: Record<string, string>) {
  const { topics, backup } = await load(text, environment, env)
  const plain = (policy: (typeof topics)[number]['backup']) => {
    if (policy === undefined) return undefined
    const { at: _, ...rest } = policy
    return rest
  }
  return { '': plain(backup), ...Object.fromEntries(topics.map((topic) => [topic.name, plain(topic.backup)])) }
}

/** Every mistake, as `line:column path: message`. */
async function mistakes(text: string, environment?: string): Promise<string[]> {
  const error = await load(text, environment).catch((problem: unknown) => problem)
  expect(error).toBeInstanceOf(PlatformError)
  return (error as PlatformError).problems.map((p) => `${p.line}:${p.column} ${p.path}: ${p.message}`)
}

const hour = 3_600_000
const hourly = { kind: 'every', everyMs: hour }

describe('backup of a platform file', () => {
  it('is that of the file, under that of the environment, under that of the topic', async () => {
    const text = `
environments:
  development: {}
  production:
    backup: { rto: 1h }
    topics: { orders: { backup: { lock: { days: 30, mode: compliance } } } }
backup: { frequency: 1h, rpo: 2h, rto: 4h, classification: internal }
topics:
  orders: { partitions: 1, backup: { frequency: "0 2 * * * Europe/Berlin", rpo: 26h, criticality: critical } }
  carts: { partitions: 1 }
`
    const file = { frequency: hourly, rpoMs: 2 * hour, rtoMs: 4 * hour, classification: 'internal' }
    const nightly = { kind: 'cron', expression: '0 2 * * *', zone: 'Europe/Berlin' }
    const orders = { ...file, frequency: nightly, rpoMs: 26 * hour, criticality: 'critical' }
    expect(await policies(text)).toEqual({ '': file, carts: file, orders })
    expect(await policies(text, 'production')).toEqual({
      '': { ...file, rtoMs: hour },
      carts: { ...file, rtoMs: hour },
      orders: { ...orders, rtoMs: hour, lock: { days: 30, mode: 'compliance' } },
    })
  })

  it('is nothing where the file says nothing', async () => {
    expect(await policies('topics: { orders: { partitions: 1 } }')).toEqual({ '': undefined, orders: undefined })
  })

  it('leaves topics out with a reason, and null takes a default back', async () => {
    const text = `
environments:
  development: { backup: { none: made by the demo } }
  production: {}
backup: { frequency: 1h, lock: { days: 7, mode: governance } }
topics:
  orders: { partitions: 1, backup: { frequency: 5m } }
  carts: { partitions: 1, backup: { none: made from orders } }
  audit: { partitions: 1, backup: { none: null, lock: null } }
`
    const demo = { none: 'made by the demo' }
    const carts = { none: 'made from orders' }
    expect(await policies(text)).toEqual({ '': demo, orders: demo, carts, audit: { frequency: hourly } })
    const lock = { days: 7, mode: 'governance' }
    expect(await policies(text, 'production')).toEqual({
      '': { frequency: hourly, lock },
      orders: { frequency: { kind: 'every', everyMs: 300_000 }, lock },
      carts,
      audit: { frequency: hourly },
    })
  })

  it('takes values from the environment', async () => {
    const text = `
backup: { frequency: "\${FREQUENCY}", lock: { days: "\${DAYS}", mode: governance } }
topics: { orders: { partitions: 1 } }
`
    const policy = { frequency: hourly, lock: { days: 7, mode: 'governance' } }
    expect(await policies(text, undefined, { FREQUENCY: '1h', DAYS: '7' })).toEqual({ '': policy, orders: policy })
    expect(await mistakes(text)).toEqual([
      expect.stringContaining('needs the environment variable FREQUENCY'),
      expect.stringContaining('needs the environment variable DAYS'),
    ])
  })

  it('reports every mistake with its place', async () => {
    expect(
      await mistakes(`
backup: { freqency: 1h, criticality: urgent }
defaults: { backup: { frequency: 1h } }
topics:
  a: { partitions: 1, backup: { frequency: 1x, rpo: soon, rto: 0h } }
  b: { partitions: 1, backup: { frequency: 6h, rpo: 1h } }
  c: { partitions: 1, backup: { frequency: "0 2 * * MON-FRI", rpo: 25h } }
  d: { partitions: 1, backup: { lock: { days: 0 } } }
  e: { partitions: 1, backup: { lock: { days: 3 } } }
  f: { partitions: 1, backup: { lock: { days: 3, mode: strict } } }
  g: { partitions: 1, backup: { none: made from a, frequency: 1h } }
  h: { partitions: 1, backup: { none: "" } }
  i: { partitions: 1, backup: { frequency: "61 * * * *", classification: secret } }
  j: { partitions: 1, backup: { frequency: 60 } }
  k: { partitions: 1, backup: 1h }
`),
    ).toMatchInlineSnapshot(`
      [
        "2:11 backup.freqency: unknown key; did you mean 'frequency'?",
        "2:38 backup.criticality: must be critical, high, medium or low, it is urgent",
        "3:13 defaults.backup: unknown key",
        "5:44 topics.a.backup.frequency: must be a duration such as 1h, a cron expression such as "0 2 * * * Europe/Berlin", or continuously, it is 1x",
        "5:53 topics.a.backup.rpo: must be a duration such as 1h, it is soon",
        "5:64 topics.a.backup.rto: must be a duration such as 1h, it is 0h",
        "6:44 topics.b.backup.frequency: cannot keep the rpo of 1h: two backups are 6h apart; back up more often",
        "7:44 topics.c.backup.frequency: cannot keep the rpo of 25h: two backups are up to 3d apart; back up more often",
        "8:39 topics.d.backup.lock: must have mode, such as mode: compliance",
        "8:47 topics.d.backup.lock.days: must be ≥ 1, it is 0",
        "9:39 topics.e.backup.lock: must have mode, such as mode: compliance",
        "10:56 topics.f.backup.lock.mode: must be governance or compliance, it is strict",
        "11:39 topics.g.backup.none: leaves the topic out of backups, and more is said beside it: keep one, it is made from a",
        "12:39 topics.h.backup.none: must be the reason why the topic is in no backup",
        "13:44 topics.i.backup.frequency: must be a cron expression: invalid value for minute: 61, it is "61 * * * *"",
        "13:74 topics.i.backup.classification: must be public, internal, confidential or restricted, it is secret",
        "14:44 topics.j.backup.frequency: must be text such as 1h, or "0 2 * * * Europe/Berlin", it is 60",
        "15:31 topics.k.backup: must be a map such as { frequency: 1h, rpo: 2h }, it is 1h",
      ]
    `)
  })

  it('refuses what `none` of the file would leave without effect', async () => {
    expect(
      await mistakes(`
backup: { none: not needed }
topics: { orders: { partitions: 1, backup: { frequency: 1h } } }
`),
    ).toEqual([
      '3:44 topics.orders.backup: has no effect: line 2 leaves all topics out of backups; add none: null to take this one in',
    ])
  })
})
