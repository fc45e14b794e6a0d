// What a platform file says about the audit trail: a topic, or a reason for none.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { loadPlatform } from './load.ts'
import { readAuditPlan } from './load-audit.ts'

const folder = mkdtempSync(join(tmpdir(), 'load-audit-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
function fileOf(text: string): string {
  const file = join(folder, 'platform.yaml')
  writeFileSync(file, text)
  return file
}
const both = async (text: string, environment = 'development') => {
  const file = fileOf(text)
  const options = { environment, env: { WHY: 'a spare cluster' } }
  const read = await readAuditPlan(file, options)
  expect((await loadPlatform(file, options)).audit).toEqual(read)
  return read
}

describe('audit of a platform file', () => {
  it('is a topic or a reason for none, of which an environment has its own', async () => {
    expect(await both('topics: {}')).toBeUndefined()
    expect(await both('audit: { topic: acme.audit }')).toEqual({ topic: 'acme.audit' })
    expect(await both('audit: { none: "${WHY}" }')).toEqual({ none: 'a spare cluster' })
    const text =
      'audit: { topic: acme.audit }\nenvironments: { development: {}, load: { audit: { none: load tests } } }'
    expect(await both(text)).toEqual({ topic: 'acme.audit' })
    expect(await both(text, 'load')).toEqual({ none: 'load tests' })
  })

  it.each([
    ['audit: none', '1:8 audit', 'must be a map'],
    ['audit: { none: "" }', '1:16 audit.none', 'must be the reason'],
    ['audit: { none: true }', '1:16 audit.none', 'must be'],
    ['audit: {}', '1:8 audit', 'says nothing'],
    ['audit: { topic: a, none: b }', '1:8 audit', 'has topic and none'],
    ['audit: { topic: "a b" }', '1:17 audit.topic', 'is not a valid topic name'],
  ])('%s is a mistake', async (text, place, message) => {
    const file = fileOf(text)
    for (const load of [() => loadPlatform(file, { env: {} }), () => readAuditPlan(file, { env: {} })]) {
      const error = await load().catch((thrown: unknown) => thrown)
      const { problems } = error as { problems: { line: number; column: number; path: string; message: string }[] }
      expect(problems).toHaveLength(1)
      const [{ line, column, path, message: said } = problems[0]!] = problems
      expect(`${line}:${column} ${path}`).toBe(place)
      expect(said).toContain(message)
    }
  })

  it('is not taken for silence where the file cannot be parsed', async () => {
    await expect(readAuditPlan(fileOf('audit: { topic: a\n'), { env: {} })).rejects.toMatchObject({
      code: 'INVALID_PLATFORM',
    })
    expect(await readAuditPlan(fileOf(''), { env: {} })).toBeUndefined()
  })

  it('is read although something else in the file is wrong', async () => {
    const file = fileOf('audit: { topic: a }\ntopics: { b: { partitions: none } }')
    expect(await readAuditPlan(file, { env: {} })).toEqual({ topic: 'a' })
  })
})
