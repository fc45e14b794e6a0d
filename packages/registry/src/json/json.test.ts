import { describe, expect, it } from 'vitest'
import { parseJson, writeJson } from './index.ts'

describe('a number', () => {
  it.each(['1e400', '-1E+999', `1${'0'.repeat(400)}.5`])(
    'beyond the range of a double is refused, because it could not be stored: %s',
    (number) => {
      expect(() => parseJson(`{"const":${number}}`)).toThrow(/is beyond the range of a double \(1\.8e308\) at line 1/)
    },
  )

  it('in that range is kept', () => {
    expect(writeJson(parseJson('[1.5e300,1e-400]'))).toBe('[1.5E300,0.0]')
  })
})
