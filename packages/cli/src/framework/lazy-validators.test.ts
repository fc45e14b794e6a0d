import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'

/** Loads the client in a process of its own, as the command does or as anybody does, and then runs `script`. */
function inProcess(how: 'later' | 'at once', script: string): unknown {
  const preparation = `
    import { Ajv2020 } from 'ajv/dist/2020.js'
    import { compileKafkaValidatorsLater } from ${JSON.stringify(import.meta.resolve('./lazy-validators.ts'))}
    const { compile } = Ajv2020.prototype
    let compiled = 0
    Ajv2020.prototype.compile = function (...args) {
      compiled += 1
      return compile.apply(this, args)
    }
    if (${how === 'later'}) compileKafkaValidatorsLater()
    const { Producer } = await import('@platformatic/kafka')
  `
  const args = ['--input-type=module', '--eval', `${preparation}\n${script}`]
  return JSON.parse(execFileSync(process.execPath, args, { cwd: import.meta.dirname, encoding: 'utf8' }))
}

describe('validators of @platformatic/kafka', () => {
  it('are compiled when the client is loaded, and with us not even then', () => {
    const count = 'console.log(compiled)'
    expect(inProcess('at once', count)).toBeGreaterThan(30)
    expect(inProcess('later', count)).toBe(0)
  })

  it('say the same of wrong options, whenever they were compiled', () => {
    const fail = `
      const options = { clientId: 'c', bootstrapBrokers: ['a:1'], strict: true }
      new Producer(options)
      try {
        new Producer({ ...options, idempotent: 1, repeatOnStaleMetadata: 'no' })
      } catch (error) {
        console.log(JSON.stringify(error.message))
      }`
    const message = inProcess('at once', fail)
    expect(message).toContain('idempotent must be boolean')
    expect(inProcess('later', fail)).toBe(message)
  })
})
