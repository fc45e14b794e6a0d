import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { loadPlatform } from './load.ts'

describe('drills of a platform file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'drills-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'platform.yaml')
  const load = (drills: string) => {
    writeFileSync(file, `version: 1\ntopics: { payments: { partitions: 1 } }\ndrills:\n  checks:\n${drills}`)
    return loadPlatform(file)
  }
  const problems = (drills: string): Promise<string[]> =>
    load(drills).then(
      () => [],
      (error: { problems: { line: number; path: string; message: string }[] }) =>
        error.problems.map(({ line, path, message }) => `${line} ${path} ${message}`),
    )

  it('are checks by name, with totals and a condition', async () => {
    const { drills } = await load(
      '    balanced: { topics: [payments], fold: { debits: value.debit, n: "true" }, assert: totals.debits > 0.5 && records == totals.n }\n',
    )
    expect(drills?.checks).toMatchObject([
      {
        name: 'balanced',
        topics: ['payments'],
        fold: { debits: 'value.debit', n: 'true' },
        assert: 'totals.debits > 0.5 && records == totals.n',
      },
    ])
  })

  it('name what is wrong, with its place', async () => {
    expect(await problems('    a: { topics: [paymnts], fold: { x: value.a + }, assert: totals.x }\n')).toEqual([
      expect.stringMatching(/^5 drills\.checks\.a\.topics\[0\] 'paymnts' is not declared below topics.*payments/),
      expect.stringMatching(/^5 drills\.checks\.a\.fold\.x "value\.a \+" is not a CEL expression/),
    ])
    expect(await problems('    a: { topics: [payments], fold: { x: amount }, assert: records + 1 == 2 }\n')).toEqual([
      expect.stringContaining('Unknown variable: amount at character 1; the variables are value, event, key'),
    ])
    expect(await problems('    a: { topics: [payments], fold: { "x-y": value }, assert: "1 + 1" }\n')).toEqual([
      expect.stringContaining('must be of letters, digits and _'),
      expect.stringContaining('gives an int, and must give true or false'),
    ])
    expect(await problems('    a: { topics: [payments] }\n')).toEqual([
      expect.stringMatching(/must have (fold|assert)/),
    ])
  })
})
