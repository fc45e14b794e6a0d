// Errors of the connection to a broker: unreachable, TLS, credentials. Their hints name the setting to check, as Kafka's clients
// call it.
import { GenericError, MultipleErrors } from '@platformatic/kafka'
import { errorCodes } from '@selfmonitor/protocol/errors'
import { ClusterError, type ClusterErrorReason } from './errors.ts'

/** How the connection was made. */
export interface Via {
  /** `host:port` of the broker that was asked. */
  readonly address: string
  readonly tls: boolean
  /** The mechanism; null without SASL. */
  readonly sasl: string | null
  /** The socket's error, if the client library only reports that the connection closed. */
  readonly socketError?: Error
}

type Found = Error & {
  code?: unknown
  apiId?: unknown
  serverErrorMessage?: unknown
  response?: unknown
  cert?: unknown
}

/** Every error in a tree of causes and aggregates, the outermost first. */
function* walk(error: unknown): Generator<Found> {
  if (!(error instanceof Error)) {
    return
  }
  yield error
  yield* walk(error.cause)
  if (error instanceof AggregateError) {
    for (const inner of error.errors) {
      yield* walk(inner)
    }
  }
}

/** One row for each kind of TLS failure; the first row that matches Node's error code or message is used. */
const tlsFailures: readonly {
  readonly match: RegExp
  readonly say: (via: Via, error: Found) => string
  readonly hint: string
}[] = [
  {
    match: /ERR_TLS_CERT_ALTNAME_INVALID/,
    say: ({ address }, error) => `${address} has a certificate for other names than this one: ${namesOf(error)}`,
    hint: 'Connect by a name in the certificate, or issue it for this name too. ssl.endpoint.identification.algorithm= (empty) accepts any name, and so any broker with a certificate from this CA.',
  },
  {
    match: /CERT_HAS_EXPIRED|CERT_NOT_YET_VALID/,
    say: ({ address }, error) => `${address} has a certificate that is not valid now: ${error.message}`,
    hint: "Renew the broker's certificate, or set this machine's clock.",
  },
  {
    match: /SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER|CERT_UNTRUSTED|CERT_SIGNATURE_FAILURE|INVALID_CA/,
    say: ({ address }, error) =>
      `${address} has a certificate from an authority that is not trusted here: ${error.message}`,
    hint: "Name the CA's certificate: ssl.truststore.location, with ssl.truststore.type=PEM.",
  },
  {
    match: /ALERT_(UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE_\w+|NO_CERTIFICATE|ACCESS_DENIED)|ALERT_HANDSHAKE_FAILURE/,
    say: ({ address }, error) => `${address} refused this client's certificate: ${alertOf(error)}`,
    hint: 'The broker requires a client certificate that it trusts: ssl.keystore.location (type PEM, the key and its certificate chain).',
  },
  {
    match: /WRONG_VERSION_NUMBER|EPROTO|TLS handshake failed|PACKET_LENGTH_TOO_LONG/,
    say: ({ address }) => `${address} does not speak TLS`,
    hint: 'Set security.protocol=PLAINTEXT or SASL_PLAINTEXT for this port, or name the port of a TLS listener.',
  },
  {
    match: /requires TLS/,
    say: ({ address }) => `${address} uses TLS, but the client connected without TLS`,
    hint: 'Set security.protocol=SSL or SASL_SSL for this port, or name the port of a plain listener.',
  },
  {
    match: /^ERR_(SSL|TLS|OSSL)|CERT/,
    say: ({ address }, error) => `${address}: ${error.message}`,
    hint: 'Check the certificates and keys: ssl.truststore.* and ssl.keystore.*.',
  },
]

/** The names in a certificate that did not match, from Node's message. */
function namesOf(error: Found): string {
  return /altnames: (.*)$/s.exec(error.message)?.[1] ?? error.message
}

/** The alert that the broker sent, without the file names and numbers in OpenSSL's message. */
function alertOf(error: Found): string {
  return /ssl\/tls (alert [a-z ]+)/.exec(error.message)?.[1] ?? error.message
}

function tlsFailure(chain: readonly Found[], via: Via): ClusterError | null {
  for (const { match, say, hint } of tlsFailures) {
    const error = chain.find((e) => (typeof e.code === 'string' && match.test(e.code)) || match.test(e.message))
    if (error !== undefined) {
      return failed('TLS_FAILED', say(via, error), 'cannot-connect', via, hint)
    }
  }
  return null
}

function failed(code: string, text: string, reason: ClusterErrorReason, via: Via, hint: string): ClusterError {
  return new ClusterError(code, `broker ${text}`, { reason, resource: `broker ${via.address}`, hint })
}

function refusedCredentials(chain: readonly Found[], via: Via): ClusterError | null {
  const resource = `broker ${via.address}`
  const mechanism = chain.find((e) => e.apiId === 'UNSUPPORTED_SASL_MECHANISM')
  if (mechanism !== undefined) {
    const offered = chain
      .map(({ response }) => (response as { mechanisms?: unknown } | undefined)?.mechanisms)
      .find((list) => Array.isArray(list))
    return new ClusterError(
      'UNSUPPORTED_SASL_MECHANISM',
      `${resource} does not accept ${via.sasl}${offered === undefined ? '' : `, it accepts ${offered.join(', ')}`}`,
      {
        reason: 'not-allowed',
        resource,
        hint: 'Set sasl.mechanism to one that it accepts; sasl.enabled.mechanisms on the broker lists them.',
        kafkaError: { name: 'UNSUPPORTED_SASL_MECHANISM', code: errorCodes.UNSUPPORTED_SASL_MECHANISM },
      },
    )
  }
  if (chain.some((e) => e.apiId === 'ILLEGAL_SASL_STATE')) {
    return new ClusterError('AUTHENTICATION_FAILED', `${resource} does not use SASL on this port`, {
      reason: 'not-allowed',
      resource,
      hint: `Set security.protocol=${via.tls ? 'SSL' : 'PLAINTEXT'} for this port, or name the port of a SASL listener.`,
    })
  }
  const refused = chain.find((e) => e.apiId === 'SASL_AUTHENTICATION_FAILED')
  const other = chain.find((e) => e.code === 'PLT_KFK_AUTHENTICATION')
  // A connection that closes during the login gives no information about the password.
  if (
    refused === undefined &&
    (other === undefined || chain.some((e) => e.code === 'PLT_KFK_NETWORK' && e !== chain[0]))
  ) {
    return null
  }
  const said = chain.map((e) => e.serverErrorMessage).find((m) => typeof m === 'string' && m !== '')
  return new ClusterError(
    'AUTHENTICATION_FAILED',
    `${resource} refused the credentials: ${said ?? chain.at(-1)?.message ?? 'it gave no reason'}`,
    {
      reason: 'not-allowed',
      resource,
      hint: 'Check the user, the password and the SASL mechanism.',
      kafkaError:
        refused === undefined
          ? undefined
          : { name: 'SASL_AUTHENTICATION_FAILED', code: errorCodes.SASL_AUTHENTICATION_FAILED },
    },
  )
}

/** A hint about the probable reason why a broker closes the connection without an answer. */
function closedHint({ tls, sasl }: Via): string {
  if (sasl === null) {
    return `The broker may be stopping, or it requires SASL${tls ? '' : ' or TLS'} on this port (security.protocol).`
  }
  return tls
    ? 'The broker may be stopping, or it does not use SASL on this port (security.protocol=SSL).'
    : 'The broker may be stopping, or it requires TLS on this port (security.protocol=SASL_SSL).'
}

/**
 * Turns what the client library throws into a `ClusterError`. No library object is kept as the cause, only texts: the
 * library's errors hold connections, and with them credentials.
 */
export function translate(error: unknown, via: Via): ClusterError {
  if (error instanceof ClusterError) {
    return error
  }
  const chain = [...walk(error), ...walk(via.socketError)]
  const resource = `broker ${via.address}`
  const known = refusedCredentials(chain, via) ?? tlsFailure(chain, via)
  if (known !== null) {
    return known
  }
  const unsupported = chain.find((e) => e.code === 'PLT_KFK_UNSUPPORTED_API' || e.apiId === 'UNSUPPORTED_VERSION')
  if (unsupported) {
    return new ClusterError('UNSUPPORTED_API', `${resource}: ${unsupported.message}`, {
      resource,
      hint: 'The broker is too old (Apache Kafka 3.0 or newer is needed) or does not offer this.',
    })
  }
  const system = chain.find((e) => typeof e.code === 'string' && /^E[A-Z_]+$/.test(e.code))
  const timedOut = chain.find((e) => /timed out/i.test(e.message))
  const closed = chain.find((e) => /Connection closed|Connection error/.test(e.message))
  const why = system?.message || timedOut?.message || closed?.message
  if (why !== undefined) {
    if (timedOut && /^Request/.test(timedOut.message)) {
      return new ClusterError('TIMEOUT', `${resource} did not answer in time`, {
        reason: 'timeout',
        resource,
        hint: 'Raise the timeout, or look at the load of that broker.',
      })
    }
    if (!system && closed && !timedOut) {
      return failed('CONNECTION_CLOSED', `${via.address} closed the connection`, 'cannot-connect', via, closedHint(via))
    }
    return new ClusterError('CANNOT_CONNECT', `Cannot connect to ${resource}: ${why}`, {
      reason: 'cannot-connect',
      resource,
      hint: 'Check that Kafka is running and that this address is right and reachable from here.',
    })
  }
  const first = chain[0]
  const text =
    first !== undefined && (GenericError.isGenericError(first) || MultipleErrors.isGenericError(first))
      ? chain.map((e) => e.message).join(': ')
      : String(first?.message ?? error)
  return new ClusterError('UNEXPECTED', `${resource}: ${text}`, { resource, hint: 'This is a bug: please report it.' })
}
