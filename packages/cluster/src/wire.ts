// Every request is sent from here: connections, versions, routing to the right broker, deadlines, retries.
//
// Reads are repeated (`retrying`). A change is sent once (`change`): when its answer is lost, it is not known whether it was
// done, and that is what the caller hears, because to send it again could do it twice, or answer for the first time what the
// second met (a group that is deleted "does not exist"). Only a coordinator that says that it did nothing, because the group
// is another's, lets a change be sent again (`redirected`).
import {
  type API,
  apiVersionsV1,
  type Connection,
  ConnectionPool,
  parseBroker,
  ResponseError,
} from '@platformatic/kafka'
import { apis } from './apis.ts'
import { translate, type Via } from './connection-errors.ts'
import { brokerError, ClusterError, invalid, isRetriableKafkaError, isUndone, outcomeUnknown } from './errors.ts'
import { clientSecurity } from './security.ts'
import type { BrokerInfo, ClusterInfo, ClusterOptions } from './types.ts'

interface Address {
  readonly host: string
  readonly port: number
}

type Versions = ReadonlyMap<number, { readonly min: number; readonly max: number }>

/** `any` is any broker that answers, `controller` the one that Kafka names, a number the broker of that id. */
export type Target = 'any' | 'controller' | number

/** How long to go on; every request of one operation shares it. */
export interface Deadline {
  readonly timeoutMs: number
  /** Milliseconds that are left, at least 0. */
  left(): number
  /** The changes that are under way and not answered yet. */
  readonly unanswered: Set<string>
}

export interface Wire {
  /** Runs one operation within the configured time. @throws ClusterError TIMEOUT */
  operation<T>(name: string, body: (deadline: Deadline) => Promise<T>): Promise<T>
  /** Sends one request. Error codes inside the response are left to the caller. */
  send<Args extends unknown[], Response>(
    target: Target,
    versions: readonly API<Args, Response>[],
    ...args: Args
  ): Promise<Response>
  /**
   * Sends a change, once. Error codes inside the response are left to the caller.
   * @param what the change, for people: `deleting the group billing`; null when nothing is changed (`validateOnly`)
   * @throws ClusterError OUTCOME_UNKNOWN when it was sent and no answer came
   */
  change<Args extends unknown[], Response>(
    deadline: Deadline,
    what: string | null,
    target: Target,
    versions: readonly API<Args, Response>[],
    ...args: Args
  ): Promise<Response>
  /** Repeats `attempt` while it throws an error by which a coordinator says that it did nothing. For changes. */
  redirected<T>(deadline: Deadline, attempt: () => Promise<T>): Promise<T>
  /** Connects to any broker, and authenticates. */
  reach(): Promise<void>
  /** Does any broker offer one of these versions? */
  supports(versions: readonly { readonly key: number; readonly version: number }[]): Promise<boolean>
  /** What is known of the cluster; asks only when nothing is. */
  info(): Promise<ClusterInfo>
  /** Asks again. */
  refresh(): Promise<ClusterInfo>
  /** The coordinator's broker id for each group. */
  coordinators(groupIds: readonly string[], deadline: Deadline): Promise<Map<string, number>>
  /** Repeats `attempt` while it throws an error that Kafka calls retriable, forgetting what was known of the cluster. */
  retrying<T>(deadline: Deadline, attempt: () => Promise<T>): Promise<T>
  close(): Promise<void>
}

const groupKeyType = 0

export function createWire(options: ClusterOptions): Wire {
  const bootstrap = parseBootstrap(options.bootstrapServers)
  const timeoutMs = options.timeoutMs ?? 30_000
  if (!Number.isFinite(timeoutMs) || timeoutMs <= 0) {
    throw invalid(`timeoutMs must be a positive number of milliseconds, it is ${timeoutMs}`)
  }
  const pool = new ConnectionPool(options.clientId ?? 'selfmonitor', {
    connectTimeout: Math.min(5_000, timeoutMs),
    requestTimeout: timeoutMs,
    maxInflights: 16,
    ...clientSecurity(options),
  })
  // A TLS alert that comes after the handshake (TLS 1.3: no client certificate) is known to the socket only; whoever waits
  // for an answer is told that the connection closed.
  const socketErrors = new Map<string, Error>()
  pool.on('connecting', ({ broker, connection }) => {
    const address = `${broker.host}:${broker.port}`
    socketErrors.delete(address)
    connection.on('error', (error: Error) => socketErrors.set(address, error))
  })
  const via = ({ host, port }: { host?: string; port?: number }): Via => ({
    address: `${host}:${port}`,
    tls: options.tls !== undefined && options.tls !== false,
    sasl: options.sasl?.mechanism ?? null,
    socketError: socketErrors.get(`${host}:${port}`),
  })
  let closed = false
  let known: ClusterInfo | null = null
  let preferred: Address | null = null
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

  async function openAny(): Promise<Connection> {
    let last: ClusterError | null = null
    // The one that answered last comes first: an address that swallows packets costs seconds, and only once.
    const addresses = [...(preferred === null ? [] : [preferred]), ...bootstrap, ...(known?.brokers ?? [])]
    for (const address of uniqueAddresses(addresses)) {
      try {
        const found = await open(address)
        preferred = address
        return found
      } catch (error) {
        last = error as ClusterError
        if (last.reason === 'not-allowed' || last.code === 'CLOSED') {
          throw last
        }
      }
    }
    if (bootstrap.length === 1) {
      throw last!
    }
    throw new ClusterError(
      last!.code,
      `No broker of ${options.bootstrapServers} can be reached; the last: ${last!.message}`,
      {
        reason: last!.reason,
        resource: options.bootstrapServers,
        hint: last!.hint ?? undefined,
      },
    )
  }

  async function connection(target: Target): Promise<Connection> {
    if (target === 'any') {
      return openAny()
    }
    // Changes are sent once, so they ask who the controller is now; reads find out when they fail.
    const cluster = target === 'controller' ? await refresh() : await info()
    const id = target === 'controller' ? cluster.controllerId : target
    const broker = cluster.brokers.find((b) => b.id === id)
    if (broker !== undefined) {
      return open(broker)
    }
    if (target === 'controller') {
      return openAny()
    }
    throw new ClusterError('BROKER_NOT_AVAILABLE', `broker ${id} is not part of the cluster`, {
      resource: `broker ${id}`,
      hint: `Its brokers are ${cluster.brokers.map((b) => b.id).join(', ')}.`,
    })
  }

  async function request<Args extends unknown[], Response>(
    to: Connection,
    api: API<Args, Response>,
    args: Args,
  ): Promise<Response> {
    try {
      return await api.async(to, ...args)
    } catch (error) {
      // The library throws when any part of a response carries an error; the parts are what callers want to see.
      if (error instanceof ResponseError && error.response !== undefined) {
        return error.response as Response
      }
      throw translate(error, via(to))
    }
  }

  function versions(of: Connection): Promise<Versions> {
    let answer = versionsOf.get(of)
    if (answer === undefined) {
      answer = request(of, apiVersionsV1.api, ['selfmonitor', '0.1.0']).then(
        (response) =>
          new Map(
            response.apiKeys.map(({ apiKey, minVersion, maxVersion }) => [
              apiKey,
              { min: minVersion, max: maxVersion },
            ]),
          ),
      )
      answer.catch(() => versionsOf.delete(of))
      versionsOf.set(of, answer)
    }
    return answer
  }

  async function route<Args extends unknown[], Response>(
    target: Target,
    candidates: readonly API<Args, Response>[],
  ): Promise<{ readonly to: Connection; readonly api: API<Args, Response> }> {
    const to = await connection(target)
    const offered = await versions(to)
    const api = candidates.find(({ key, version }) => {
      const range = offered.get(key)
      return range !== undefined && version >= range.min && version <= range.max
    })
    if (api === undefined) {
      const { key } = candidates[0]!
      const range = offered.get(key)
      throw new ClusterError(
        'UNSUPPORTED_API',
        range === undefined
          ? `broker ${to.host}:${to.port} does not offer API ${key}`
          : `broker ${to.host}:${to.port} offers versions ${range.min} to ${range.max} of API ${key}, none that this client speaks`,
        { resource: `broker ${to.host}:${to.port}`, hint: 'Apache Kafka 3.0 or newer is needed.' },
      )
    }
    return { to, api }
  }

  async function send<Args extends unknown[], Response>(
    target: Target,
    candidates: readonly API<Args, Response>[],
    ...args: Args
  ): Promise<Response> {
    const { to, api } = await route(target, candidates)
    return request(to, api, args)
  }

  async function change<Args extends unknown[], Response>(
    deadline: Deadline,
    what: string | null,
    target: Target,
    candidates: readonly API<Args, Response>[],
    ...args: Args
  ): Promise<Response> {
    const { to, api } = await route(target, candidates)
    if (what === null) {
      return request(to, api, args)
    }
    deadline.unanswered.add(what)
    try {
      return await request(to, api, args)
    } catch (error) {
      throw outcomeUnknown(what, (error as Error).message)
    } finally {
      deadline.unanswered.delete(what)
    }
  }

  async function info(): Promise<ClusterInfo> {
    return known ?? refresh()
  }

  async function refresh(): Promise<ClusterInfo> {
    const response = await send('any', apis.metadata, [], false, false)
    const brokers: BrokerInfo[] = response.brokers
      .map(({ nodeId, host, port, rack }) => ({ id: nodeId, host, port, rack: rack || null }))
      .sort((a, b) => a.id - b.id)
    known = { clusterId: response.clusterId ?? '', controllerId: response.controllerId, brokers }
    return known
  }

  async function repeating<T>(
    deadline: Deadline,
    again: (error: ClusterError) => boolean,
    attempt: () => Promise<T>,
  ): Promise<T> {
    for (let tries = 0; ; tries++) {
      try {
        return await attempt()
      } catch (error) {
        const backoffMs = Math.min(50 * 2 ** tries, 1_000)
        if (!(error instanceof ClusterError) || !again(error) || backoffMs >= deadline.left()) {
          throw error
        }
        await new Promise((resolve) => setTimeout(resolve, backoffMs))
        // A cluster of which no broker can be reached is said at once: only one broker of several is worth waiting for.
        await refresh()
      }
    }
  }

  const retrying: Wire['retrying'] = (deadline, attempt) => repeating(deadline, isTransient, attempt)

  return {
    send,
    change,
    info,
    refresh,
    retrying,
    redirected: (deadline, attempt) => repeating(deadline, isUndone, attempt),
    async operation(name, body) {
      const startedAt = performance.now()
      const deadline: Deadline = {
        timeoutMs,
        left: () => Math.max(0, Math.ceil(timeoutMs - (performance.now() - startedAt))),
        unanswered: new Set(),
      }
      let timer: NodeJS.Timeout | undefined
      const timedOut = new Promise<never>((_, reject) => {
        timer = setTimeout(() => {
          if (deadline.unanswered.size > 0) {
            reject(outcomeUnknown([...deadline.unanswered].join(' and '), `no answer came within ${timeoutMs} ms`))
            return
          }
          reject(
            new ClusterError('TIMEOUT', `${name} on ${options.bootstrapServers} took longer than ${timeoutMs} ms`, {
              reason: 'timeout',
              resource: options.bootstrapServers,
              hint: 'Raise the timeout, or look at the health of the brokers.',
            }),
          )
        }, timeoutMs)
      })
      try {
        return await Promise.race([body(deadline), timedOut])
      } finally {
        clearTimeout(timer)
      }
    },
    async reach() {
      await openAny()
    },
    async supports(candidates) {
      const offered = await versions(await openAny())
      return candidates.some(({ key, version }) => {
        const range = offered.get(key)
        return range !== undefined && version >= range.min && version <= range.max
      })
    },
    coordinators(groupIds, deadline) {
      return retrying(deadline, async () => {
        const found = new Map<string, number>()
        if (groupIds.length === 0) {
          return found
        }
        const response = await send('any', apis.findCoordinator, groupKeyType, [...groupIds])
        for (const { key, nodeId, errorCode, errorMessage } of response.coordinators) {
          if (errorCode !== 0) {
            throw brokerError(errorCode, `group ${key}`, errorMessage)
          }
          found.set(key, nodeId)
        }
        return found
      })
    },
    async close() {
      closed = true
      await pool.close()
    },
  }
}

function isTransient(error: ClusterError): boolean {
  if (error.kafkaError !== null) {
    return isRetriableKafkaError(error.kafkaError.code) && error.code !== 'UNKNOWN_TOPIC_OR_PARTITION'
  }
  return ['CONNECTION_CLOSED', 'CANNOT_CONNECT', 'BROKER_NOT_AVAILABLE'].includes(error.code)
}

function parseBootstrap(text: string): Address[] {
  const addresses = text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part) => parseBroker(part))
  const wrong = addresses.find(({ host, port }) => host === '' || !Number.isInteger(port) || port < 1 || port > 65_535)
  if (addresses.length === 0 || wrong !== undefined) {
    throw invalid(`bootstrapServers must be host:port, several joined with commas; it is '${text}'`, {
      hint: 'For example 127.0.0.1:9092.',
    })
  }
  return addresses
}

function uniqueAddresses(addresses: readonly Address[]): Address[] {
  return [...new Map(addresses.map((a) => [`${a.host}:${a.port}`, { host: a.host, port: a.port }])).values()]
}
