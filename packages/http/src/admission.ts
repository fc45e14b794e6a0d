// Decides from a request's head alone, before its body is read, whether the caller is allowed. Pure.
import type { IncomingHttpHeaders } from 'node:http'
import { type HostPolicy, hostName } from './hosts.ts'
import type { Refusal } from './refusal.ts'

export interface RequestHead {
  readonly method: string
  /** As sent; a whole URL where a client takes the server for a proxy. */
  readonly url: string
  readonly headers: IncomingHttpHeaders
}

/** Methods that change nothing. */
const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE'])

/**
 * Refuses names that the server does not answer to (see hosts.ts), and whatever a page of another origin sends.
 *
 * Browsers name the page's origin in `Origin` on every request that may change something and on every one whose answer
 * the page would read, and where the request comes from in `Sec-Fetch-Site`. Programs send neither.
 * https://fetch.spec.whatwg.org/#origin-header, https://www.w3.org/TR/fetch-metadata/
 * @param setting where further names are allowed, for the message: `the option allowedHosts`
 */
export function admissionRefusal(head: RequestHead, answersTo: HostPolicy, setting: string): Refusal | undefined {
  const { headers, url } = head
  const authorities = [headers.host, authorityOf(url)].filter((authority) => authority !== undefined)
  for (const authority of authorities) {
    const name = hostName(authority)
    if (name === undefined) return { status: 400, message: `The Host header is not a host: ${quoted(authority)}` }
    if (!answersTo(name)) {
      const message = `This server does not answer to the host name ${quoted(name)}; if the name is right, allow it with ${setting}`
      return { status: 403, message }
    }
  }
  const origin = headers.origin
  if (origin !== undefined && !isOwnOrigin(origin, authorities)) {
    return { status: 403, message: `A page of ${quoted(origin)} may not call this server` }
  }
  const site = headers['sec-fetch-site']
  if (!safeMethods.has(head.method) && (site === 'cross-site' || site === 'same-site')) {
    return { status: 403, message: 'A page of another origin may not call this server' }
  }
  return undefined
}

/** The host and port of a whole URL; a path has none. */
function authorityOf(url: string): string | undefined {
  return /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(url)?.[1]
}

/** The scheme is left aside: behind a proxy that ends TLS the page has https, and the server does not know. */
function isOwnOrigin(origin: string, authorities: readonly string[]): boolean {
  const [, scheme, authority] = /^(https?):\/\/([^/?#@]+)$/i.exec(origin) ?? []
  if (scheme === undefined || authority === undefined) return false
  const own = hostAndPort(scheme, authority)
  return own !== undefined && authorities.some((candidate) => hostAndPort(scheme, candidate) === own)
}

function hostAndPort(scheme: string, authority: string): string | undefined {
  const text = `${scheme}://${authority}`
  return URL.canParse(text) ? new URL(text).host : undefined
}

/** A text from a client, shortened and escaped for a message. */
function quoted(text: string): string {
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text)
}
