import { afterEach, describe, expect, it } from 'vitest'
import { CelError, type CelEvaluator, compileCel, createCelEvaluator } from './index.ts'

const variables = ['value', 'key', 'offset']
const context = {
  value: { amount: 12.5, count: 3, total: 5n, name: 'ada', items: [1, 2], nothing: null },
  key: 'k',
  offset: 7n,
}

describe('an expression', () => {
  it.each([
    ['value.amount > 10', true],
    ['value.count + 1 == 4', true],
    ['value.count % 2', 1],
    ['2 * value.amount', 25],
    ['value.amount - value.count / 2', 11],
    ['offset + 1', 8n],
    ['value.items.all(item, item > 0)', true],
    ['has(value.missing) && value.missing == 1', false],
    ['value.?missing.orValue("none")', 'none'],
    ['value.name.matches("^a")', true],
    ['value.nothing == null', true],
  ])('%s', (expression, value) => {
    expect(compileCel(expression, { variables })(context)).toEqual({ kind: 'value', value })
  })

  it('that fails for one record is an outcome', () => {
    expect(compileCel('value.missing == 1', { variables })(context)).toEqual({
      kind: 'error',
      code: 'no_such_key',
      message: 'No such key: missing',
    })
    expect(compileCel('value.name > 3', { variables })(context)).toMatchObject({ code: 'no_such_overload' })
  })

  it.each([
    ['value.name +', /is not a CEL expression: Unexpected token: EOF at character 13/],
    ['amount > 1', /Unknown variable: amount at character 1; the variables are value, key, offset/],
    ['1 + 2', /gives an int, and must give true or false/],
    ['"x"', /gives a string/],
  ])('that is not valid is refused: %s', (expression, message) => {
    expect(() => compileCel(expression, { variables, isCondition: true })).toThrow(message)
    expect(() => createCelEvaluator(expression, { variables, isCondition: true })).toThrow(CelError)
  })
})

describe('the evaluator', () => {
  let evaluator: CelEvaluator | undefined
  afterEach(() => evaluator?.close())

  it('gives an outcome for each context, in their order, call after call', async () => {
    evaluator = createCelEvaluator('value.n * 2', { variables })
    const numbers = Array.from({ length: 1_000 }, (_, n) => ({ value: { n } }))
    const [first, second] = await Promise.all([evaluator.evaluate(numbers), evaluator.evaluate([{ value: { n: 4 } }])])
    expect(first.map((outcome) => outcome.kind === 'value' && outcome.value)).toEqual(
      numbers.map(({ value }) => value.n * 2),
    )
    expect(second).toEqual([{ kind: 'value', value: 8 }])
    expect(await evaluator.evaluate([])).toEqual([])
  })

  it('stops an evaluation that takes too long, and goes on with the next', async () => {
    // Exponential in the length of the text.
    evaluator = createCelEvaluator('value.matches("^(a+)+$")', { variables, deadlineMs: 100 })
    const outcomes = await evaluator.evaluate([{ value: 'aa' }, { value: `${'a'.repeat(60)}!` }, { value: 'b' }])
    expect(outcomes).toEqual([
      { kind: 'value', value: true },
      { kind: 'error', code: 'deadline', message: 'it took longer than 100 ms' },
      { kind: 'value', value: false },
    ])
  })

  it('passes bytes, dates and large numbers as they are', async () => {
    evaluator = createCelEvaluator(
      'value.bytes == b"xy" && value.at > timestamp("2020-01-01T00:00:00Z") && value.big > 9007199254740992',
      {
        variables,
      },
    )
    const value = { bytes: Buffer.from('xy'), at: new Date('2026-01-01T00:00:00Z'), big: 9007199254740993n }
    expect(await evaluator.evaluate([{ value }])).toEqual([{ kind: 'value', value: true }])
  })
})
