// Converts this package's options to the client library's TLS and SASL options: for the cluster's own connections, and for other
// clients of the library that connect to the same cluster.
import { isIP } from 'node:net'
import type { ConnectionOptions as TlsOptions } from 'node:tls'
import { invalid } from './errors.ts'
import type { ClusterOptions } from './types.ts'

/** The options of `@platformatic/kafka`, declared here, so that our declarations do not depend on its. */
export interface ClientSecurity {
  readonly sasl?: NonNullable<ClusterOptions['sasl']>
  readonly tls?: TlsOptions
  readonly tlsServerName?: string | boolean
}

/**
 * The part of @platformatic/kafka's options that secures a connection; nothing of it for a plain one.
 *
 * @throws ClusterError INVALID_ARGUMENT for a name that the library would send wrongly
 */
export function clientSecurity({
  bootstrapServers,
  sasl,
  tls = false,
}: Pick<ClusterOptions, 'bootstrapServers' | 'sasl' | 'tls'>): ClientSecurity {
  requireSendableName(sasl)
  const { verifyHostname = true, servername, ...pems } = typeof tls === 'object' ? tls : {}
  return {
    ...(sasl === undefined ? {} : { sasl: { ...sasl } }),
    ...(tls === false
      ? {}
      : {
          tls: { ...pems, ...(verifyHostname ? {} : { checkServerIdentity: () => undefined }) },
          // SNI, which brokers behind one address need. An IP address has none (RFC 6066).
          tlsServerName: servername ?? bootstrapServers.split(',').every((address) => isIP(hostOf(address)) === 0),
        }),
  }
}

function hostOf(address: string): string {
  return address
    .trim()
    .replace(/:\d+$/, '')
    .replace(/^\[(.*)\]$/, '$1')
}

/** The client library escapes only the first comma of a SCRAM name (RFC 5802, saslname): two would be another name. */
function requireSendableName(sasl: ClusterOptions['sasl']): void {
  if (sasl !== undefined && sasl.mechanism !== 'PLAIN' && sasl.username.split(',').length > 2) {
    throw invalid(`user ${sasl.username}: a name with more than one comma cannot be used with SCRAM here`, {
      resource: `user ${sasl.username}`,
      hint: 'Use an account with a simpler name.',
    })
  }
}
