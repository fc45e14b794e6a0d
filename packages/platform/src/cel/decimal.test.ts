import { expect, it } from 'vitest'
import { compileCel, createCelEvaluator, Decimal, exactValue, parseDecimal, parseExactJson } from './index.ts'

const options = { variables: ['value'], decimals: true }
const evaluate = (expression: string, json: string) => {
  const outcome = compileCel(expression, options)({ value: parseExactJson(json) })
  return outcome.kind === 'value' ? String(outcome.value) : outcome
}

it.each([
  ['value.a + value.b == 0.3', '{"a": 0.1, "b": 0.2}', 'true'],
  ['value.a + value.b', '{"a": 0.10, "b": 0.2}', '0.30'],
  ['value.a + 1', '{"a": 10.50}', '11.50'],
  ['value.a * value.n', '{"a": 0.0001, "n": 3}', '0.0003'],
  ['value.a - 0.5', '{"a": -1.25}', '-1.75'],
  ['value.a', '{"a": 123456789012345678901234567890.12}', '123456789012345678901234567890.12'],
  ['value.a == 9007199254740993', '{"a": 9007199254740993}', 'true'],
  ['value.a > 9223372036854775807', '{"a": 9223372036854775808}', 'true'],
  ['value.a < 11.5 && value.a >= 10 && 11 > value.a', '{"a": 10.5}', 'true'],
  ['10.50 == value.a && value.a != 10', '{"a": 10.5}', 'true'],
  ['decimal(value.a) + decimal("0.1")', '{"a": "12.30"}', '12.40'],
  ['string(value.a)', '{"a": 1.5e-3}', '0.0015'],
  ['value.t == "x" ? value.a : 0', '{"t": "y", "a": 1.5}', '0'],
])('%s of %s is %s', (expression, json, result) => {
  expect(evaluate(expression, json)).toBe(result)
})

it('numbers that nobody can mean are refused', () => {
  expect(parseDecimal('1e401')).toBeNull()
  expect(parseDecimal('.')).toBeNull()
  expect(parseDecimal('1,5')).toBeNull()
  expect(() => parseExactJson('{"a": 1e9999}')).toThrow(/1e9999 is too large/)
  expect(evaluate('decimal(value.a)', '{"a": "much"}')).toMatchObject({ kind: 'error' })
})

it('a double counts as the shortest number that names it', () => {
  expect(exactValue({ list: [0.1, 3, -0], bytes: Buffer.from('x'), nan: Number.NaN })).toEqual({
    list: [new Decimal(1n, 1), 3n, 0n],
    bytes: Buffer.from('x'),
    nan: Number.NaN,
  })
})

it('decimals pass to the thread and back', async () => {
  const evaluator = createCelEvaluator('{"sum": value.a + value.b}', options)
  const [outcome] = await evaluator.evaluate([{ value: parseExactJson('{"a": 0.1, "b": 0.2}') }])
  expect(outcome).toEqual({ kind: 'value', value: { sum: { unscaled: 3n, scale: 1 } } })
  await evaluator.close()
})
