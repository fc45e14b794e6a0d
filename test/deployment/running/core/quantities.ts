// Quantities of Kubernetes as numbers: memory in bytes, processors in thousandths.
import { UnsupportedError } from './strict.ts'

const factors: Readonly<Record<string, number>> = {
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
}

/** Bytes of `512Mi`, `1.5Gi`, `1000000`. */
export function bytes(quantity: string | number): number {
  const match = /^(\d+(?:\.\d+)?)([A-Za-z]*)$/.exec(String(quantity))
  const factor = factors[match?.[2] ?? '?']
  if (!match || factor === undefined) throw new UnsupportedError(`quantity ${quantity}`)
  return Math.round(Number(match[1]) * factor)
}

/** Thousandths of a processor: 500 for `500m` and for `0.5`. */
export function millicpus(quantity: string | number): number {
  const match = /^(\d+(?:\.\d+)?)(m?)$/.exec(String(quantity))
  if (!match) throw new UnsupportedError(`quantity ${quantity}`)
  return Math.round(Number(match[1]) * (match[2] ? 1 : 1000))
}
