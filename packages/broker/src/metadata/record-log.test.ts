import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openRecordLog } from './record-log.ts'

describe('record log', () => {
  let dir: string
  let path: string
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'record-log-'))
    path = join(dir, 'metadata.log')
  })
  afterEach(() => rmSync(dir, { recursive: true }))

  async function write(...entries: readonly unknown[]): Promise<void> {
    const { log } = await openRecordLog(path)
    for (const entry of entries) await log.append(entry)
    await log.close()
  }
  async function read(): Promise<{ entries: readonly unknown[]; tornBytes: number }> {
    const { entries, tornBytes, log } = await openRecordLog(path)
    await log.close()
    return { entries, tornBytes }
  }

  it('reads back what was appended, over several openings', async () => {
    await write({ a: 1 }, { b: 'zwei\nlines, ünïcode' })
    await write({ c: null })
    expect(await read()).toEqual({ entries: [{ a: 1 }, { b: 'zwei\nlines, ünïcode' }, { c: null }], tornBytes: 0 })
  })

  it('keeps every whole entry when the file is cut at any byte, and can continue from there', async () => {
    const entries = [{ n: 1 }, { n: 2, text: 'x'.repeat(30) }, { n: 3 }]
    await write(...entries)
    const whole = readFileSync(path)
    const ends = [...whole.entries()].filter(([, byte]) => byte === 0x0a).map(([index]) => index + 1)
    for (let length = 0; length <= whole.length; length++) {
      writeFileSync(path, whole.subarray(0, length))
      const kept = entries.slice(0, Math.max(0, ends.filter((end) => end <= length).length - 1))
      const lastEnd = Math.max(0, ...ends.filter((end) => end <= length))
      expect(await read(), `cut at ${length}`).toEqual({ entries: kept, tornBytes: length - lastEnd })
      await write({ after: length })
      expect((await read()).entries, `appended after a cut at ${length}`).toEqual([...kept, { after: length }])
    }
  })

  it('cuts a last line of which parts never reached the disk', async () => {
    await write({ n: 1 }, { n: 2 })
    const bytes = readFileSync(path)
    bytes.fill(0, bytes.length - 6, bytes.length - 1)
    writeFileSync(path, bytes)
    const { entries, tornBytes } = await read()
    expect(entries).toEqual([{ n: 1 }])
    expect(tornBytes).toBeGreaterThan(0)
  })

  it.each([1, 2, 3])(
    'refuses a file whose line %i is complete but has a wrong checksum, the last one too, and leaves it as it is',
    async (n) => {
      await write({ n: 1 }, { n: 2 }, { n: 3 })
      const bytes = readFileSync(path)
      bytes[bytes.indexOf(`"n":${n}`) + 4]! ^= 1
      writeFileSync(path, bytes)
      await expect(openRecordLog(path)).rejects.toMatchObject({
        code: 'DAMAGED',
        path,
        message: expect.stringMatching(
          /metadata\.log: the line at byte \d+ is damaged.*restore the file from a backup/,
        ),
      })
      expect(readFileSync(path).equals(bytes)).toBe(true)
    },
  )

  it('is not created if it must exist', async () => {
    for (const content of [undefined, '', '{"for']) {
      if (content !== undefined) writeFileSync(path, content)
      await expect(openRecordLog(path, { mustExist: 'there are records' })).rejects.toThrow(
        /metadata.log is missing or empty, but there are records/,
      )
      expect(existsSync(path) ? readFileSync(path, 'utf8') : undefined).toBe(content)
    }
  })

  it('refuses a newer format', async () => {
    await write()
    const { crc32 } = await import('node:zlib')
    const json = '{"format":2}'
    writeFileSync(path, `${crc32(json).toString(16).padStart(8, '0')} ${json}\n`)
    await expect(openRecordLog(path)).rejects.toThrow(/format 2, written by a newer release.*upgrade/)
  })

  it('replaces its content atomically and continues to append', async () => {
    const { log } = await openRecordLog(path)
    for (let n = 0; n < 100; n++) await log.append({ n })
    const before = log.sizeBytes
    await log.rewrite([{ sum: 4950 }])
    expect(log.sizeBytes).toBeLessThan(before / 10)
    await log.append({ n: 100 })
    await log.close()
    expect((await read()).entries).toEqual([{ sum: 4950 }, { n: 100 }])
  })
})
