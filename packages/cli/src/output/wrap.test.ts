import { describe, expect, it } from 'vitest'
import { wrapFor } from './wrap.ts'

describe('a text for a terminal', () => {
  const terminal = { isTTY: true, columns: 40 }

  it('is broken between words, further lines below the first one’s text', () => {
    const text = 'Cannot connect to broker 127.0.0.1:9092, which refuses the connection'
    expect(`error ${wrapFor(terminal, text, 6)}`).toBe(
      'error Cannot connect to broker\n      127.0.0.1:9092, which refuses the\n      connection',
    )
  })

  it('keeps lines, their indentation, and words that are too long', () => {
    const path = '/a/path/that/is/far/longer/than/one/line/of/the/terminal'
    expect(wrapFor(terminal, `first\n  --port-offset 100  embedded, Kafka 127.0.0.1:9192\n${path}`, 0)).toBe(
      `first\n  --port-offset 100  embedded, Kafka\n  127.0.0.1:9192\n${path}`,
    )
  })

  it('stays whole where it goes to a file or a pipe', () => {
    const text = 'word '.repeat(30)
    expect(wrapFor({ isTTY: false, columns: 40 }, text, 6)).toBe(text)
  })
})
