// The listening sockets, one for each presented broker, and the connections that they accept.
import { createServer, type Server, type Socket } from 'node:net'
import { createBufferPool } from '../buffer-pool.ts'
import type { PresentedBroker } from '../config/index.ts'
import { createLineLimiter, type LineLimiter } from '../line-limiter.ts'
import type { Clock, Logger } from '../types.ts'
import { ClientConnection } from './connection.ts'
import type { Dispatcher } from './dispatch.ts'
import { createRequestMemory, type RequestMemory } from './request-memory.ts'

export interface ServerLimits {
  readonly maxRequestBytes: number
  readonly maxIdleMs: number
  readonly maxConnections: number
  readonly maxConnectionsPerIp: number
  /** The memory that requests of all connections may hold together. */
  readonly maxRequestMemoryBytes: number
}

export interface KafkaServer {
  readonly brokers: readonly PresentedBroker[]
  /** Answers requests from now on, also those of connections that came earlier. */
  serve(dispatcher: Dispatcher, limits: ServerLimits): void
  /** How many connections there are, and how many of their requests wait to be started. */
  load(): { readonly connections: number; readonly waitingRequests: number }
  /** Accepts no more connections. */
  stopAccepting(): void
  /** Lets requests under way answer, for at most `graceMs` of real time, then closes every connection. */
  close(graceMs: number): Promise<void>
}

export interface ListenOptions {
  readonly host: string
  /** Of the first broker; 0: each broker gets a free one. */
  readonly port: number
  readonly brokers: number
  readonly clock: Clock
  readonly logger: Logger
}

/** Enough for the requests that a few busy producers have in flight. */
const keptFrameBytes = 4 * 1024 * 1024

/** The parts that serve connections, once the broker is ready. */
interface Serving {
  readonly dispatcher: Dispatcher
  readonly limits: ServerLimits
  readonly memory: RequestMemory
}

/** Binds every port. @throws the system's error (EADDRINUSE, EACCES, …); what was bound is released then. */
export async function listen({ host, port, brokers, clock, logger }: ListenOptions): Promise<KafkaServer> {
  const server = new ListeningServer(clock, logger)
  try {
    for (let index = 0; index < brokers; index++) {
      await server.bind({ brokerId: index + 1, host, port: port === 0 ? 0 : port + index })
    }
  } catch (error) {
    server.stopAccepting()
    throw error
  }
  return server
}

class ListeningServer implements KafkaServer {
  readonly brokers: PresentedBroker[] = []
  private readonly clock: Clock
  private readonly logger: Logger
  private readonly servers: Server[] = []
  private readonly connections = new Set<ClientConnection>()
  private readonly connectionsPerIp = new Map<string, number>()
  private readonly buffers = createBufferPool(keptFrameBytes)
  private readonly limitedLog: LineLimiter
  /** Resolves when the broker is ready. */
  private readonly serving = Promise.withResolvers<Serving>()
  private memory: RequestMemory | undefined
  private accepted = 0

  constructor(clock: Clock, logger: Logger) {
    this.clock = clock
    this.logger = logger
    this.limitedLog = createLineLimiter(logger, clock)
  }

  /** @param broker port 0: a free one @throws the system's error */
  async bind({ brokerId, host, port }: PresentedBroker): Promise<void> {
    // Paused until the broker is ready, so that clients which connect early are served then.
    const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, async (socket) => {
      // A reset before the connection is served must not become an uncaught exception.
      socket.on('error', () => {})
      this.accept(socket, brokerId, await this.serving.promise)
    })
    this.brokers.push({ brokerId, host, port: await bind(server, host, port) })
    this.servers.push(server)
  }

  private accept(socket: Socket, brokerId: number, { dispatcher, limits, memory }: Serving): void {
    const { connections, connectionsPerIp, limitedLog } = this
    const ip = socket.remoteAddress ?? ''
    const fromIp = (connectionsPerIp.get(ip) ?? 0) + 1
    if (socket.destroyed) return
    if (connections.size >= limits.maxConnections || fromIp > limits.maxConnectionsPerIp) {
      const about = { ip, connections: connections.size, fromIp }
      limitedLog.log('warn', 'too many', about, 'closed a new connection: max.connections is reached')
      socket.destroy()
      return
    }
    connectionsPerIp.set(ip, fromIp)
    const local = `${socket.localAddress}:${socket.localPort}`
    const connection = new ClientConnection({
      socket,
      connectionId: `${local}-${ip}:${socket.remotePort}-${brokerId - 1}-${this.accepted++}`,
      brokerId,
      dispatcher,
      clock: this.clock,
      logger: this.logger,
      buffers: this.buffers,
      memory,
      limitedLog,
      maxRequestBytes: limits.maxRequestBytes,
      maxIdleMs: limits.maxIdleMs,
      onClose: () => this.remove(connection, ip),
    })
    connections.add(connection)
    socket.resume()
  }

  private remove(connection: ClientConnection, ip: string): void {
    this.connections.delete(connection)
    const left = (this.connectionsPerIp.get(ip) ?? 1) - 1
    if (left > 0) this.connectionsPerIp.set(ip, left)
    else this.connectionsPerIp.delete(ip)
  }

  serve(dispatcher: Dispatcher, limits: ServerLimits): void {
    this.memory = createRequestMemory(limits.maxRequestMemoryBytes, this.clock)
    this.serving.resolve({ dispatcher, limits, memory: this.memory })
  }

  load() {
    let waitingRequests = 0
    for (const connection of this.connections) waitingRequests += connection.waitingRequests
    return { connections: this.connections.size, waitingRequests }
  }

  stopAccepting(): void {
    for (const server of this.servers) server.close()
  }

  async close(graceMs: number): Promise<void> {
    this.stopAccepting()
    const drained = Promise.all([...this.connections].map((connection) => connection.drain()))
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, graceMs)
    })
    await Promise.race([drained, late])
    clearTimeout(timer)
    for (const connection of this.connections) connection.destroy()
    await drained
    this.memory?.close()
    this.limitedLog.close()
  }
}

function bind(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.removeListener('error', reject)
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : port)
    })
  })
}
