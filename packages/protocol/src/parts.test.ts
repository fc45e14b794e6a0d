// What the parts of this package load: code that needs the name of an error or the partition of a key loads nothing else.
import { describe, expect, it } from 'vitest'
import { modulesLoadedBy } from '../../../test/support/loaded-modules.ts'

const loadedBy = (script: string): string[] => modulesLoadedBy(script, import.meta.dirname)
const natives = (urls: readonly string[]): string[] =>
  ['/@node-rs/crc32/', '/snappy/', '/lz4-napi/'].filter((part) => urls.some((url) => url.includes(part)))

describe('a part of the package', () => {
  it.each([
    ['acl', 1],
    ['errors', 1],
    ['partitioner', 1],
    ['protocol-error', 1],
    ['consumer-protocol', 15],
    ['codec', 10],
  ])('%s is at most %d modules, none of them native', (part, most) => {
    const urls = loadedBy(`await import('@selfmonitor/protocol/${part}')`)
    expect(urls.length).toBeLessThanOrEqual(most)
    expect(urls.every((url) => url.includes('/packages/protocol/src/'))).toBe(true)
  })

  it.each(['api', 'compression', 'records'])('%s loads no native package before it needs one', (part) => {
    expect(natives(loadedBy(`await import('@selfmonitor/protocol/${part}')`))).toEqual([])
  })

  it('loads only the native package that is needed', () => {
    const use = (codec: string) => `
      const { encodeBatch, decodeRecords } = await import('@selfmonitor/protocol/records')
      const batch = encodeBatch([{ timestamp: 0n, value: Buffer.from('v') }], { compression: '${codec}' })
      if ([...decodeRecords(batch)].length !== 1) throw new Error('${codec}')`
    expect(natives(loadedBy(use('none')))).toEqual(['/@node-rs/crc32/'])
    expect(natives(loadedBy(use('zstd')))).toEqual(['/@node-rs/crc32/'])
    expect(natives(loadedBy(use('snappy')))).toEqual(['/@node-rs/crc32/', '/snappy/'])
    expect(natives(loadedBy(use('lz4')))).toEqual(['/@node-rs/crc32/', '/lz4-napi/'])
  })
})
