// That no command of the runbook goes unrun, and that a failing one is seen. They run in cluster.test.ts.
import { describe, expect, test } from 'vitest'
import type { ExecResult, KafkaCluster } from './index.ts'
import {
  changes,
  expectations,
  isOf,
  operations,
  runBlock,
  scaleExpectations,
  scaling,
  typedInside,
} from './operations.ts'

describe('what the runbook has to run', () => {
  test('every block that is typed inside is in a section that is run here', () => {
    const known = [...operations, ...scaling('scale-gone')]
    expect(typedInside.filter((block) => !known.includes(block)).map(({ line }) => `line ${line}`)).toEqual([])
    expect(operations.length).toBeGreaterThan(40)
  })

  test('every block that changes something is expected to have changed it', () => {
    const all = [...expectations, ...scaleExpectations]
    const unexpected = typedInside.filter((block) => changes.test(block.text) && !all.some(({ of }) => isOf(block, of)))
    expect(unexpected.map(({ line, text }) => `line ${line}: ${text}`)).toEqual([])
  })

  test('every expectation is of one block', () => {
    for (const [list, among] of [
      [expectations, operations],
      [scaleExpectations, typedInside.filter(({ label }) => label.startsWith('scale'))],
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
  const block = { language: 'bash', label: 'kafka-0', section: '', heading: '', line: 1, text: 'kafka-topics --list' }
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
