// A Kafka client of a few lines for tests: any API at any version, raw bytes where needed, nothing retried.
import { connect, type Socket } from 'node:net'
import { type ApiName, decodeResponse, encodeRequest, type RequestInput, type ResponseOf } from '@selfmonitor/protocol'
import { makeFrameParser } from '../server/frame-parser.ts'

export interface RawClient {
  /** Sends a request and resolves with its answer. Rejects when the connection ends first. */
  call<N extends ApiName>(name: N, version: number, body: RequestInput<N>): Promise<ResponseOf<N>>
  /** Sends bytes as they are. */
  send(bytes: Buffer): void
  /** The next frame that arrives, without its size. Rejects when the connection ends first. */
  nextFrame(): Promise<Buffer>
  /** Resolves when the broker has closed the connection. */
  readonly closed: Promise<void>
  readonly socket: Socket
  close(): void
}

export async function rawClient(address: string): Promise<RawClient> {
  const [host, port] = address.split(',')[0]!.split(':') as [string, string]
  const socket = connect({ host, port: Number(port) })
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', () => resolve())
    socket.once('error', reject)
  })
  const parser = makeFrameParser(0x7fffffff)
  const frames: Buffer[] = []
  const waiting: { resolve(frame: Buffer): void; reject(error: Error): void }[] = []
  let ended = false
  socket.on('error', () => {})
  socket.on('data', (chunk) => {
    for (const frame of parser.push(chunk)) {
      const waiter = waiting.shift()
      if (waiter) waiter.resolve(frame)
      else frames.push(frame)
    }
  })
  const closed = new Promise<void>((resolve) => {
    socket.on('close', () => {
      ended = true
      for (const waiter of waiting.splice(0)) waiter.reject(new Error('the connection was closed'))
      resolve()
    })
  })
  let correlationId = 0

  const client: RawClient = {
    async call(name, version, body) {
      const id = ++correlationId
      for (const buffer of encodeRequest(name, version, { correlationId: id, clientId: 'raw' }, body))
        socket.write(buffer)
      const answer = decodeResponse(name, version, await client.nextFrame())
      if (answer.correlationId !== id) throw new Error(`answer ${answer.correlationId} to request ${id}`)
      return answer.body
    },
    send: (bytes) => void socket.write(bytes),
    nextFrame() {
      const frame = frames.shift()
      if (frame) return Promise.resolve(frame)
      if (ended) return Promise.reject(new Error('the connection was closed'))
      return new Promise((resolve, reject) => waiting.push({ resolve, reject }))
    },
    closed,
    socket,
    close: () => void socket.destroy(),
  }
  return client
}

/** A request as the bytes of its frame, size included. */
export function requestBytes<N extends ApiName>(
  name: N,
  version: number,
  correlationId: number,
  body: RequestInput<N>,
): Buffer {
  return Buffer.concat(encodeRequest(name, version, { correlationId, clientId: 'raw' }, body))
}
