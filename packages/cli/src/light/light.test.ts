// What the command loads in place of the whole of its dependencies does the same.
import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'

/** Loads modules in a process of its own, as the command does or as anybody does, and then runs `script`. */
function inProcess(how: 'less' | 'all', script: string): unknown {
  const preparation = `
    import { registerHooks } from 'node:module'
    import { loadLightModules } from ${JSON.stringify(import.meta.resolve('./index.ts'))}
    const loaded = []
    registerHooks({ load: (url, context, next) => { loaded.push(url); return next(url, context) } })
    const count = (part) => loaded.filter((url) => url.startsWith('file:') && url.includes(part)).length
    const print = (value) => console.log(JSON.stringify(value))
    if (${how === 'less'}) loadLightModules()
    const kafka = await import('@platformatic/kafka')
  `
  const args = ['--conditions=source', '--input-type=module', '--eval', `${preparation}\n${script}`]
  return JSON.parse(execFileSync(process.execPath, args, { cwd: import.meta.dirname, encoding: 'utf8' }))
}

describe('@platformatic/kafka, as the command loads it', () => {
  it('is a third of its modules, and none of what only its registry client and its validators need', () => {
    const counts = `print(['/@platformatic/kafka/', '/node_modules/ajv', '/avsc/', '/node_modules/mnemonist/', '/@node-rs/'].map(count))`
    const [all, ajv, avsc, mnemonist, native] = inProcess('all', counts) as number[]
    expect([all! > 300, ajv! > 50, avsc! > 3, mnemonist! > 30, native! > 0]).toEqual([true, true, true, true, true])
    const less = inProcess('less', counts) as number[]
    expect(less[0]).toBeLessThan(all! / 3)
    expect(less[3]).toBeLessThan(5)
    expect([less[1], less[2], less[4]]).toEqual([0, 0, 0])
  })

  it('has every version of every API under the same name, loaded when it is asked for', () => {
    const names = `print(Object.keys(kafka).filter((name) => /V\\d+$/.test(name)).sort())`
    const less = new Set(inProcess('less', names) as string[])
    const all = inProcess('all', names) as string[]
    expect(all.length).toBeGreaterThan(250)
    // Exported out of a file of another name; nothing here uses it.
    expect(all.filter((name) => !less.has(name))).toEqual(['listClientMetricsResourcesV1'])
    const one = `
      const before = count('create-topics-v7.js')
      const { api, createRequest } = kafka.createTopicsV7
      print([before, count('create-topics-v7.js'), typeof api, createRequest.name, 'api' in kafka.createTopicsV7])`
    expect(inProcess('less', one)).toEqual([0, 1, 'function', 'createRequest', true])
  })

  it('computes the same checksums and partitions', () => {
    const sums = `print([kafka.crc32c(Buffer.from('123456789')), kafka.murmur2(Buffer.from('key'))])`
    expect(inProcess('less', sums)).toEqual(inProcess('all', sums))
    expect((inProcess('less', sums) as number[])[0]).toBe(0xe3069283)
  })

  it('says the same of wrong options, whose validators are compiled when they are first called', () => {
    const fail = `
      const options = { clientId: 'c', bootstrapBrokers: ['a:1'], strict: true }
      new kafka.Producer(options)
      try {
        new kafka.Producer({ ...options, idempotent: 1, repeatOnStaleMetadata: 'no' })
      } catch (error) {
        print(error.message)
      }`
    const message = inProcess('all', fail)
    expect(message).toContain('idempotent must be boolean')
    expect(inProcess('less', fail)).toBe(message)
  })
})

describe('zod, as the command loads it', () => {
  it('loads only the language that is used', () => {
    const parse = `
      const { z } = await import('zod')
      print([count('/zod/v4/locales/'), z.string().safeParse(1).error.issues[0].message])`
    const [all, message] = inProcess('all', parse) as [number, string]
    expect(all).toBeGreaterThan(30)
    expect(inProcess('less', parse)).toEqual([expect.toSatisfy((n: number) => n < 4), message])
  })
})
