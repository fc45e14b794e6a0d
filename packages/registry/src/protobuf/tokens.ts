// The tokens of a .proto file, with their places.
import { type Position, ProtobufError } from './model.ts'

export type TokenKind = 'name' | 'integer' | 'float' | 'string' | 'symbol' | 'end'

export interface Token {
  readonly kind: TokenKind
  /** As it is written. */
  readonly text: string
  readonly at: Position
}

/** More than a text of 1 MiB has, the limit of a record by Kafka's default; each takes some 140 bytes of memory. */
const maxTokens = 500_000

const white = /[ \t\r\n\f\v]/

/** @throws {ProtobufError} a character, a number or a string that there cannot be */
export function tokenize(text: string): readonly Token[] {
  const tokens: Token[] = []
  let index = text.startsWith('\ufeff') ? 1 : 0
  let line = 1
  let column = 1

  const step = (count: number): void => {
    for (const end = index + count; index < end; index++) {
      const character = text[index]
      if (character === '\n') {
        line++
        column = 1
      } else if (character === '\t') {
        column += 8 - ((column - 1) % 8)
      } else {
        column++
      }
    }
  }
  const here = (): Position => ({ line, column })

  while (index < text.length) {
    const character = text[index]!
    if (white.test(character)) {
      step(1)
    } else if (text.startsWith('//', index)) {
      const end = text.indexOf('\n', index)
      step((end < 0 ? text.length : end) - index)
    } else if (text.startsWith('/*', index)) {
      const end = text.indexOf('*/', index + 2)
      if (end < 0) throw new ProtobufError('End-of-file inside block comment.', here())
      step(end + 2 - index)
    } else {
      const at = here()
      if (tokens.length === maxTokens) {
        const problem = `The text has more than ${maxTokens} tokens. Split it into schemas that import each other.`
        throw new ProtobufError(problem, at)
      }
      const [kind, length] = measure(text, index, at)
      tokens.push({ kind, text: text.slice(index, index + length), at })
      step(length)
    }
  }
  tokens.push({ kind: 'end', text: '', at: here() })
  return tokens
}

const namePattern = /[A-Za-z_][A-Za-z0-9_]*/y
const numberPattern = /0[xX][0-9a-fA-F]*|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d*)?/y

function measure(text: string, index: number, at: Position): [TokenKind, number] {
  const name = matchAt(namePattern, text, index)
  if (name !== undefined) return ['name', name.length]
  const number = matchAt(numberPattern, text, index)
  if (number !== undefined) {
    const problem = numberProblem(number, text[index + number.length])
    if (problem !== undefined) throw new ProtobufError(problem, at)
    return [/^\d+$|^0[xX]/.test(number) ? 'integer' : 'float', number.length]
  }
  const character = text[index]!
  if (character === '"' || character === "'") {
    const literal = literalAt(text, index)
    if (literal === undefined) throw new ProtobufError('Unexpected end of string.', at)
    const wrong = /\\(?![abfnrtv\\?'"0-7xXuU])/.exec(literal.replaceAll('\\\\', '__'))
    if (wrong) throw new ProtobufError('Invalid escape sequence in string literal.', at)
    return ['string', literal.length]
  }
  const code = character.charCodeAt(0)
  if (code < 32 || code === 127) throw new ProtobufError('Invalid control characters encountered in text.', at)
  if (code > 127) throw new ProtobufError(`Interpreting non ascii codepoint ${text.codePointAt(index)}.`, at)
  return ['symbol', 1]
}

/** A loop, because a pattern for megabytes of characters overflows the stack. */
function literalAt(text: string, start: number): string | undefined {
  const quote = text[start]
  for (let index = start + 1; index < text.length; index++) {
    const character = text[index]
    if (character === quote) return text.slice(start, index + 1)
    if (character === '\n' || (character === '\\' && text[++index] === '\n')) return undefined
  }
  return undefined
}

function numberProblem(number: string, next: string | undefined): string | undefined {
  if (/^0[xX]$/.test(number)) return '"0x" must be followed by hex digits.'
  if (/^0\d/.test(number) && /^\d+$/.test(number) && /[89]/.test(number)) {
    return 'Numbers starting with leading zero must be in octal.'
  }
  if (/[eE][+-]?$/.test(number) && !/^0[xX]/.test(number)) return '"e" must be followed by exponent.'
  if (next === undefined) return undefined
  if (/[A-Za-z_]/.test(next)) return 'Need space between number and identifier.'
  if (next === '.') return "Already saw decimal point or exponent; can't have another one."
  return undefined
}

function matchAt(pattern: RegExp, text: string, index: number): string | undefined {
  pattern.lastIndex = index
  return pattern.exec(text)?.[0]
}

const simpleEscapes: Readonly<Record<string, number>> = {
  a: 7,
  b: 8,
  f: 12,
  n: 10,
  r: 13,
  t: 9,
  v: 11,
}

/** The bytes that a string token means, without its quotes. */
export function bytesOfLiteral(literal: string): Buffer {
  const parts: Buffer[] = []
  const pattern = /\\(?:([0-7]{1,3})|[xX]([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))|[^\\]+/gsu
  for (const [whole, octal, hex, short, long, simple] of literal.slice(1, -1).matchAll(pattern)) {
    if (octal !== undefined) parts.push(Buffer.from([Number.parseInt(octal, 8) & 0xff]))
    else if (hex !== undefined) parts.push(Buffer.from([Number.parseInt(hex, 16)]))
    else if (short !== undefined || long !== undefined) parts.push(codePoint(Number.parseInt((short ?? long)!, 16)))
    else if (simple !== undefined)
      parts.push(Buffer.from(simpleEscapes[simple] === undefined ? simple : [simpleEscapes[simple]]))
    else parts.push(Buffer.from(whole, 'utf8'))
  }
  return Buffer.concat(parts)
}

function codePoint(value: number): Buffer {
  return Buffer.from(String.fromCodePoint(value <= 0x10ffff ? value : 0xfffd), 'utf8')
}
