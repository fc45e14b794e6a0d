// Reads tokens one after the other, and says what was expected where another one is.
import { type Position, ProtobufError } from './model.ts'
import { bytesOfLiteral, type Token, tokenize } from './tokens.ts'

export class TokenReader {
  readonly #tokens: readonly Token[]
  #index = 0

  constructor(text: string) {
    this.#tokens = tokenize(text)
  }

  get token(): Token {
    return this.#tokens[this.#index]!
  }

  get at(): Position {
    return this.token.at
  }

  /** The token `count` places after this one. */
  ahead(count: number): Token {
    return this.#tokens[Math.min(this.#index + count, this.#tokens.length - 1)]!
  }

  next(): Token {
    const { token } = this
    if (token.kind !== 'end') this.#index++
    return token
  }

  is(text: string): boolean {
    return this.token.text === text && this.token.kind !== 'string'
  }

  /** Takes the token if it is this one. */
  take(text: string): boolean {
    if (!this.is(text)) return false
    this.next()
    return true
  }

  fail(problem: string, at: Position = this.at): never {
    throw new ProtobufError(problem, at)
  }

  expect(text: string): Token {
    if (!this.is(text)) this.fail(`Expected "${text}".`)
    return this.next()
  }

  name(problem = 'Expected identifier.'): string {
    if (this.token.kind !== 'name') this.fail(problem)
    return this.next().text
  }

  /** `a.b.c`, with a leading dot where one is allowed. */
  dottedName(leadingDot: boolean, problem = 'Expected identifier.'): string {
    let text = leadingDot && this.take('.') ? '.' : ''
    text += this.name(problem)
    while (this.take('.')) text += `.${this.name()}`
    return text
  }

  /** One string, or several beside each other, which are one. */
  string(problem = 'Expected string.'): Buffer {
    if (this.token.kind !== 'string') this.fail(problem)
    const parts: Buffer[] = []
    while (this.token.kind === 'string') parts.push(bytesOfLiteral(this.next().text))
    return Buffer.concat(parts)
  }

  /** @param max the greatest value */
  integer(max: bigint, problem = 'Expected integer.'): number {
    if (this.token.kind !== 'integer') this.fail(problem)
    const { at } = this
    const value = integerOf(this.next().text)
    if (value > max) this.fail('Integer out of range.', at)
    return Number(value)
  }
}

/** The value of an integer token: decimal, hexadecimal or octal. */
export function integerOf(text: string): bigint {
  // Beyond every range, however long it is.
  if (text.length > 100) return 1n << 100n
  return BigInt(/^0[0-7]+$/.test(text) ? `0o${text.slice(1)}` : text)
}
