import { describe, expect, it } from 'vitest'
import { loginOf, parseRegistryUrls, withoutUser } from './url.ts'

/** The error's message and hint in one text. */
function refusalOf(url: string): string {
  try {
    parseRegistryUrls(url)
  } catch (error) {
    const { message, hint } = error as Error & { readonly hint?: string }
    return `${message}; ${hint}`
  }
  throw new Error(`${url} was taken`)
}

describe('the addresses of a registry', () => {
  it('are URLs joined with commas', () => {
    const urls = parseRegistryUrls(' http://one:8081, https://ann:p%2Fw@two/registry,')
    expect(urls.map(({ href }) => href)).toEqual(['http://one:8081/', 'https://ann:p%2Fw@two/registry'])
  })

  it('may have a comma in a password', () => {
    const [url, other] = parseRegistryUrls('http://ann:s3,cret@one:8081,http://two:8081')
    expect([url?.password, url?.host, other?.host]).toEqual(['s3,cret', 'one:8081', 'two:8081'])
  })

  it.each([
    ['http://ann:s3cret@one:8081', 'http://one:8081'],
    ['http://ann:s3/cret@one:8081', 'http://one:8081'],
    ['http://ann:12/s3cret@one:8081/path', 'http://one:8081/path'],
    ['http://ann:s3?c#r@et@one:8081', 'http://one:8081'],
    ['ann:s3/cret@one:8081', 'one:8081'],
    ['http://ann:s3/c,ret@one:8081, https://bob:s3/cret@two', 'http://one:8081, https://two'],
    ['http://one:8081,http://two:8081', 'http://one:8081,http://two:8081'],
  ])('%s is shown as %s', (url, shown) => {
    expect(withoutUser(url)).toBe(shown)
  })

  it.each([
    'http://ann:s3/cret@one:8081',
    'http://ann:12/s3cret@one',
    'http://ann:12?s3cret@one',
    'ftp://a:s3cret@one',
  ])('a wrong one is refused without its password: %s', (url) => expect(refusalOf(url)).not.toMatch(/s3|cret|ann/))

  it('says how a password with a slash is written, instead of asking the host that the URL names then', () => {
    expect(refusalOf('http://ann:12/s3cret@one:8081')).toMatch(/unescaped character.*write "\/" as %2F/)
  })

  it.each([
    ['', /there is none/],
    ['one:8081', /write http:\/\/one:8081/],
    ['ftp://one', /write http:\/\/host:8081/],
    ['http://one:8081,two:8081', /"http:\/\/one:8081,two:8081" is not an http\(s\) URL/],
  ])('%j is refused', (url, message) => expect(refusalOf(url)).toMatch(message))
})

it('a login may be escaped, or have a bare percent sign', () => {
  expect(loginOf(new URL('http://a%40b:p%2Fq@one'))).toEqual({ username: 'a@b', password: 'p/q' })
  expect(loginOf(new URL('http://ann:100%@one'))).toEqual({ username: 'ann', password: '100%' })
})
