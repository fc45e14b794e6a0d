// The listening sockets: one a presented broker, and the connections that they accept.
import { createServer, type Server } from 'node:net'
import { createBufferPool } from '../buffer-pool.ts'
import type { PresentedBroker } from '../config/index.ts'
import { createLineLimiter } from '../line-limiter.ts'
import type { Clock, Logger } from '../types.ts'
import { type ServedConnection, serveConnection } from './connection.ts'
import type { Dispatcher } from './dispatch.ts'
import { createRequestMemory, type RequestMemory } from './request-memory.ts'

export interface ServerLimits {
  readonly maxRequestBytes: number
  readonly maxIdleMs: number
  readonly maxConnections: number
  readonly maxConnectionsPerIp: number
  /** What requests may hold in memory, over all connections. */
  readonly maxRequestMemoryBytes: number
}

export interface KafkaServer {
  readonly brokers: readonly PresentedBroker[]
  /** Answers requests from now on; those that came earlier wait. */
  serve(dispatcher: Dispatcher, limits: ServerLimits): void
  /** Accepts no more connections. */
  stopAccepting(): void
  /** Lets requests under way answer, for at most `graceMs` of real time, then closes every connection. */
  close(graceMs: number): Promise<void>
}

export interface ListenOptions {
  readonly host: string
  /** Of the first broker; 0: free ones. */
  readonly port: number
  readonly brokers: number
  readonly clock: Clock
  readonly logger: Logger
}

/** Enough for the requests that a few busy producers have in flight. */
const keptFrameBytes = 4 * 1024 * 1024

/** Binds every port. @throws the system's error (EADDRINUSE, EACCES, …); what was bound is released then. */
export async function listen({ host, port, brokers, clock, logger }: ListenOptions): Promise<KafkaServer> {
  const servers: Server[] = []
  const presented: PresentedBroker[] = []
  const connections = new Set<ServedConnection>()
  const buffers = createBufferPool(keptFrameBytes)
  const perIp = new Map<string, number>()
  const complaints = createLineLimiter(logger, clock)
  let serving: { dispatcher: Dispatcher; limits: ServerLimits; memory: RequestMemory } | undefined
  let startServing: () => void = () => {}
  const ready = new Promise<void>((resolve) => {
    startServing = resolve
  })
  let accepted = 0

  for (let index = 0; index < brokers; index++) {
    const brokerId = index + 1
    // Paused until the broker is ready, so that a client which is quick to connect is not turned away.
    const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, async (socket) => {
      // A reset before the connection is served must not become an uncaught exception.
      socket.on('error', () => {})
      await ready
      const { dispatcher, limits, memory } = serving!
      const ip = socket.remoteAddress ?? ''
      const fromIp = (perIp.get(ip) ?? 0) + 1
      if (socket.destroyed) return
      if (connections.size >= limits.maxConnections || fromIp > limits.maxConnectionsPerIp) {
        const about = { ip, connections: connections.size, fromIp }
        complaints.log('warn', 'refused', about, 'refused a connection: max.connections is reached')
        socket.destroy()
        return
      }
      perIp.set(ip, fromIp)
      const local = `${socket.localAddress}:${socket.localPort}`
      const served = serveConnection({
        socket,
        connectionId: `${local}-${ip}:${socket.remotePort}-${brokerId - 1}-${accepted++}`,
        brokerId,
        dispatcher,
        clock,
        logger,
        buffers,
        memory,
        complaints,
        maxRequestBytes: limits.maxRequestBytes,
        maxIdleMs: limits.maxIdleMs,
        onClose() {
          connections.delete(served)
          const left = (perIp.get(ip) ?? 1) - 1
          if (left > 0) perIp.set(ip, left)
          else perIp.delete(ip)
        },
      })
      connections.add(served)
      socket.resume()
    })
    try {
      presented.push({ brokerId, host, port: await bind(server, host, port === 0 ? 0 : port + index) })
      servers.push(server)
    } catch (error) {
      for (const bound of servers) bound.close()
      throw error
    }
  }

  return {
    brokers: presented,
    serve(dispatcher, limits) {
      serving = { dispatcher, limits, memory: createRequestMemory(limits.maxRequestMemoryBytes, clock) }
      startServing()
    },
    stopAccepting() {
      for (const server of servers) server.close()
    },
    async close(graceMs) {
      for (const server of servers) server.close()
      const drained = Promise.all([...connections].map((connection) => connection.drain()))
      let timer: NodeJS.Timeout | undefined
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, graceMs)
      })
      await Promise.race([drained, late])
      clearTimeout(timer)
      for (const connection of connections) connection.destroy()
      await drained
      serving?.memory.close()
      complaints.close()
    },
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
