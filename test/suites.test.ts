// What `npm run suites` makes of the output of third-party test suites. The suites themselves take minutes and are not run here.
import { describe, expect, it } from 'vitest'
import * as franzGo from '../scripts/suites/franz-go.ts'
import * as librdkafka from '../scripts/suites/librdkafka.ts'
import { judge } from '../scripts/suites/suite.ts'

describe('the outcomes of a suite', () => {
  it('of franz-go are read from the lines of go test -v; a test without an end has failed', () => {
    const output = [
      '=== RUN   TestOne',
      '=== RUN   TestOne/part',
      '    --- FAIL: TestOne/part (0.00s)',
      '--- FAIL: TestOne (0.01s)',
      '=== RUN   TestTwo',
      '--- PASS: TestTwo (1.20s)',
      '=== RUN   TestThree',
      '--- SKIP: TestThree (0.00s)',
      '=== RUN   TestHangs',
      'panic: test timed out after 1m0s',
    ].join('\n')
    expect(Object.fromEntries(franzGo.outcomesOf(output))).toEqual({
      TestOne: 'failed',
      TestTwo: 'passed',
      TestThree: 'skipped',
      TestHangs: 'failed',
    })
  })

  it('of librdkafka are read from its report', () => {
    const states = { '<MAIN>': 'PASSED', '0005_order': 'PASSED', '0081_admin': 'FAILED', '0001_mock': 'SKIPPED' }
    const tests = Object.fromEntries(Object.entries(states).map(([name, state]) => [name, { name, state }]))
    expect(Object.fromEntries(librdkafka.outcomesOf(JSON.stringify({ tests })))).toEqual({
      '0005_order': 'passed',
      '0081_admin': 'failed',
      '0001_mock': 'skipped',
    })
  })
})

describe('the judgement of a suite', () => {
  const expected = { failures: { known: 'transactions', mended: 'transactions' }, leftOut: {} }

  it('names unexpected failures, and tests that pass although they are listed as failing', () => {
    const outcomes = new Map([
      ['fine', 'passed'],
      ['known', 'failed'],
      ['mended', 'passed'],
      ['new', 'failed'],
      ['local', 'skipped'],
    ] as const)
    expect(judge(outcomes, expected)).toEqual({
      passed: 2,
      skipped: 1,
      failed: ['known', 'new'],
      unexpected: ['new'],
      better: ['mended'],
    })
  })
})
