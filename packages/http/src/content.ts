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
  return new Negotiator({ headers: { accept } }).mediaType([...types]) as Type | undefined
}

function hasBody(headers: IncomingHttpHeaders): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}
