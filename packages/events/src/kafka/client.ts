// One set of connections to a Kafka cluster: addresses by node, metadata, and requests by name. Everything that retries,
// orders or remembers is in the producer, the group member and the fetcher; here a call either returns an answer or fails.
import { type API, Base, type Broker, type Connection, findErrorBy, kGetApi, ResponseError } from '@platformatic/kafka'
import { clientSecurity } from '@selfmonitor/cluster'
import { backoffMs, pause } from '@selfmonitor/cluster/backoff'
import { errorName } from '@selfmonitor/protocol/errors'
import type { SecurityOptions } from '../options.ts'

export interface PartitionMetadata {
  /** -1 while the partition has no leader. */
  readonly leader: number
  readonly leaderEpoch: number
  readonly replicas: readonly number[]
}

export interface TopicMetadata {
  readonly name: string
  readonly id: string
  /** Kafka's name of why there is nothing to know of it (`TOPIC_AUTHORIZATION_FAILED`); null when there is. */
  readonly error: string | null
  /** By partition number. */
  readonly partitions: readonly PartitionMetadata[]
}

/** Where a broker is reached. */
export type ServerAddress = Broker

export interface KafkaClient {
  /** Describes topics as they are now; those that do not exist are absent from the answer. Learns the brokers' addresses. */
  metadata(topics: readonly string[]): Promise<Map<string, TopicMetadata>>
  /**
   * Sends one request to a node (or, with null, to whichever broker answers first).
   * @param request the client's arguments for the version in use (the newest that both sides know)
   * @throws when the response, or any part of it, carries an error: see `partialResponse`
   */
  call<Response>(
    nodeId: number | null,
    api: string,
    request: (version: number) => readonly unknown[],
  ): Promise<Response>
  /** A connection to a node, for those who write the request's bytes themselves. */
  connection(nodeId: number | null): Promise<Connection>
  /** The newest version of an API that the client and the cluster know. */
  version(api: string): Promise<number>
  /** Does a node offer a version of an API? For versions that the client does not know. */
  offers(nodeId: number, api: string, version: number): Promise<boolean>
  /** The cluster's id, as the latest Metadata gave it; null before, or when the cluster has none. */
  clusterId(): string | null
  /** Where a node is reached; null when the latest Metadata does not name it. */
  server(nodeId: number): ServerAddress | null
  /** False while the latest attempt to reach a broker failed; it is tried again in the background until one answers. */
  isReachable(): boolean
  close(): Promise<void>
}

export interface KafkaClientOptions extends SecurityOptions {
  readonly bootstrapServers: string
  readonly clientId: string
  /** How long a request may take, in milliseconds. */
  readonly requestTimeoutMs: number
  /** Told when a broker answers again, and of each attempt that fails, with the reason. */
  readonly onReachable?: (reachable: boolean, reason: string | null) => void
}

interface MetadataResponse {
  readonly clusterId?: string | null
  readonly brokers: readonly { readonly nodeId: number; readonly host: string; readonly port: number }[]
  readonly topics: readonly {
    readonly errorCode: number
    readonly name: string | null
    readonly topicId?: string
    readonly partitions: readonly {
      readonly partitionIndex: number
      readonly leaderId: number
      readonly leaderEpoch: number
      readonly replicaNodes: readonly number[]
    }[]
  }[]
}

interface ClientState {
  readonly options: KafkaClientOptions
  readonly base: Base
  readonly bootstrapBrokers: readonly Broker[]
  /** Addresses by node, as the latest Metadata names them. */
  brokers: ReadonlyMap<number, Broker>
  clusterId: string | null
  /** The newest version of each API that the broker of a connection offers. */
  readonly offered: WeakMap<Connection, Promise<ReadonlyMap<string, number>>>
  reachable: boolean
  readonly closing: AbortController
}

export function createKafkaClient(options: KafkaClientOptions): KafkaClient {
  const addresses = options.bootstrapServers.split(',').map((address) => address.trim())
  const base = new Base({
    clientId: options.clientId,
    bootstrapBrokers: addresses,
    retries: 0,
    connectTimeout: 5000,
    // Requests wait for each other on the broker anyway; the callers limit what is under way.
    maxInflights: 16,
    ...clientSecurity(options),
    // Passed on to every connection; not in the option types of this class.
    ...{ requestTimeout: options.requestTimeoutMs },
  })
  const state: ClientState = {
    options,
    base,
    bootstrapBrokers: addresses.map((address) => {
      const colon = address.lastIndexOf(':')
      return { host: address.slice(0, colon), port: Number(address.slice(colon + 1)) }
    }),
    brokers: new Map(),
    clusterId: null,
    offered: new WeakMap(),
    reachable: true,
    closing: new AbortController(),
  }
  // A connection that breaks is reported by the requests that were on it.
  base.connections.on('error', () => {})
  // A connection that ends while nothing is under way says nothing of the broker, which closes idle ones: look.
  base.connections.on('disconnect', () => {
    // Later, because the pool forgets the connection after it has said so.
    setImmediate(() => {
      // A failure is noted in the state, and reported from there.
      if (state.reachable && !state.closing.signal.aborted) void connect(state, null).catch(() => undefined)
    })
  })
  return {
    metadata: (topics) => readMetadata(state, topics),
    call: (nodeId, name, request) => call(state, nodeId, name, request),
    connection: (nodeId) => connect(state, nodeId),
    version: async (name) => (await findApi(state, name)).version,
    offers: (nodeId, name, version) => offers(state, nodeId, name, version),
    clusterId: () => state.clusterId,
    server: (nodeId) => state.brokers.get(nodeId) ?? null,
    isReachable: () => state.reachable,
    async close() {
      state.closing.abort()
      await base.close()
    },
  }
}

async function readMetadata(state: ClientState, topics: readonly string[]): Promise<Map<string, TopicMetadata>> {
  const on = await connect(state, null)
  const found = await findApi(state, 'Metadata')
  const response = await invoke<MetadataResponse>(on, found, [[...topics], false, false]).catch((error: unknown) =>
    partialResponse<MetadataResponse>(error),
  )
  state.brokers = new Map(response.brokers.map(({ nodeId, host, port }) => [nodeId, { host, port }]))
  state.clusterId = response.clusterId ?? null
  const described = new Map<string, TopicMetadata>()
  for (const topic of response.topics) {
    const error = topic.errorCode === 0 ? null : errorName(topic.errorCode)
    if (topic.name === null || error === 'UNKNOWN_TOPIC_OR_PARTITION') continue
    const partitions: PartitionMetadata[] = []
    for (const { partitionIndex, leaderId, leaderEpoch, replicaNodes } of topic.partitions) {
      partitions[partitionIndex] = { leader: leaderId, leaderEpoch, replicas: replicaNodes }
    }
    described.set(topic.name, { name: topic.name, id: topic.topicId ?? topic.name, error, partitions })
  }
  return described
}

async function call<Response>(
  state: ClientState,
  nodeId: number | null,
  name: string,
  request: (version: number) => readonly unknown[],
): Promise<Response> {
  const on = await connect(state, nodeId)
  const found = await findApi(state, name)
  return invoke(on, found, request(found.version))
}

async function offers(state: ClientState, nodeId: number, name: string, version: number): Promise<boolean> {
  const on = await connect(state, nodeId)
  let versions = state.offered.get(on)
  if (versions === undefined) {
    versions = newestVersions(state, on)
    versions.catch(() => state.offered.delete(on))
    state.offered.set(on, versions)
  }
  return ((await versions).get(name) ?? -1) >= version
}

async function newestVersions(state: ClientState, on: Connection): Promise<ReadonlyMap<string, number>> {
  const found = await findApi(state, 'ApiVersions')
  const software = ['selfmonitor', '0.1.0']
  const { apiKeys } = await invoke<{ apiKeys: { name: string; maxVersion: number }[] }>(on, found, software)
  return new Map(apiKeys.map(({ name, maxVersion }) => [name, maxVersion]))
}

async function connect(state: ClientState, nodeId: number | null): Promise<Connection> {
  const { connections } = state.base
  try {
    const found =
      nodeId === null
        ? await connections.getFirstAvailable([...state.brokers.values(), ...state.bootstrapBrokers])
        : // An unknown node is the pool's own retriable error ("not in the current metadata").
          await connections.get(state.brokers.get(nodeId) as Broker)
    // If one of several brokers is down, only the requests to that broker fail; the cluster counts as reachable.
    if (nodeId === null) noteReachable(state, true, null)
    return found
  } catch (error) {
    if (nodeId === null) noteReachable(state, false, reasonOf(error))
    throw error
  }
}

function noteReachable(state: ClientState, now: boolean, reason: string | null): void {
  if ((now && state.reachable) || state.closing.signal.aborted) return
  const changed = state.reachable !== now
  state.reachable = now
  state.options.onReachable?.(now, reason)
  if (changed && !now) void probe(state)
}

/** Tries until a broker answers: a client that has nothing to send would not notice that one is back. */
async function probe(state: ClientState): Promise<void> {
  const { signal } = state.closing
  for (let failures = 1; !state.reachable && !signal.aborted; failures++) {
    await pause(backoffMs(failures), signal)
    // A failure has been reported when the brokers became unreachable.
    if (!state.reachable && !signal.aborted) await connect(state, null).catch(() => undefined)
  }
}

/** The newest version of an API that the client and the cluster know. */
function findApi({ base }: ClientState, name: string): Promise<API<unknown[], unknown>> {
  return new Promise((resolve, reject) => {
    base[kGetApi]<unknown[], unknown>(name, (error, found) => (error ? reject(error) : resolve(found!)))
  })
}

function invoke<Response>(
  on: Connection,
  found: API<unknown[], unknown>,
  request: readonly unknown[],
): Promise<Response> {
  return new Promise((resolve, reject) => {
    const callback = (error: Error | null, response: unknown): void =>
      error ? reject(error) : resolve(response as Response)
    ;(found as unknown as (connection: Connection, ...args: unknown[]) => void)(on, ...request, callback)
  })
}

/** The client throws when any part of a response has an error; this returns the response with its other parts. */
export function partialResponse<Response>(error: unknown): Response {
  if (error instanceof ResponseError) return (error as unknown as { response: Response }).response
  throw error
}

/** Kafka's name of the error (`NOT_LEADER_OR_FOLLOWER`), wherever it is nested; null when no broker gave one. */
export function kafkaErrorName(error: unknown): string | null {
  if (!(error instanceof ResponseError)) return null
  for (const nested of error.errors) {
    const name = (nested as { apiId?: string }).apiId
    if (name !== undefined) return name
  }
  return null
}

export function hasKafkaError(error: unknown, ...names: readonly string[]): boolean {
  return names.some((name) => findErrorBy(error as Error, 'apiId', name) !== null)
}

/** The broker refuses the credentials, which no other attempt changes. */
export function isAuthenticationFailure(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if ((error as { code?: string }).code === 'PLT_KFK_AUTHENTICATION') return true
  return (
    isAuthenticationFailure(error.cause) ||
    (error instanceof AggregateError && error.errors.some(isAuthenticationFailure))
  )
}

/** One line for logs and messages: the innermost reason. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors.at(-1))
  if (error instanceof Error) {
    const kafkaName = (error as { apiId?: string }).apiId
    if (kafkaName !== undefined) return kafkaName
    return error.cause instanceof Error
      ? reasonOf(error.cause)
      : error.message || ((error as { code?: string }).code ?? error.name)
  }
  return String(error)
}
