// Media types: which bodies a server takes, and in which of its types it answers.
import type { IncomingHttpHeaders } from 'node:http'
import Negotiator from 'negotiator'
import type { Refusal } from './refusal.ts'

/**
 * Demands one of `types` for a body. A body without a type is refused, too: a page of another origin can send one
 * without asking first, as it can send texts and forms.
 * https://fetch.spec.whatwg.org/#cors-safelisted-request-header
 */
export function bodyTypeRefusal(headers: IncomingHttpHeaders, types: readonly string[]): Refusal | undefined {
  if (!hasBody(headers)) return undefined
  const type = (headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase()
  if (types.includes(type)) return undefined
  const found =
    type === '' ? 'The request has no Content-Type' : `The Content-Type ${JSON.stringify(type)} is not supported`
  return { status: 415, message: `${found}; send ${types[0]}` }
}

/**
 * The type to answer in.
 * @param accept the `Accept` header; without one everything is welcome
 * @param types the server's own, the preferred one first
 * @returns undefined when the client accepts none of them: 406
 */
export function negotiate<Type extends string>(accept: string | undefined, types: readonly Type[]): Type | undefined {
  return new Negotiator({ headers: { accept: simplify(accept) } }).mediaType([...types]) as Type | undefined
}

/**
 * What clients mean: nothing is everything, `*` is any type, and of a type's parameters only its weight counts, as servers
 * in Java have it (`application/json; charset=utf-8`, Java's own `*; q=.2`).
 */
function simplify(accept: string | undefined): string | undefined {
  if (accept === undefined || accept.trim() === '') return undefined
  return accept
    .split(',')
    .map((range) => {
      const [type = '', ...parameters] = range.split(';').map((part) => part.trim())
      const weight = parameters.find((parameter) => /^q=[\d.]+$/i.test(parameter))
      return `${type === '*' ? '*/*' : type}${weight === undefined ? '' : `;${weight}`}`
    })
    .join(',')
}

function hasBody(headers: IncomingHttpHeaders): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}
