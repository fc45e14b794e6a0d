// Every request is sent from here: routing to the right broker in a version that it speaks, deadlines, retries.
//
// Reads are repeated (`retrying`). A change is sent once (`change`): when its answer is lost, it is not known whether it was
// done, and the caller gets exactly that error, because sending it again could do it twice, or answer for the first attempt what
// the second one met (a group that is deleted "does not exist"). Only a coordinator that says that it did nothing, because
// the group is another's, lets a change be sent again (`redirected`).
import { type API, type Connection, protocolAPIsById } from '@platformatic/kafka'
import { apis } from '../apis.ts'
import { backoffMs } from '../backoff.ts'
import { brokerError, ClusterError, invalid, isRetriableKafkaError, isUndone, outcomeUnknown } from '../errors.ts'
import type { BrokerInfo, ClusterInfo, ClusterOptions } from '../types.ts'
import { parseBootstrap } from './addresses.ts'
import { type Connections, createConnections } from './connections.ts'
import { type Deadline, withinDeadline } from './deadline.ts'

/** `any` is any broker that answers, `controller` the one that Kafka names, a number the broker of that id. */
export type Target = 'any' | 'controller' | number

/** One version of an API: how to send it on a connection. */
export type ApiVersion<Args extends unknown[], Response> = Pick<API<Args, Response>, 'key' | 'version' | 'async'>

export interface Transport {
  /** Runs one operation within the configured time. @throws ClusterError TIMEOUT */
  operation<T>(name: string, body: (deadline: Deadline) => Promise<T>): Promise<T>
  /** Sends one request. Error codes inside the response are left to the caller. */
  send<Args extends unknown[], Response>(
    target: Target,
    versions: readonly ApiVersion<Args, Response>[],
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
    versions: readonly ApiVersion<Args, Response>[],
    ...args: Args
  ): Promise<Response>
  /** Repeats `attempt` while it throws an error by which a coordinator says that it did nothing. For changes. */
  redirected<T>(deadline: Deadline, attempt: () => Promise<T>): Promise<T>
  /** Connects to any broker, and authenticates. */
  reach(): Promise<void>
  /** Does any broker offer one of these versions? */
  supports(versions: readonly { readonly key: number; readonly version: number }[]): Promise<boolean>
  /** The cluster as last seen; asks only when it was never asked. */
  info(): Promise<ClusterInfo>
  /** Asks again. */
  refresh(): Promise<ClusterInfo>
  /**
   * Asks for topics, all of them with null; what the answer says of the brokers is known from then on.
   * Error codes inside the response are left to the caller.
   */
  metadata(topics: readonly string[] | null): Promise<{ readonly info: ClusterInfo; readonly topics: MetadataTopics }>
  /** The coordinator's broker id for each group. */
  coordinators(groupIds: readonly string[], deadline: Deadline): Promise<Map<string, number>>
  /** Repeats `attempt` while it throws an error that Kafka calls retriable, and asks for the cluster's brokers anew before. */
  retrying<T>(deadline: Deadline, attempt: () => Promise<T>): Promise<T>
  /** Requests sent so far, logins left out; with those of the transports whose directory it is, and what was counted here. */
  requestsSent(): number
  /** Counts a request that was sent on a connection outside this transport. */
  countRequest(): void
  /** Something else that ends when this is closed. */
  closesWith(close: () => Promise<unknown>): void
  close(): Promise<void>
}

const groupKeyType = 0
export const defaultTimeoutMs = 30_000

type Sent<T> = T extends readonly ApiVersion<never, infer Response>[] ? Response : never
type MetadataTopics = Sent<typeof apis.metadata>['topics']

/** A transport that another one belongs to. */
export type Directory = Pick<Transport, 'refresh' | 'countRequest'>

/**
 * @param directory where to ask for the cluster's brokers, for connections that are busy with waiting; default: its own
 * @throws ClusterError INVALID_ARGUMENT for addresses or a timeout that cannot be used
 */
export function createTransport(options: ClusterOptions, directory?: Directory): Transport {
  const bootstrap = parseBootstrap(options.bootstrapServers)
  const timeoutMs = options.timeoutMs ?? defaultTimeoutMs
  if (!Number.isFinite(timeoutMs) || timeoutMs <= 0) {
    throw invalid(`timeoutMs must be a positive number of milliseconds, it is ${timeoutMs}`)
  }
  const closing: (() => Promise<unknown>)[] = []
  let sent = 0
  const countRequest = (): void => {
    sent++
    directory?.countRequest()
  }
  const connections = createConnections(options, bootstrap, timeoutMs, countRequest)
  let known: ClusterInfo | null = null
  const openAny = (): Promise<Connection> => connections.openAny(known?.brokers ?? [])

  async function connection(target: Target): Promise<Connection> {
    if (target === 'any') {
      return openAny()
    }
    // Changes are sent once, so they ask who the controller is now; reads find out when they fail.
    const cluster = target === 'controller' ? await refresh() : (known ?? (await refresh()))
    const id = target === 'controller' ? cluster.controllerId : target
    const broker = cluster.brokers.find((b) => b.id === id)
    if (broker !== undefined) {
      return connections.open(broker)
    }
    if (target === 'controller') {
      return openAny()
    }
    throw new ClusterError('BROKER_NOT_AVAILABLE', `broker ${id} is not part of the cluster`, {
      resource: `broker ${id}`,
      hint: `Its brokers are ${cluster.brokers.map((b) => b.id).join(', ')}.`,
    })
  }

  const send: Transport['send'] = async (target, candidates, ...args) => {
    const to = await connection(target)
    return connections.request(to, await choose(connections, to, candidates), args)
  }

  const change: Transport['change'] = async (deadline, what, target, candidates, ...args) => {
    const to = await connection(target)
    const api = await choose(connections, to, candidates)
    if (what === null) {
      return connections.request(to, api, args)
    }
    deadline.unanswered.add(what)
    try {
      return await connections.request(to, api, args)
    } catch (error) {
      throw outcomeUnknown(what, (error as Error).message)
    } finally {
      deadline.unanswered.delete(what)
    }
  }

  async function refresh(): Promise<ClusterInfo> {
    const info = await (directory?.refresh() ?? metadata([]).then((answer) => answer.info))
    known = info
    return info
  }

  const metadata: Transport['metadata'] = async (names) => {
    const response = await send('any', apis.metadata, names === null ? null : [...names], false, false)
    const brokers: BrokerInfo[] = response.brokers
      .map(({ nodeId, host, port, rack }) => ({ id: nodeId, host, port, rack: rack || null }))
      .sort((a, b) => a.id - b.id)
    const info = { clusterId: response.clusterId ?? '', controllerId: response.controllerId, brokers }
    known = info
    return { info, topics: response.topics }
  }

  async function repeating<T>(
    deadline: Deadline,
    again: (error: ClusterError) => boolean,
    attempt: () => Promise<T>,
  ): Promise<T> {
    for (let failures = 1; ; failures++) {
      try {
        return await attempt()
      } catch (error) {
        const waitMs = backoffMs(failures)
        if (!(error instanceof ClusterError) || !again(error) || waitMs >= deadline.left()) {
          throw error
        }
        await new Promise((resolve) => setTimeout(resolve, waitMs))
        // A cluster of which no broker can be reached is said at once: only one broker of several is worth waiting for.
        await refresh()
      }
    }
  }

  return {
    send,
    change,
    refresh,
    metadata,
    info: async () => known ?? refresh(),
    retrying: (deadline, attempt) => repeating(deadline, isTransient, attempt),
    redirected: (deadline, attempt) => repeating(deadline, isUndone, attempt),
    operation: (name, body) => withinDeadline(name, options.bootstrapServers, timeoutMs, body),
    reach: async () => void (await openAny()),
    supports: async (candidates) => {
      const offered = await connections.versions(await openAny())
      return candidates.some((candidate) => isOffered(offered, candidate))
    },
    coordinators: (groupIds, deadline) =>
      repeating(deadline, isTransient, async () => findCoordinators(send, groupIds)),
    requestsSent: () => sent,
    countRequest,
    closesWith: (close) => void closing.push(close),
    async close() {
      await Promise.all([connections.close(), ...closing.map((close) => close())])
    },
  }
}

async function findCoordinators(send: Transport['send'], groupIds: readonly string[]): Promise<Map<string, number>> {
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
}

/** The first of the versions that the broker offers. @throws ClusterError UNSUPPORTED_API */
async function choose<Args extends unknown[], Response>(
  connections: Connections,
  to: Connection,
  candidates: readonly ApiVersion<Args, Response>[],
): Promise<ApiVersion<Args, Response>> {
  const offered = await connections.versions(to)
  const found = candidates.find((candidate) => isOffered(offered, candidate))
  if (found !== undefined) {
    return found
  }
  const { key } = candidates[0]!
  const range = offered.get(key)
  const name = protocolAPIsById[key] ?? key
  throw new ClusterError(
    'UNSUPPORTED_API',
    range === undefined
      ? `broker ${to.host}:${to.port} does not offer the API ${name}`
      : `broker ${to.host}:${to.port} offers versions ${range.min} to ${range.max} of the API ${name}, none of which this client supports`,
    { resource: `broker ${to.host}:${to.port}`, hint: 'Apache Kafka 3.0 or newer is needed.' },
  )
}

function isOffered(
  offered: ReadonlyMap<number, { readonly min: number; readonly max: number }>,
  { key, version }: { readonly key: number; readonly version: number },
): boolean {
  const range = offered.get(key)
  return range !== undefined && version >= range.min && version <= range.max
}

function isTransient(error: ClusterError): boolean {
  if (error.kafkaError !== null) {
    return isRetriableKafkaError(error.kafkaError.code) && error.code !== 'UNKNOWN_TOPIC_OR_PARTITION'
  }
  return ['CONNECTION_CLOSED', 'CANNOT_CONNECT', 'BROKER_NOT_AVAILABLE'].includes(error.code)
}
