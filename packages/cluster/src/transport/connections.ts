// Connections to the brokers of a cluster, and which versions of which API each broker speaks.
import { type API, apiVersionsV1, type Connection, ConnectionPool, ResponseError } from '@platformatic/kafka'
import { translate, type Via } from '../connection-errors.ts'
import { ClusterError } from '../errors.ts'
import { clientSecurity } from '../security.ts'
import type { ClusterOptions } from '../types.ts'
import { type Address, addressText, uniqueAddresses } from './addresses.ts'

export type Versions = ReadonlyMap<number, { readonly min: number; readonly max: number }>

export interface Connections {
  /** Connects to a broker, or gives the connection that is there. @throws ClusterError */
  open(address: Address): Promise<Connection>
  /**
   * Connects to the first broker that answers a request; the one that answered last is asked first. That an address takes connections
   * is not enough: a proxy without a broker behind it closes them, and a process that hangs never answers.
   * @param others addresses to try after the bootstrap servers
   * @throws ClusterError
   */
  openAny(others: readonly Address[]): Promise<Connection>
  /** Which versions the broker offers, by API key; asked once a connection. @throws ClusterError */
  versions(of: Connection): Promise<Versions>
  /** Sends a request. An answer that carries error codes is an answer. @throws ClusterError when there is none */
  request<Args extends unknown[], Response>(
    to: Connection,
    api: Pick<API<Args, Response>, 'async'>,
    args: Args,
  ): Promise<Response>
  close(): Promise<void>
}

/** @param onRequest called for each request that is sent, logins left out */
export function createConnections(
  options: ClusterOptions,
  bootstrap: readonly Address[],
  timeoutMs: number,
  onRequest: () => void,
): Connections {
  const pool = new ConnectionPool(options.clientId ?? 'selfmonitor', {
    connectTimeout: Math.min(5_000, timeoutMs),
    requestTimeout: timeoutMs,
    maxInflights: 16,
    ...clientSecurity(options),
  })
  const via = viaOf(options, pool)
  let closed = false
  let preferred: Address | null = null
  /** Addresses whose last request had no answer: asked after the others. */
  const silent = new Set<string>()
  const versionsOf = new WeakMap<Connection, Promise<Versions>>()

  async function open(address: Address): Promise<Connection> {
    if (closed) {
      throw new ClusterError('CLOSED', 'This cluster connection has been closed', { hint: 'Connect again.' })
    }
    try {
      return await pool.get(address)
    } catch (error) {
      throw translate(error, via(address))
    }
  }

  const request: Connections['request'] = async (to, api, args) => {
    onRequest()
    try {
      const response = await api.async(to, ...args)
      silent.delete(addressText(to))
      return response
    } catch (error) {
      // The library throws when any part of a response carries an error; the parts are what callers want to see.
      if (error instanceof ResponseError && error.response !== undefined) {
        return error.response as never
      }
      silent.add(addressText(to))
      throw translate(error, via(to))
    }
  }

  function versions(of: Connection): Promise<Versions> {
    let answer = versionsOf.get(of)
    if (answer === undefined) {
      answer = request(of, apiVersionsV1.api, ['selfmonitor', '0.1.0']).then(
        ({ apiKeys }) =>
          new Map(apiKeys.map(({ apiKey, minVersion, maxVersion }) => [apiKey, { min: minVersion, max: maxVersion }])),
      )
      answer.catch(() => versionsOf.delete(of))
      versionsOf.set(of, answer)
    }
    return answer
  }

  /** A connection whose broker has answered. @param limitMs how long it may take; null is as long as its operation */
  async function answering(address: Address, limitMs: number | null): Promise<Connection> {
    const found = await open(address)
    const answered = versions(found)
    if (limitMs === null) {
      await answered
      return found
    }
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        silent.add(addressText(address))
        reject(noAnswer(address, limitMs))
      }, limitMs)
    })
    await Promise.race([answered, late]).finally(() => clearTimeout(timer))
    return found
  }

  return {
    open,
    request,
    versions,
    async openAny(others) {
      let last: ClusterError | null = null
      // The one that answered last comes first: an address that swallows packets costs seconds, and only once.
      const addresses = uniqueAddresses([...(preferred === null ? [] : [preferred]), ...bootstrap, ...others])
      const inOrder = addresses.toSorted(
        (a, b) => Number(silent.has(addressText(a))) - Number(silent.has(addressText(b))),
      )
      for (const [at, address] of inOrder.entries()) {
        try {
          const isLast = at === inOrder.length - 1
          const found = await answering(address, isLast ? null : Math.min(answerLimitMs, timeoutMs / inOrder.length))
          preferred = address
          return found
        } catch (error) {
          last = error as ClusterError
          if (last.reason === 'not-allowed' || last.code === 'CLOSED') {
            throw last
          }
        }
      }
      throw bootstrap.length === 1 ? last! : noneReachable(options.bootstrapServers, last!)
    },
    async close() {
      closed = true
      await pool.close()
    },
  }
}

/**
 * How a connection was made, and what its socket said: a TLS alert that comes after the handshake (TLS 1.3: no client
 * certificate) is known to the socket only, while the request that waits for an answer learns that the connection closed.
 */
function viaOf(options: ClusterOptions, pool: ConnectionPool): (address: { host?: string; port?: number }) => Via {
  const socketErrors = new Map<string, Error>()
  pool.on('connecting', ({ broker, connection }) => {
    const address = `${broker.host}:${broker.port}`
    socketErrors.delete(address)
    connection.on('error', (error: Error) => socketErrors.set(address, error))
  })
  return ({ host, port }) => ({
    address: `${host}:${port}`,
    tls: options.tls !== undefined && options.tls !== false,
    sasl: options.sasl?.mechanism ?? null,
    socketError: socketErrors.get(`${host}:${port}`),
  })
}

/** A broker that is there answers a first request within milliseconds; a busy one within this. */
const answerLimitMs = 5_000

function noAnswer(address: Address, limitMs: number): ClusterError {
  const where = addressText(address)
  return new ClusterError('CANNOT_CONNECT', `${where} takes connections and did not answer within ${limitMs} ms`, {
    reason: 'cannot-connect',
    resource: where,
    hint: 'Look at the health of the broker there.',
  })
}

function noneReachable(servers: string, last: ClusterError): ClusterError {
  return new ClusterError(last.code, `No broker of ${servers} can be reached; the last: ${last.message}`, {
    reason: last.reason,
    resource: servers,
    hint: last.hint ?? undefined,
  })
}
