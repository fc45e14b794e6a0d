import fc from 'fast-check'
import { expect, it } from 'vitest'
import { fits, type Grant, mayOnContext, mayOnSubject, seesContext } from './rights.ts'

it('a pattern fits the whole of a text, and * is any text', () => {
  expect(fits('pay.*', 'pay.a')).toBe(true)
  expect(fits('pay.*', 'pay.')).toBe(true)
  expect(fits('pay.*', 'repay.a')).toBe(false)
  expect(fits('pay', 'pay.a')).toBe(false)
  expect(fits('*-value', 'pay-value')).toBe(true)
  expect(fits('a*a', 'a')).toBe(false)
  expect(fits('', 'a')).toBe(false)
})

it('a pattern fits what a regular expression of the same meaning fits', () => {
  const text = (letters: string) => fc.string({ unit: fc.constantFrom(...letters), maxLength: 8 })
  fc.assert(
    fc.property(text('ab*'), text('ab\n'), (pattern, given) => {
      const expression = new RegExp(`^${pattern.replaceAll('*', '[^]*')}$`)
      // `$` without the flag m is the end of the text alone.
      expect(fits(pattern, given)).toBe(expression.test(given))
    }),
  )
})

const grant = (more: Partial<Grant>): Grant => ({ rights: ['read'], contexts: ['.'], subjects: ['*'], ...more })

it('a right of one grant does not reach the subjects of another', () => {
  const grants = [grant({ rights: ['read'], subjects: ['a*'] }), grant({ rights: ['write'], subjects: ['b*'] })]
  expect(mayOnSubject(grants, 'read', 'a1')).toBe(true)
  expect(mayOnSubject(grants, 'write', 'a1')).toBe(false)
  expect(mayOnSubject(grants, 'read', 'b1')).toBe(false)
})

it('a subject belongs to its context, not to a pattern that begins like one', () => {
  const grants = [grant({ subjects: [':.lab:*', '*'] })]
  expect(mayOnSubject(grants, 'read', ':.lab:a')).toBe(false)
  expect(mayOnSubject([grant({ contexts: ['.lab'] })], 'read', ':.lab:a')).toBe(true)
  expect(mayOnSubject([grant({ contexts: ['*'] })], 'read', ':.lab:a')).toBe(true)
})

it('a change to a context takes all of its subjects, and the global one every context', () => {
  expect(mayOnContext([grant({ rights: ['configure'], subjects: ['a*'] })], 'configure', '.')).toBe(false)
  expect(mayOnContext([grant({ rights: ['configure'] })], 'configure', '.')).toBe(true)
  expect(mayOnContext([grant({ rights: ['configure'] })], 'configure', '.__GLOBAL')).toBe(false)
  expect(seesContext([grant({ subjects: ['a*'] })], '.__GLOBAL')).toBe(true)
  expect(seesContext([grant({ rights: ['write'] })], '.')).toBe(false)
})
