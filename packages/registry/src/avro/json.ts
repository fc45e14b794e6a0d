// JSON as Java Avro reads and prints it: numbers keep their text, objects their key order, comments are skipped.
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
  let at = 0

  function fail(problem: string): never {
    const before = text.slice(0, at)
    const line = before.split('\n').length
    throw new JsonSyntaxError(problem, line, at - before.lastIndexOf('\n'))
  }

  function found(): string {
    if (at >= text.length) return 'unexpected end of input'
    return `unexpected character '${String.fromCodePoint(text.codePointAt(at)!)}'`
  }

  function skipSpace(): void {
    for (;;) {
      const char = text.charCodeAt(at)
      if (char === 0x20 || char === 0x0a || char === 0x0d || char === 0x09) at++
      else if (char === 0x2f && !comments) fail('a comment, which JSON does not allow')
      else if (char === 0x2f && text[at + 1] === '/') {
        const end = text.indexOf('\n', at)
        at = end < 0 ? text.length : end + 1
      } else if (char === 0x2f && text[at + 1] === '*') {
        const end = text.indexOf('*/', at + 2)
        if (end < 0) fail('unclosed comment')
        at = end + 2
      } else return
    }
  }

  function expect(char: string, after: string): void {
    skipSpace()
    if (text[at] !== char) fail(`${found()}, expected '${char}' ${after}`)
    at++
  }

  function string(): string {
    at++
    let value = ''
    let from = at
    for (;;) {
      if (at >= text.length) fail('unclosed string')
      const char = text.charCodeAt(at)
      if (char === 0x22) {
        value += text.slice(from, at)
        at++
        return value
      }
      if (char < 0x20) fail('control character inside a string')
      if (char === 0x5c) {
        value += text.slice(from, at)
        value += escaped()
        from = at
      } else at++
    }
  }

  function escaped(): string {
    const char = text[at + 1] ?? ''
    if (char === 'u') {
      const hex = text.slice(at + 2, at + 6)
      if (!/^[0-9a-fA-F]{4}$/.test(hex)) fail('invalid \\u escape')
      at += 6
      return String.fromCharCode(Number.parseInt(hex, 16))
    }
    const plain = { '"': '"', '\\': '\\', '/': '/', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }[char]
    if (plain === undefined) fail('invalid escape')
    at += 2
    return plain as string
  }

  function number(): JsonNumber {
    const match = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y
    match.lastIndex = at
    const result = match.exec(text)
    if (!result) fail(found())
    const [token, fraction, exponent] = result as RegExpExecArray
    at += token.length
    if (fraction === undefined && exponent === undefined) return { kind: 'integer', digits: BigInt(token).toString() }
    return { kind: 'double', value: Number(token) }
  }

  function word(literal: string, value: boolean | null): boolean | null {
    if (!text.startsWith(literal, at)) fail(found())
    at += literal.length
    return value
  }

  function value(depth: number): JsonValue {
    if (depth > maxDepth) fail(`nested deeper than ${maxDepth} levels`)
    skipSpace()
    switch (text[at]) {
      case '{':
        return object(depth)
      case '[':
        return array(depth)
      case '"':
        return string()
      case 't':
        return word('true', true)
      case 'f':
        return word('false', false)
      case 'n':
        return word('null', null)
      default:
        return number()
    }
  }

  function object(depth: number): JsonObject {
    at++
    const entries = new Map<string, JsonValue>()
    skipSpace()
    if (text[at] === '}') {
      at++
      return entries
    }
    for (;;) {
      skipSpace()
      if (text[at] !== '"') fail(`${found()}, expected a field name in double quotes`)
      const key = string()
      expect(':', 'after a field name')
      entries.set(key, value(depth + 1))
      skipSpace()
      if (text[at] === '}') {
        at++
        return entries
      }
      expect(',', "or '}' after a field")
    }
  }

  function array(depth: number): readonly JsonValue[] {
    at++
    const items: JsonValue[] = []
    skipSpace()
    if (text[at] === ']') {
      at++
      return items
    }
    for (;;) {
      items.push(value(depth + 1))
      skipSpace()
      if (text[at] === ']') {
        at++
        return items
      }
      expect(',', "or ']' after an item")
    }
  }

  const result = value(1)
  skipSpace()
  if (at < text.length) fail(`${found()} after the end of the document`)
  return result
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
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what has to be escaped
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
