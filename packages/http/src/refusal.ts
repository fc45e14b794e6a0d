// A request that is answered by the guard, before any route sees it.
import { STATUS_CODES } from 'node:http'

export interface Refusal {
  readonly status: number
  /** The problem, and its remedy. */
  readonly message: string
  readonly headers?: Readonly<Record<string, string>>
}

/** The body of a refusal where a server has no form of its own for errors. */
export function refusalText({ status, message }: Refusal): { type: string; body: string } {
  return { type: 'text/plain; charset=utf-8', body: `${status} ${STATUS_CODES[status]}: ${message}\n` }
}
