// Every digit of a number in JSON is kept, and a number that JavaScript prints as it was written stays a number.
import { expect, it } from 'vitest'
import { holdsRawNumber, parseExact, wholeOrNumber, withBigInts, withNumbers } from './exact-json.ts'

it.each([
  '{"id":12345678901234567890,"n":1,"list":[9007199254740993,"12345678901234567890"]}',
  '[1.10,0.12345678901234567890,-0,1e3,1E-400,123456789.123456789]',
  '18446744073709551615',
  '{"plain":[1,2.5,true,null,"1.10"]}',
])('%s comes back as it was', (text) => {
  expect(JSON.stringify(parseExact(text))).toBe(text)
})

it('numbers that a number holds are numbers', () => {
  expect(parseExact('{"a":[1,-2.5],"big":9007199254740991}')).toEqual({ a: [1, -2.5], big: 9007199254740991 })
  expect(holdsRawNumber(parseExact('{"a":[1,"12345678901234567890"]}'))).toBe(false)
})

it('others become numbers for a check, and bigints for a long', () => {
  const value = parseExact('{"a":[12345678901234567890,1.10],"b":"1.10"}')
  expect(holdsRawNumber(value)).toBe(true)
  expect(withNumbers(value)).toEqual({ a: [12345678901234567000, 1.1], b: '1.10' })
  expect(withBigInts(value)).toEqual({ a: [12345678901234567890n, 1.1], b: '1.10' })
  expect(wholeOrNumber({ rawJSON: '10.0' })).toBe(10)
})

it('what is not JSON is refused as JSON.parse does', () => {
  for (const text of ['{', '1.', '12345678901234567890.', '']) expect(() => parseExact(text)).toThrow(SyntaxError)
})
