// Decimal numbers of any size, exact: sums of money must not depend on the order of the records, and 0.1 + 0.2 is 0.3.
import type { Environment } from '@marcbachmann/cel-js'

/** `unscaled` times ten to the power of minus `scale`. It passes between threads as a plain object; `revive` makes it one again. */
export class Decimal {
  readonly unscaled: bigint
  readonly scale: number

  constructor(unscaled: bigint, scale: number) {
    this.unscaled = unscaled
    this.scale = scale
  }

  toString(): string {
    const digits = String(this.unscaled < 0n ? -this.unscaled : this.unscaled).padStart(this.scale + 1, '0')
    const sign = this.unscaled < 0n ? '-' : ''
    return this.scale === 0 ? `${sign}${digits}` : `${sign}${digits.slice(0, -this.scale)}.${digits.slice(-this.scale)}`
  }
}

const form = /^([+-]?)(\d*)(?:\.(\d*))?(?:e([+-]?\d{1,4}))?$/i
/** More than any currency needs, and little enough to compute with. */
const maxExponent = 400

/** `12.30`, `-4`, `1.5e3`; null for any other text. */
export function parseDecimal(text: string): Decimal | null {
  const found = form.exec(text.trim())
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = found ?? []
  const scale = fraction.length - Number(exponent)
  if (found === null || whole + fraction === '' || Math.abs(Number(exponent)) > maxExponent) return null
  const digits = BigInt(`${sign === '-' ? '-' : ''}${whole}${fraction}`)
  return scale < 0 ? new Decimal(digits * 10n ** BigInt(-scale), 0) : new Decimal(digits, scale)
}

const maxInt = 2n ** 63n - 1n
const minInt = -(2n ** 63n)

/** The number that JSON's text names: CEL's int where it is one, else a Decimal; null where it has too many digits. */
export function exactNumber(source: string): bigint | Decimal | null {
  if (!/^-?\d+$/.test(source)) return parseDecimal(source)
  const value = BigInt(source)
  return value >= minInt && value <= maxInt ? value : new Decimal(value, 0)
}

/**
 * JSON with every number exact.
 * @throws SyntaxError for what is not JSON, or has a number with an exponent beyond ±400
 */
export function parseExactJson(text: string): unknown {
  // The third argument is ECMAScript's JSON.parse source text access, which Node 24 has.
  const reviver = (_: string, value: unknown, context?: { readonly source?: string }): unknown => {
    if (typeof value !== 'number') return value
    const exact = exactNumber(context?.source ?? String(value))
    if (exact === null) throw new SyntaxError(`the number ${context?.source} is too large`)
    return exact
  }
  return JSON.parse(text, reviver)
}

/**
 * A value of JavaScript with every number exact: a double counts as the shortest decimal number that names it, as it would be printed.
 * NaN and infinities stay what they are.
 */
export function exactValue(value: unknown): unknown {
  if (typeof value === 'number') return Number.isFinite(value) ? (exactNumber(String(value)) ?? value) : value
  if (Array.isArray(value)) return value.map(exactValue)
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Uint8Array || value instanceof Date || value instanceof Decimal) return value
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, exactValue(one)]))
}

function isDecimal(value: object): value is Pick<Decimal, 'unscaled' | 'scale'> {
  const { unscaled, scale } = value as Partial<Decimal>
  // JSON's own numbers are bigints here, so an object of a record never has a scale of this kind.
  return typeof unscaled === 'bigint' && typeof scale === 'number' && Object.keys(value).length === 2
}

/** Decimals that came from another thread are Decimals again. */
export function revive(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(revive)
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Uint8Array || value instanceof Date || value instanceof Decimal) return value
  if (isDecimal(value)) return new Decimal(value.unscaled, value.scale)
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, revive(one)]))
}

type Number_ = Decimal | bigint | number

function toDecimal(value: Number_): Decimal {
  if (value instanceof Decimal) return value
  if (typeof value === 'bigint') return new Decimal(value, 0)
  const found = parseDecimal(String(value))
  if (found === null) throw new Error(`${value} is not a decimal number`)
  return found
}

/** Both with the same scale. */
function aligned(a: Number_, b: Number_): [bigint, bigint, number] {
  const [x, y] = [toDecimal(a), toDecimal(b)]
  const scale = Math.max(x.scale, y.scale)
  const scaled = (one: Decimal): bigint => one.unscaled * 10n ** BigInt(scale - one.scale)
  return [scaled(x), scaled(y), scale]
}

/** The exact sum. */
export function addDecimals(a: Number_, b: Number_): Decimal {
  const [x, y, scale] = aligned(a, b)
  return new Decimal(x + y, scale)
}

const arithmetic: Readonly<Record<string, (a: Number_, b: Number_) => Decimal>> = {
  '+': addDecimals,
  '-': (a, b) => {
    const [x, y, scale] = aligned(a, b)
    return new Decimal(x - y, scale)
  },
  '*': (a, b) => {
    const [x, y] = [toDecimal(a), toDecimal(b)]
    return new Decimal(x.unscaled * y.unscaled, x.scale + y.scale)
  },
}

const comparisons: Readonly<Record<string, (a: bigint, b: bigint) => boolean>> = {
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
}

/** Adds the type `decimal` to an environment: `+ - *`, comparisons also with int and double, `decimal("12.30")`, `string(…)`. */
export function registerDecimals(environment: Environment): void {
  environment.registerType('decimal', { ctor: Decimal, fields: {} })
  const pairs = [
    ['decimal', 'decimal'],
    ['decimal', 'int'],
    ['int', 'decimal'],
    ['decimal', 'double'],
    ['double', 'decimal'],
  ] as const
  for (const [left, right] of pairs) {
    for (const [operator, apply] of Object.entries(arithmetic))
      environment.registerOperator(`${left} ${operator} ${right}: decimal`, apply)
    for (const [operator, compare] of Object.entries(comparisons)) {
      environment.registerOperator(`${left} ${operator} ${right}: bool`, (a: Number_, b: Number_) => {
        const [x, y] = aligned(a, b)
        return compare(x, y)
      })
    }
  }
  // Equality holds in both directions once it is registered in one.
  for (const right of ['decimal', 'int', 'double']) {
    environment.registerOperator(`decimal == ${right}: bool`, (a: Number_, b: Number_) => {
      const [x, y] = aligned(a, b)
      return x === y
    })
  }
  environment.registerFunction('decimal(string): decimal', (text: string) => {
    const found = parseDecimal(text)
    if (found === null) throw new Error(`"${text}" is not a decimal number`)
    return found
  })
  for (const from of ['int', 'double', 'decimal'])
    environment.registerFunction(`decimal(${from}): decimal`, (value: Number_) => toDecimal(value))
  environment.registerFunction('string(decimal): string', (value: Decimal) => String(value))
}
