// JSON as Jackson reads and prints it, for Java Avro and Confluent's registry: numbers keep their text, objects their key order.
// `JSON.parse` would lose what the canonical text of a schema depends on: `1` against `1.0`, 64-bit integers, and the
// place of keys that look like integers.

/** A number as written: an integer keeps its digits, everything else is a double (as Jackson's tree model has it). */
export type JsonNumber =
  | { readonly kind: 'integer'; readonly digits: string }
  | { readonly kind: 'double'; readonly value: number }

export type JsonObject = ReadonlyMap<string, JsonValue>
export type JsonValue = null | boolean | string | JsonNumber | readonly JsonValue[] | JsonObject

/** The text is not JSON; the message says what was found, where. */
export class JsonSyntaxError extends Error {
  readonly code = 'JSON_SYNTAX'
  /** The message without the place. */
  readonly problem: string
  /** From 1. */
  readonly line: number
  /** From 1. */
  readonly column: number

  constructor(problem: string, line: number, column: number) {
    super(`${problem} at line ${line}, column ${column}`)
    this.problem = problem
    this.line = line
    this.column = column
  }
}

/** Nesting beyond which a text is refused instead of exhausting the stack (Jackson's own limit). */
const maxDepth = 1000

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return value instanceof Map
}

export function isArray(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value)
}

export function isNumber(value: JsonValue | undefined): value is JsonNumber {
  return typeof value === 'object' && value !== null && 'kind' in value
}

export function integer(value: number | bigint): JsonNumber {
  return { kind: 'integer', digits: value.toString() }
}

/** Where and why a text is not JSON (RFC 8259, without comments); null when it is. */
export function jsonProblem(text: string): JsonSyntaxError | null {
  try {
    parseJson(text, { comments: false })
    return null
  } catch (error) {
    if (error instanceof JsonSyntaxError) return error
    throw error
  }
}

/**
 * Reads one JSON document. Line (`//`) and block comments are allowed unless `comments` is false, as Avro's own parser allows
 * them; a repeated key keeps its first place and its last value.
 * @throws {JsonSyntaxError}
 */
export function parseJson(text: string, { comments = true }: { comments?: boolean } = {}): JsonValue {
  return new JsonReader(text, comments).read()
}

/** Reads one document; its state is how far it has read. */
class JsonReader {
  private readonly text: string
  private readonly comments: boolean
  private at = 0

  constructor(text: string, comments: boolean) {
    this.text = text
    this.comments = comments
  }

  read(): JsonValue {
    const result = this.value(1)
    this.skipSpace()
    if (this.at < this.text.length) this.fail(`${this.found()} after the end of the document`)
    return result
  }

  private fail(problem: string): never {
    const before = this.text.slice(0, this.at)
    const line = before.split('\n').length
    throw new JsonSyntaxError(problem, line, this.at - before.lastIndexOf('\n'))
  }

  private found(): string {
    if (this.at >= this.text.length) return 'unexpected end of input'
    return `unexpected character '${String.fromCodePoint(this.text.codePointAt(this.at)!)}'`
  }

  private skipSpace(): void {
    for (;;) {
      const char = this.text.charCodeAt(this.at)
      if (char === 0x20 || char === 0x0a || char === 0x0d || char === 0x09) this.at++
      else if (char === 0x2f && !this.comments) this.fail('a comment, which JSON does not allow')
      else if (char === 0x2f && this.text[this.at + 1] === '/') {
        const end = this.text.indexOf('\n', this.at)
        this.at = end < 0 ? this.text.length : end + 1
      } else if (char === 0x2f && this.text[this.at + 1] === '*') {
        const end = this.text.indexOf('*/', this.at + 2)
        if (end < 0) this.fail('unclosed comment')
        this.at = end + 2
      } else return
    }
  }

  private expect(char: string, after: string): void {
    this.skipSpace()
    if (this.text[this.at] !== char) this.fail(`${this.found()}, expected '${char}' ${after}`)
    this.at++
  }

  private string(): string {
    this.at++
    let value = ''
    let from = this.at
    for (;;) {
      if (this.at >= this.text.length) this.fail('unclosed string')
      const char = this.text.charCodeAt(this.at)
      if (char === 0x22) {
        value += this.text.slice(from, this.at)
        this.at++
        return value
      }
      if (char < 0x20) this.fail('control character inside a string')
      if (char === 0x5c) {
        value += this.text.slice(from, this.at)
        value += this.escaped()
        from = this.at
      } else this.at++
    }
  }

  private escaped(): string {
    const char = this.text[this.at + 1] ?? ''
    if (char === 'u') {
      const hex = this.text.slice(this.at + 2, this.at + 6)
      if (!/^[0-9a-fA-F]{4}$/.test(hex)) this.fail('invalid \\u escape')
      this.at += 6
      return String.fromCharCode(Number.parseInt(hex, 16))
    }
    const plain = { '"': '"', '\\': '\\', '/': '/', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }[char]
    if (plain === undefined) this.fail('invalid escape')
    this.at += 2
    return plain as string
  }

  private number(): JsonNumber {
    const match = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y
    match.lastIndex = this.at
    const result = match.exec(this.text)
    if (!result) this.fail(this.found())
    const [token, fraction, exponent] = result as RegExpExecArray
    this.at += token.length
    if (fraction === undefined && exponent === undefined) return { kind: 'integer', digits: BigInt(token).toString() }
    const value = Number(token)
    if (!Number.isFinite(value)) this.fail(`${token.slice(0, 40)} is beyond the range of a double (1.8e308)`)
    return { kind: 'double', value }
  }

  private word(literal: string, value: boolean | null): boolean | null {
    if (!this.text.startsWith(literal, this.at)) this.fail(this.found())
    this.at += literal.length
    return value
  }

  private value(depth: number): JsonValue {
    if (depth > maxDepth) this.fail(`nested deeper than ${maxDepth} levels`)
    this.skipSpace()
    switch (this.text[this.at]) {
      case '{':
        return this.object(depth)
      case '[':
        return this.array(depth)
      case '"':
        return this.string()
      case 't':
        return this.word('true', true)
      case 'f':
        return this.word('false', false)
      case 'n':
        return this.word('null', null)
      default:
        return this.number()
    }
  }

  private object(depth: number): JsonObject {
    this.at++
    const entries = new Map<string, JsonValue>()
    this.skipSpace()
    if (this.text[this.at] === '}') {
      this.at++
      return entries
    }
    for (;;) {
      this.skipSpace()
      if (this.text[this.at] !== '"') this.fail(`${this.found()}, expected a field name in double quotes`)
      const key = this.string()
      this.expect(':', 'after a field name')
      entries.set(key, this.value(depth + 1))
      this.skipSpace()
      if (this.text[this.at] === '}') {
        this.at++
        return entries
      }
      this.expect(',', "or '}' after a field")
    }
  }

  private array(depth: number): readonly JsonValue[] {
    this.at++
    const items: JsonValue[] = []
    this.skipSpace()
    if (this.text[this.at] === ']') {
      this.at++
      return items
    }
    for (;;) {
      items.push(this.value(depth + 1))
      this.skipSpace()
      if (this.text[this.at] === ']') {
        this.at++
        return items
      }
      this.expect(',', "or ']' after an item")
    }
  }
}

const shortEscapes: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
}

/** A JSON string as Jackson writes it: everything raw but quotes, backslashes and control characters (hex in capitals). */
export function quote(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these characters must be escaped
  const escaped = text.replace(/["\\\u0000-\u001f]/g, (char) => {
    const hex = char.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')
    return shortEscapes[char] ?? `\\u${hex}`
  })
  return `"${escaped}"`
}

/**
 * A double as Java's `Double.toString` writes it: plain between 10^-3 and 10^7, always with a fraction, `1.0E10` beyond.
 * Values that JSON has no number for are strings, as Jackson writes them.
 */
export function formatDouble(value: number): string {
  if (!Number.isFinite(value)) return `"${value}"`
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0'
  const [mantissa, exponentText] = Math.abs(value).toExponential().split('e') as [string, string]
  const digits = mantissa.replace('.', '')
  const exponent = Number(exponentText)
  const sign = value < 0 ? '-' : ''
  if (exponent < -3 || exponent >= 7) return `${sign}${digits[0]}.${digits.slice(1) || '0'}E${exponent}`
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0')
  return `${sign}${whole}.${digits.slice(exponent + 1) || '0'}`
}

/** The value without spaces, keys in the order they have. */
export function writeJson(value: JsonValue): string {
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value === 'string') return quote(value)
  if (isNumber(value)) return value.kind === 'integer' ? value.digits : formatDouble(value.value)
  if (isArray(value)) return `[${value.map(writeJson).join(',')}]`
  return `{${[...(value as JsonObject)].map(([key, item]) => `${quote(key)}:${writeJson(item)}`).join(',')}}`
}
