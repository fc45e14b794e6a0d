// One client connection: bytes in, requests in order, responses in order, backpressure both ways.
//
// Requests run one after the other, as Kafka mutes a connection until its request is answered. Requests marked as
// pipelined (Produce) may overlap with one another, since their handlers fix the order before they first wait; their
// answers are still sent in order. Reading stops while requests wait, and no request starts while the client does not
// take its answers, so that one connection holds a bounded amount of memory.
import type { Socket } from 'node:net'
import { CloseConnection, type Connection } from '../api/handler.ts'
import type { BufferPool } from '../buffer-pool.ts'
import type { LineLimiter } from '../line-limiter.ts'
import type { Clock, Logger } from '../types.ts'
import type { Dispatcher, Peer, Prepared } from './dispatch.ts'
import { makeFrameParser } from './frame-parser.ts'
import type { RequestMemory } from './request-memory.ts'

export interface ConnectionOptions {
  readonly socket: Socket
  readonly connectionId: string
  readonly brokerId: number
  readonly dispatcher: Dispatcher
  readonly clock: Clock
  readonly logger: Logger
  /** `socket.request.max.bytes` */
  readonly maxRequestBytes: number
  /** Memory for frames, shared by all connections. */
  readonly buffers: BufferPool
  /** How much of it requests may hold, over all connections. */
  readonly memory: RequestMemory
  /** For what clients do wrong, as often as they like. */
  readonly complaints: LineLimiter
  /** `connections.max.idle.ms`; negative: never. */
  readonly maxIdleMs: number
  readonly onClose: () => void
}

export interface ServedConnection {
  /** Reads no more, lets what is under way answer, then closes. Resolves when the socket is gone. */
  drain(): Promise<void>
  /** Closes at once. */
  destroy(): void
}

/** Reading stops beyond these and goes on below them. */
const maxWaitingFrames = 32
const maxWaitingBytes = 4 * 1024 * 1024
/** Pipelined requests that may be under way at a time; Kafka's idempotent producers send at most 5. */
const maxUnderWay = 32
/** How large they may be together; a larger one is under way alone. */
const maxUnderWayBytes = 16 * 1024 * 1024
/** Requests up to this size are let in however much memory the others take. */
const smallRequestBytes = 64 * 1024
/** How long a client that has closed its sending side is still owed an answer. */
const halfClosedGraceMs = 10_000

export function serveConnection(options: ConnectionOptions): ServedConnection {
  const { socket, dispatcher, clock, logger, maxIdleMs } = options
  const account = options.memory.open({
    onGranted: () => queueMicrotask(() => receive(() => parser.resume())),
    onStalled: (reason) => fail(new Error(reason)),
  })
  const parser = makeFrameParser(options.maxRequestBytes, options.buffers, (moreBytes, frameBytes) =>
    account.grow(moreBytes, frameBytes <= smallRequestBytes),
  )
  const ended = new AbortController()
  const connection: Connection = { id: options.connectionId, clientSoftwareName: '', clientSoftwareVersion: '' }
  const peer: Peer = {
    brokerId: options.brokerId,
    clientHost: `/${(socket.remoteAddress ?? 'unknown').replace(/^::ffff:/, '')}`,
    connection,
    signal: ended.signal,
  }

  const waiting: Buffer[] = []
  let waitingBytes = 0
  let pumping = false
  let draining = false
  let closed = false
  let underWay = 0
  let underWayBytes = 0
  let lastActivity = clock.now()
  /** Settles once every answer so far is handed to the socket. */
  let answered: Promise<void> = Promise.resolve()
  let onDrain: (() => void) | undefined
  let cancelIdle: (() => void) | undefined
  let cancelGrace: (() => void) | undefined
  const gone = new Promise<void>((resolve) => socket.once('close', () => resolve()))

  socket.setNoDelay(true)
  socket.setKeepAlive(true)
  socket.on('data', (chunk) => {
    lastActivity = clock.now()
    receive(() => parser.push(chunk))
  })
  socket.on('drain', () => {
    onDrain?.()
    onDrain = undefined
  })
  // A half-closed client still gets its answers (kcat and nc close their side first); then the socket ends. Most have gone
  // altogether, which looks the same: a long poll or a join of theirs, which may wait for days, must not hold the socket.
  socket.on('end', () => {
    draining = true
    ended.abort()
    cancelGrace = clock.setTimer(halfClosedGraceMs, () => socket.destroy())
    void pump()
  })
  socket.on('error', (error) => logger.debug({ connection: connection.id, error }, 'a connection failed'))
  socket.on('close', () => {
    closed = true
    cancelIdle?.()
    cancelGrace?.()
    dropWaiting()
    account.close()
    onDrain?.()
    ended.abort()
    options.onClose()
  })
  if (maxIdleMs >= 0) watchIdle(maxIdleMs)

  function watchIdle(delayMs: number): void {
    cancelIdle = clock.setTimer(delayMs, () => {
      const silentMs = clock.now() - lastActivity
      if (underWay > 0 || silentMs < maxIdleMs) watchIdle(underWay > 0 ? maxIdleMs : maxIdleMs - silentMs)
      else {
        logger.debug({ connection: connection.id, silentMs }, 'closed an idle connection')
        socket.destroy()
      }
    })
  }

  function receive(next: () => Buffer[]): void {
    if (closed) return
    try {
      for (const frame of next()) {
        waiting.push(frame)
        waitingBytes += frame.length
        account.hold(frame.length)
      }
      account.arriving(parser.allocatedBytes)
    } catch (error) {
      fail(error)
      return
    }
    if (mustWait(1)) socket.pause()
    else resumeReading()
    void pump()
  }

  /** Whether to read no further. @param part 1 to stop, less to go on only when there is room again */
  function mustWait(part: number): boolean {
    if (parser.blocked || (options.memory.isShort && waiting.length > 0)) return true
    return waiting.length >= maxWaitingFrames * part || waitingBytes >= maxWaitingBytes
  }

  function resumeReading(): void {
    if (socket.isPaused() && !draining && !mustWait(0.5)) socket.resume()
  }

  /** Requests that will never be handled. */
  function dropWaiting(): void {
    for (const frame of waiting.splice(0)) account.free(frame.length)
    waitingBytes = 0
  }

  async function pump(): Promise<void> {
    if (pumping || closed) return
    pumping = true
    try {
      let previousPipelined = true
      while (waiting.length > 0 && !closed) {
        const frame = waiting.shift()!
        waitingBytes -= frame.length
        const prepared = prepare(frame)
        const isFull = underWay >= maxUnderWay || (underWay > 0 && underWayBytes > maxUnderWayBytes)
        if (!prepared.pipelined || !previousPipelined || isFull) await answered
        if (socket.writableNeedDrain && !closed) await new Promise<void>((resolve) => (onDrain = resolve))
        if (closed) {
          prepared.done()
          return
        }
        previousPipelined = prepared.pipelined
        start(prepared)
        if (!prepared.pipelined) await answered
        resumeReading()
      }
      if (draining && !closed) {
        await answered
        if (!closed) socket.end(() => socket.destroy())
      }
    } catch (error) {
      // What was understood before is answered first: appended records that nobody acknowledges would be sent again.
      await answered
      fail(error)
    } finally {
      pumping = false
    }
  }

  /** A request whose memory is given back, once, when it is done with. */
  function prepare(frame: Buffer): Prepared {
    underWayBytes += frame.length
    let counted = true
    const release = () => {
      if (!counted) return
      counted = false
      underWayBytes -= frame.length
      account.free(frame.length)
    }
    try {
      const prepared = dispatcher.prepare(frame, peer, options.buffers)
      return {
        pipelined: prepared.pipelined,
        run: prepared.run,
        done() {
          prepared.done()
          release()
        },
      }
    } catch (error) {
      release()
      throw error
    }
  }

  /** Sends the answer after all earlier ones. */
  function start(request: Prepared): void {
    underWay++
    const before = answered
    const answer = request.run()
    // Without this a rejection would be unhandled while earlier answers are waited for.
    answer.catch(() => {})
    answered = (async () => {
      await before
      try {
        const buffers = await answer
        if (buffers !== null && !closed) send(buffers, request.done)
        else request.done()
      } catch (error) {
        request.done()
        fail(error)
      } finally {
        underWay--
        lastActivity = clock.now()
      }
    })()
  }

  /** @param done called when the system has taken everything, or the socket is closed */
  function send(buffers: readonly Buffer[], done: () => void): void {
    socket.cork()
    for (const buffer of buffers.slice(0, -1)) socket.write(buffer)
    socket.write(buffers.at(-1)!, done)
    socket.uncork()
  }

  /** Ends the connection because of what the client sent (or a fault rule); the process goes on. */
  function fail(error: unknown): void {
    if (closed) return
    closed = true
    const reason = error instanceof Error ? error.message : String(error)
    const from = { connection: connection.id, reason }
    if (error instanceof CloseConnection) options.complaints.log('info', 'closed', from, 'closing a connection')
    else options.complaints.log('warn', 'closed', from, 'closing a connection: what it sent is not understood')
    socket.destroy()
  }

  return {
    async drain() {
      draining = true
      socket.pause()
      dropWaiting()
      ended.abort()
      void pump()
      await gone
    },
    destroy() {
      socket.destroy()
    },
  }
}
