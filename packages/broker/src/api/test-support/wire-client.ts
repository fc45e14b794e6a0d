// A client that sends exactly what a test says, at the version it says: one connection, one request at a time.
import { once } from 'node:events'
import { connect } from 'node:net'
import { type ApiName, decodeResponse, encodeRequest, type RequestInput, type ResponseOf } from '@selfmonitor/protocol'

export interface WireClient {
  call<N extends ApiName>(name: N, version: number, body: RequestInput<N>): Promise<ResponseOf<N>>
  close(): void
}

/** @param bootstrapServers the first address is used */
export async function connectWire(bootstrapServers: string, clientId = 'wire'): Promise<WireClient> {
  const [host, port] = bootstrapServers.split(',')[0]!.split(':')
  const socket = connect(Number(port), host)
  await once(socket, 'connect')
  let received = Buffer.alloc(0)
  let waiting: { resolve: (frame: Buffer) => void; reject: (error: Error) => void } | undefined
  socket.on('data', (chunk) => {
    received = Buffer.concat([received, chunk])
    if (received.length < 4 || received.length < 4 + received.readInt32BE(0)) return
    const end = 4 + received.readInt32BE(0)
    const frame = received.subarray(4, end)
    received = received.subarray(end)
    waiting?.resolve(frame)
  })
  const closed = new Error('the broker closed the connection')
  const fail = () => waiting?.reject(closed)
  socket.on('close', fail)
  socket.on('error', fail)

  let correlationId = 0
  let last: Promise<unknown> = Promise.resolve()
  return {
    call(name, version, body) {
      const send = async () => {
        if (socket.destroyed) throw closed
        for (const buffer of encodeRequest(name, version, { correlationId: ++correlationId, clientId }, body)) {
          socket.write(buffer)
        }
        const frame = await new Promise<Buffer>((resolve, reject) => {
          waiting = { resolve, reject }
        })
        return decodeResponse(name, version, frame).body
      }
      const answer = last.then(send)
      last = answer.catch(() => undefined)
      return answer
    },
    close: () => socket.destroy(),
  }
}
