// `backup coverage` on the embedded broker: what it prints, and its exit code.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Broker, startBroker } from '@selfmonitor/broker'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { selfmonitor } from '../test-io.ts'

let broker: Broker
let folder: string
beforeAll(async () => {
  broker = await startBroker()
  folder = mkdtempSync(join(tmpdir(), 'cli-coverage-'))
})
afterAll(async () => {
  await broker.close()
  rmSync(folder, { recursive: true, force: true })
})
const run = (line: string) =>
  selfmonitor(line.split(' '), {
    cwd: folder,
    env: { KAFKA_BOOTSTRAP_SERVERS: broker.bootstrapServers, SELFMONITOR_BACKUP: 'backups' },
  })

it('names the topics that are in no backup, and fails while there is one', async () => {
  for (const topic of ['orders', 'carts', 'scratch']) await run(`topics create ${topic} --partitions 1 --yes`)
  const before = await run('backup coverage')
  expect(before.code).toBe(1)
  expect(before.stdout).toMatch(/^not covered: 0 topics covered, 3 uncovered, 0 overdue, 0 left out; no backup\n/)
  expect(before.stderr).toContain('There is no platform.yaml')

  writeFileSync(
    join(folder, 'platform.yaml'),
    `backup: { frequency: 1h, rpo: 2h }
topics:
  orders: { partitions: 1, backup: { criticality: critical, classification: restricted } }
  scratch: { partitions: 1, backup: { none: made from orders } }
`,
  )
  expect(await run('backup --topic orders')).toMatchObject({ code: 0 })
  const partly = await run('backup coverage')
  expect(partly.code).toBe(1)
  expect(partly.stdout).toMatch(
    /^not covered: 1 topic covered, 1 uncovered, 0 overdue, 1 left out; backup 1 of .*\n\nTOPIC .*\ncarts +uncovered +– +2h +1h +– +backup 1 does not have it\norders +covered +\d+m?s +2h +1h +critical\nscratch +left-out .* made from orders\n$/,
  )
  expect((await run('backup coverage -o name')).stdout).toBe('carts\n')

  expect(await run('backup')).toMatchObject({ code: 0 })
  const whole = await run('backup coverage -o json')
  expect(whole.code).toBe(0)
  expect(JSON.parse(whole.stdout)).toMatchObject({
    backup: 2,
    topics: [
      {
        topic: 'orders',
        state: 'covered',
        why: null,
        rpoMs: 7_200_000,
        frequency: '1h',
        criticality: 'critical',
        classification: 'restricted',
        due: expect.stringMatching(/^20\d\d-/),
      },
      { topic: 'carts', state: 'covered' },
      { topic: 'scratch', state: 'left-out', why: 'made from orders' },
    ],
  })
})

it('refuses a platform file that is missing or wrong', async () => {
  expect(await run('backup coverage -f none.yaml')).toMatchObject({ code: 2 })
  writeFileSync(join(folder, 'wrong.yaml'), 'backup: { frequency: soon }\ntopics: {}\n')
  const { code, stderr } = await run('backup coverage -f wrong.yaml')
  expect(code).toBe(1)
  expect(stderr).toContain('wrong.yaml:1:22 backup.frequency: must be a duration such as 1h')
})
