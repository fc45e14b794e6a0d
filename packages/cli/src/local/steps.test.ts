import { describe, expect, it } from 'vitest'
import { coloursFor } from '../output/colour.ts'
import { createSteps } from './steps.ts'

describe('the steps of a start', () => {
  it('are not written after Ctrl-C, whether they succeed or fail', async () => {
    let written = ''
    const write = (text: string): void => {
      written += text
    }
    const output = { write, isTTY: false, columns: 80, rows: 24 }
    const interrupt = new AbortController()
    const steps = createSteps(output, coloursFor(output, {}, false), interrupt.signal, () => 0)
    await steps.run(
      'broker',
      async () => 'a',
      (text) => text,
    )
    expect(written).toMatch(/^ {2}✔ broker +a +0 ms\n$/)
    const before = written
    const work = async (): Promise<string> => {
      interrupt.abort()
      return 'b'
    }
    await steps.run('registry', work, (text) => text)
    await expect(steps.run('platform', () => Promise.reject(new Error('gone')), String)).rejects.toThrow('gone')
    expect(written).toBe(before)
  })
})
