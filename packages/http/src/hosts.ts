// Which `Host` a server answers to.
//
// A page of the web can make a name that it owns point at 127.0.0.1 or at a machine of the local network (DNS
// rebinding). The browser then takes the server for the page's own, and lets the page read and write there. The `Host`
// header still has the page's name: a server that answers only to names that no outsider can own is safe from it.
import { BlockList, isIP } from 'node:net'

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

/** By these names containers reach the machine that runs them; `.internal` is reserved and never exists in public DNS. */
const containerHosts = new Set(['host.docker.internal', 'host.containers.internal'])

/** An entry of the allowed hosts that is not a host name. */
export class HostPatternError extends Error {
  readonly code = 'HOST_PATTERN'
  readonly pattern: string

  constructor(pattern: string) {
    super(
      `"${pattern}" is not a host name: write a name or an address without a scheme and a port (schema-registry.kafka.svc), a domain with a leading dot (.example.com), or * for any`,
    )
    this.pattern = pattern
  }
}

/** Whether the server answers to a name from a `Host` header, in lower case and without its port. */
export type HostPolicy = (name: string) => boolean

/** True when only this machine can reach a server that listens on `host`, a name or an address. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[(.*)\]$/, '$1')
  const version = isIP(name)
  if (version !== 0) return loopback.check(name, version === 4 ? 'ipv4' : 'ipv6')
  return name === 'localhost' || name.endsWith('.localhost')
}

/**
 * A server that listens on loopback answers to `localhost`, to loopback addresses and to the name that a container has for
 * this machine. One that others can reach answers also to every address (a name is what gets rebound) and to names
 * without a dot, which no public DNS serves: those of a Compose service, of a Kubernetes Service in the same namespace,
 * of a machine.
 * @param listensOn the name or address that the server listens on
 * @param allowed further names; `.example.com` is every name below it, `*` is any name
 * @throws {HostPatternError}
 */
export function hostPolicy(listensOn: string, allowed: readonly string[] = []): HostPolicy {
  const patterns = allowed.map(normalizePattern)
  if (patterns.includes('*')) return () => true
  const isLocal = (name: string) => isLoopback(name) || containerHosts.has(name)
  const own = isLoopback(listensOn)
    ? isLocal
    : (name: string) => isLocal(name) || isIP(bare(name)) !== 0 || !name.includes('.')
  return (name) =>
    own(name) || patterns.some((pattern) => (pattern.startsWith('.') ? name.endsWith(pattern) : bare(name) === pattern))
}

/**
 * The name in a `Host` header, without its port, as URLs are normalised; undefined when it is not a host.
 * https://www.rfc-editor.org/rfc/rfc9110#section-7.2
 */
export function hostName(header: string): string | undefined {
  if (!/^[^\s/\\?#@]+$/.test(header) || !URL.canParse(`http://${header}`)) return undefined
  return new URL(`http://${header}`).hostname.replace(/\.$/, '')
}

function normalizePattern(pattern: string): string {
  const text = pattern.trim().toLowerCase()
  if (text === '*' || isIP(bare(text)) !== 0) return bare(text)
  if (!/^\.?[a-z0-9_-]+(\.[a-z0-9_-]+)*$/.test(text)) throw new HostPatternError(pattern)
  return text
}

/** An IPv6 address without its brackets. */
function bare(name: string): string {
  return name.replace(/^\[(.*)\]$/, '$1')
}
