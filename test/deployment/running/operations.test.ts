// Every command of the runbook's section "Operations", and of scaling to five brokers and back, run as written inside of kafka-0.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readRunbook } from '../runbook.ts'
import { type ExecResult, type KafkaCluster, missingForCluster, startKafka } from './index.ts'
import { changes, expectations, isOf, prepareState, runBlock, scaleExpectations } from './operations.ts'

const missing = missingForCluster()
const timeout = 300_000
const { blocks } = readRunbook()
const inBroker = blocks.filter(({ language }) => language === 'bash')
const operations = inBroker.filter(({ section }) => section === 'Operations')
const scaling = (label: string) => inBroker.filter((block) => block.label === label)

describe('what the runbook has to run', () => {
  test('every block for a broker is in a section that is run here', () => {
    const known = [...operations, ...['scale-up', 'scale-down', 'scale-gone'].flatMap(scaling)]
    expect(inBroker.filter((block) => !known.includes(block)).map(({ line }) => `line ${line}`)).toEqual([])
    expect(operations.length).toBeGreaterThan(40)
  })

  test('every block that changes something is expected to have changed it', () => {
    const all = [...expectations, ...scaleExpectations]
    const unexpected = inBroker.filter((block) => changes.test(block.text) && !all.some(({ of }) => isOf(block, of)))
    expect(unexpected.map(({ line, text }) => `line ${line}: ${text}`)).toEqual([])
  })

  test('every expectation is of one block', () => {
    for (const [list, among] of [
      [expectations, operations],
      [scaleExpectations, inBroker.filter(({ label }) => label !== '')],
    ] as const) {
      for (const { of } of list) {
        expect(
          among.filter((block) => isOf(block, of)).map(({ line }) => line),
          String(of),
        ).toHaveLength(1)
      }
    }
  })
})

describe('a block', () => {
  const block = { language: 'bash', label: '', section: '', heading: '', line: 1, text: 'kafka-topics --list' }
  const answering = (result: ExecResult) => ({ exec: async () => result }) as unknown as KafkaCluster
  const run = (result: Partial<ExecResult>) =>
    runBlock(answering({ exitCode: 0, stdout: '', stderr: '', ...result }), block, [])

  test('fails with its line and output when it ends with another exit code than 0', async () => {
    await expect(run({ exitCode: 1, stderr: 'no such topic' })).rejects.toThrow(
      /line 1 of the runbook[\s\S]*no such topic/,
    )
  })

  test('fails when a tool prints an error and ends with 0', async () => {
    await expect(run({ stdout: 'Error while executing topic command' })).rejects.toThrow('Error while executing')
    await expect(run({ stderr: '[2026-11-22] ERROR no rights' })).rejects.toThrow('no rights')
    await expect(run({ stderr: 'Processed a total of 1 messages' })).resolves.toBeDefined()
  })
})

describe.skipIf(missing)(`the runbook's commands${missing ? ` (skipped: ${missing})` : ''}`, () => {
  let cluster: KafkaCluster

  beforeAll(async () => {
    cluster = await startKafka()
    await prepareState(cluster)
  }, 900_000)
  afterAll(async () => cluster?.stop(), 120_000)

  for (const block of operations) {
    test(`${block.heading}, line ${block.line}`, { timeout }, async () => {
      await runBlock(cluster, block, expectations)
    })
  }

  test('Scale to five brokers and back', { timeout: 900_000 }, async () => {
    const replicas = async (count: number) => {
      await cluster.scale('StatefulSet', 'kafka', count)
      if (count === 3)
        await cluster.waitFor(
          'kafka-3 and kafka-4 are gone',
          () => !cluster.pod('kafka-3') && !cluster.pod('kafka-4'),
          { timeoutMs: timeout },
        )
      else await cluster.waitReady(['kafka-3', 'kafka-4'], { timeoutMs: timeout })
    }
    await replicas(5)
    for (const block of scaling('scale-up')) await runBlock(cluster, block, scaleExpectations)
    for (const block of scaling('scale-down')) await runBlock(cluster, block, scaleExpectations)
    await replicas(3)
    for (const block of scaling('scale-gone')) await runBlock(cluster, block, scaleExpectations)
  })
})
