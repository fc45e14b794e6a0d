// One client connection: bytes in, requests in order, responses in order, backpressure both ways.
//
// Requests run one after the other, as Kafka mutes a connection until its request is answered. Requests marked as
// pipelined (Produce) may overlap with one another, since their handlers fix the order before they first wait; their
// answers are still sent in order. Reading stops while requests wait, and no request starts while the client does not
// take its answers, so that one connection holds a bounded amount of memory.
//
//   socket ─▶ receive ─▶ waiting ─▶ runWaiting ─▶ start ─▶ send ─▶ socket
import type { Socket } from 'node:net'
import type { BufferPool } from '../buffer-pool.ts'
import type { LineLimiter } from '../line-limiter.ts'
import { CloseConnection, type Connection } from '../request/handler.ts'
import type { Clock, Logger } from '../types.ts'
import type { Dispatcher, Peer, PreparedRequest } from './dispatch.ts'
import { type FrameParser, makeFrameParser } from './frame-parser.ts'
import type { RequestAccount, RequestMemory } from './request-memory.ts'

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
  /** Limits the memory of requests, over all connections. */
  readonly memory: RequestMemory
  /** For errors that clients cause, and may repeat any number of times: it limits the lines. */
  readonly limitedLog: LineLimiter
  /** `connections.max.idle.ms`; negative: never. */
  readonly maxIdleMs: number
  readonly onClose: () => void
}

/** Reading stops when this much waits, and continues when it is less. */
const maxWaitingFrames = 32
const maxWaitingBytes = 4 * 1024 * 1024
/** Pipelined requests that may be under way at a time; Kafka's idempotent producers send at most 5. */
const maxUnderWay = 32
/** How large they may be together; a larger one is under way alone. */
const maxUnderWayBytes = 16 * 1024 * 1024
/** Requests up to this size are accepted however much memory the others take. */
const smallRequestBytes = 64 * 1024
/** How long a client that has closed its sending side still gets an answer. */
const halfClosedGraceMs = 10_000

export class ClientConnection {
  private readonly options: ConnectionOptions
  private readonly account: RequestAccount
  private readonly parser: FrameParser
  private readonly peer: Peer
  /** Aborted when the client is gone. */
  private readonly ended = new AbortController()
  /** Requests that have not started, oldest first. */
  private readonly waiting: Buffer[] = []
  private waitingBytes = 0
  private running = false
  /** No more is read; the connection closes once everything is answered. */
  private draining = false
  private closed = false
  private underWay = 0
  private underWayBytes = 0
  private lastActivityMs: number
  /** Settles once every answer so far is handed to the socket. */
  private answered: Promise<void> = Promise.resolve()
  /** Called when the socket takes bytes again. */
  private onSocketDrain: (() => void) | undefined
  private cancelIdle: (() => void) | undefined
  private cancelGrace: (() => void) | undefined
  private readonly socketClosed: Promise<void>

  constructor(options: ConnectionOptions) {
    const { socket, memory, clock, buffers } = options
    this.options = options
    this.account = memory.open({
      onGranted: () => queueMicrotask(() => this.receive(() => this.parser.resume())),
      onStalled: (reason) => this.fail(new Error(reason)),
    })
    this.parser = makeFrameParser(options.maxRequestBytes, buffers, (moreBytes, frameBytes) =>
      this.account.grow(moreBytes, frameBytes <= smallRequestBytes),
    )
    const connection: Connection = { id: options.connectionId, clientSoftwareName: '', clientSoftwareVersion: '' }
    this.peer = {
      brokerId: options.brokerId,
      clientHost: `/${(socket.remoteAddress ?? 'unknown').replace(/^::ffff:/, '')}`,
      connection,
      signal: this.ended.signal,
    }
    this.lastActivityMs = clock.now()
    this.socketClosed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
    this.listenTo(socket)
    if (options.maxIdleMs >= 0) this.watchIdle(options.maxIdleMs)
  }

  /** Requests that have not started. */
  get waitingRequests(): number {
    return this.waiting.length
  }

  private listenTo(socket: Socket): void {
    const { clock, logger } = this.options
    socket.setNoDelay(true)
    socket.setKeepAlive(true)
    socket.on('data', (chunk) => {
      this.lastActivityMs = clock.now()
      this.receive(() => this.parser.push(chunk))
    })
    socket.on('drain', () => {
      this.onSocketDrain?.()
      this.onSocketDrain = undefined
    })
    // A half-closed client still gets its answers (kcat and nc close their side first); then the socket closes. Most clients
    // that do this are gone altogether, which looks the same: a long poll or a join of theirs, which may wait for days, must
    // not keep the socket open.
    socket.on('end', () => {
      this.draining = true
      this.ended.abort()
      this.cancelGrace = clock.setTimer(halfClosedGraceMs, () => socket.destroy())
      void this.runWaiting()
    })
    socket.on('error', (error) => logger.debug({ connection: this.peer.connection.id, error }, 'a connection failed'))
    socket.on('close', () => this.onSocketClosed())
  }

  private onSocketClosed(): void {
    this.closed = true
    this.cancelIdle?.()
    this.cancelGrace?.()
    this.dropWaiting()
    this.account.close()
    this.onSocketDrain?.()
    this.ended.abort()
    this.options.onClose()
  }

  /** Closes the connection when it has been idle for `connections.max.idle.ms`. */
  private watchIdle(delayMs: number): void {
    const { clock, logger, maxIdleMs, socket } = this.options
    this.cancelIdle = clock.setTimer(delayMs, () => {
      const silentMs = clock.now() - this.lastActivityMs
      if (this.underWay > 0 || silentMs < maxIdleMs) {
        this.watchIdle(this.underWay > 0 ? maxIdleMs : maxIdleMs - silentMs)
        return
      }
      logger.debug({ connection: this.peer.connection.id, silentMs }, 'closed an idle connection')
      socket.destroy()
    })
  }

  /** Takes the frames that `next` gives, and stops or continues reading. */
  private receive(next: () => Buffer[]): void {
    if (this.closed) return
    try {
      for (const frame of next()) {
        this.waiting.push(frame)
        this.waitingBytes += frame.length
        this.account.hold(frame.length)
      }
      this.account.arriving(this.parser.allocatedBytes)
    } catch (error) {
      this.fail(error)
      return
    }
    if (this.isFull(1)) this.options.socket.pause()
    else this.resumeReading()
    void this.runWaiting()
  }

  /** Whether to read no further. @param part 1 to stop reading, less to continue only when there is room again */
  private isFull(part: number): boolean {
    if (this.parser.blocked || (this.options.memory.isShort && this.waiting.length > 0)) return true
    return this.waiting.length >= maxWaitingFrames * part || this.waitingBytes >= maxWaitingBytes
  }

  private resumeReading(): void {
    const { socket } = this.options
    if (socket.isPaused() && !this.draining && !this.isFull(0.5)) socket.resume()
  }

  /** Drops the requests that will never be handled. */
  private dropWaiting(): void {
    for (const frame of this.waiting.splice(0)) this.account.free(frame.length)
    this.waitingBytes = 0
  }

  /** Starts the waiting requests in their order, each when it may run; then, while draining, closes the socket. */
  private async runWaiting(): Promise<void> {
    if (this.running || this.closed) return
    this.running = true
    try {
      let previousPipelined = true
      while (this.waiting.length > 0 && !this.closed) {
        const request = this.prepare(this.takeWaiting())
        const isFull = this.underWay >= maxUnderWay || (this.underWay > 0 && this.underWayBytes > maxUnderWayBytes)
        if (!request.pipelined || !previousPipelined || isFull) await this.answered
        if (this.options.socket.writableNeedDrain && !this.closed) await this.socketDrain()
        if (this.closed) {
          request.done()
          return
        }
        previousPipelined = request.pipelined
        this.start(request)
        if (!request.pipelined) await this.answered
        this.resumeReading()
      }
      if (this.draining && !this.closed) await this.closeWhenAnswered()
    } catch (error) {
      // Requests before this one are answered first: their client would send appended records again.
      await this.answered
      this.fail(error)
    } finally {
      this.running = false
    }
  }

  private takeWaiting(): Buffer {
    const frame = this.waiting.shift()!
    this.waitingBytes -= frame.length
    return frame
  }

  private socketDrain(): Promise<void> {
    return new Promise<void>((resolve) => {
      this.onSocketDrain = resolve
    })
  }

  private async closeWhenAnswered(): Promise<void> {
    const { socket } = this.options
    await this.answered
    if (!this.closed) socket.end(() => socket.destroy())
  }

  /** @returns the request, whose `done` also gives back its memory, once */
  private prepare(frame: Buffer): PreparedRequest {
    const { dispatcher, buffers } = this.options
    this.underWayBytes += frame.length
    let counted = true
    const release = () => {
      if (!counted) return
      counted = false
      this.underWayBytes -= frame.length
      this.account.free(frame.length)
    }
    try {
      const prepared = dispatcher.prepare(frame, this.peer, buffers)
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

  /** Runs the request, and sends its answer after all earlier ones. */
  private start(request: PreparedRequest): void {
    this.underWay++
    const before = this.answered
    const answer = request.run()
    // Without this a rejection would be unhandled while earlier answers are waited for.
    answer.catch(() => {})
    this.answered = this.answerAfter(before, request, answer)
  }

  private async answerAfter(
    before: Promise<void>,
    request: PreparedRequest,
    answer: Promise<Buffer[] | null>,
  ): Promise<void> {
    await before
    try {
      const buffers = await answer
      if (buffers !== null && !this.closed) this.send(buffers, request.done)
      else request.done()
    } catch (error) {
      request.done()
      this.fail(error)
    } finally {
      this.underWay--
      this.lastActivityMs = this.options.clock.now()
    }
  }

  /** @param done called when the system has taken everything, or the socket is closed */
  private send(buffers: readonly Buffer[], done: () => void): void {
    const { socket } = this.options
    socket.cork()
    for (const buffer of buffers.slice(0, -1)) socket.write(buffer)
    socket.write(buffers.at(-1)!, done)
    socket.uncork()
  }

  /** Closes the connection because of what the client sent, or because of a fault rule. */
  private fail(error: unknown): void {
    if (this.closed) return
    this.closed = true
    const { limitedLog, socket } = this.options
    const reason = error instanceof Error ? error.message : String(error)
    const from = { connection: this.peer.connection.id, reason }
    if (error instanceof CloseConnection) limitedLog.log('info', 'closed', from, 'closing a connection')
    else limitedLog.log('warn', 'closed', from, 'closing a connection: its bytes cannot be read')
    socket.destroy()
  }

  /** Reads no more, lets requests under way be answered, then closes. Resolves when the socket is closed. */
  async drain(): Promise<void> {
    this.draining = true
    this.options.socket.pause()
    this.dropWaiting()
    this.ended.abort()
    void this.runWaiting()
    await this.socketClosed
  }

  /** Closes at once. */
  destroy(): void {
    this.options.socket.destroy()
  }
}
