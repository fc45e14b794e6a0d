import { describe, expect, it } from 'vitest'
import { MalformedEscape, parseProperties } from './java-properties.ts'

const read = (text: string) => Object.fromEntries([...parseProperties(text)].map(([key, { value }]) => [key, value]))

describe('a properties text', () => {
  it('takes =, : and space as separators, with space around them', () => {
    expect(read('a=1\nb:2\nc 3\nd = 4\ne\t:\t5\n  f=6')).toEqual({ a: '1', b: '2', c: '3', d: '4', e: '5', f: '6' })
  })

  it('keeps what comes after the first separator, further separators and trailing space too', () => {
    expect(read('a=b=c:d \nb==x\nempty=\nalone')).toEqual({ a: 'b=c:d ', b: '=x', empty: '', alone: '' })
  })

  it('skips comments and blank lines, however their lines end', () => {
    expect(read('# one\r\n  ! two\r\n\r\na=1\rb=2\n#a=3')).toEqual({ a: '1', b: '2' })
  })

  it('joins continued lines without the space in front, comment signs and all', () => {
    expect(read('a=one,\\\n   two,\\\n\t#three\nb=4')).toEqual({ a: 'one,two,#three', b: '4' })
  })

  it('does not continue a line whose last backslash is itself escaped', () => {
    expect(read('a=x\\\\\nb=y')).toEqual({ a: 'x\\', b: 'y' })
  })

  it('does not continue a comment', () => {
    expect(read('# comment \\\na=1')).toEqual({ a: '1' })
  })

  it('resolves escapes in keys and values; a backslash before anything else is dropped', () => {
    expect(read('k\\=e\\ y=\\t\\n\\u00e9\\"\\q')).toEqual({ 'k=e y': '\t\né"q' })
  })

  it('lets the last of two equal keys count, and tells its line', () => {
    expect(parseProperties('a=1\n\nb=x\\\n y\na=2').get('a')).toEqual({ value: '2', line: 5 })
  })

  it('refuses a broken unicode escape, as Java does', () => {
    expect(() => parseProperties('ok=1\nbad=\\u12g4')).toThrow(MalformedEscape)
  })
})
