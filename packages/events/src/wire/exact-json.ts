// JSON whose numbers keep every digit. A number that JavaScript would print otherwise than it was written stays as it was written, as a
// raw JSON value (https://tc39.es/proposal-json-parse-with-source/), which `JSON.stringify` writes as it is.

/** The text of a number. Made by `parseExact` alone. */
export interface RawNumber {
  readonly rawJSON: string
}

const { rawJSON, isRawJSON, parse } = JSON as unknown as {
  rawJSON(text: string): RawNumber
  isRawJSON(value: unknown): value is RawNumber
  parse(text: string, reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown): unknown
}

/** Numbers that may not come back as they are written: sixteen digits, a zero at the end of a fraction, an exponent, minus zero. */
const mayDiffer = /\d[\d.]{15}|\.\d*0(?!\d)|\d[eE]|-0/

/** @throws SyntaxError as JSON.parse */
export function parseExact(text: string): unknown {
  if (!mayDiffer.test(text)) return JSON.parse(text)
  return parse(text, (_, value, { source }) =>
    typeof value === 'number' && source !== undefined && source !== JSON.stringify(value) ? rawJSON(source) : value,
  )
}

export const isRawNumber = (value: unknown): value is RawNumber => isRawJSON(value)

/** Whether a value is or holds a number that `parseExact` kept as it was written. */
export function holdsRawNumber(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return false
  return isRawNumber(value) || Object.values(value).some(holdsRawNumber)
}

/** The same with numbers, which may have lost digits: for a check, or a condition. */
export const withNumbers = (value: unknown): unknown => replaced(value, ({ rawJSON: text }) => Number(text))

/** The same with a bigint for each whole number that a number does not hold: as Avro's longs are given. */
export const withBigInts = (value: unknown): unknown => replaced(value, wholeOrNumber)

/** A bigint for a whole number beyond 2^53, else a number. */
export function wholeOrNumber({ rawJSON: text }: RawNumber): bigint | number {
  return /^-?\d+$/.test(text) && !Number.isSafeInteger(Number(text)) ? BigInt(text) : Number(text)
}

function replaced(value: unknown, by: (raw: RawNumber) => unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (isRawNumber(value)) return by(value)
  if (!holdsRawNumber(value)) return value
  if (Array.isArray(value)) return value.map((item) => replaced(item, by))
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, replaced(inner, by)]))
}
