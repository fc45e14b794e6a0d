// The smallest client: one connection, one request at a time, any API at any version.
import { once } from 'node:events'
import { connect } from 'node:net'
import { type ApiName, decodeResponse, encodeRequest, type RequestInput, type ResponseOf } from '../src/index.ts'

export interface RawClient {
  call<N extends ApiName>(name: N, version: number, body: RequestInput<N>): Promise<ResponseOf<N>>
  close(): void
}

/** @param address `host:port` */
export async function openRawClient(address: string): Promise<RawClient> {
  const separator = address.lastIndexOf(':')
  const socket = connect(Number(address.slice(separator + 1)), address.slice(0, separator))
  await once(socket, 'connect')
  let received = Buffer.alloc(0)
  let waiting: { resolve: (frame: Buffer) => void; reject: (error: Error) => void } | undefined
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk])
    if (received.length < 4 || received.length < 4 + received.readInt32BE(0)) return
    const frame = received.subarray(4, 4 + received.readInt32BE(0))
    received = received.subarray(4 + frame.length)
    waiting?.resolve(frame)
  })
  socket.on('error', (error) => waiting?.reject(error))
  socket.on('close', () => waiting?.reject(new Error('the broker closed the connection')))

  let correlationId = 0
  return {
    async call(name, version, body) {
      correlationId++
      const frame = await new Promise<Buffer>((resolve, reject) => {
        waiting = { resolve, reject }
        for (const chunk of encodeRequest(name, version, { correlationId, clientId: 'protocol-test' }, body))
          socket.write(chunk)
      })
      const response = decodeResponse(name, version, frame)
      if (response.correlationId !== correlationId)
        throw new Error(`answer ${response.correlationId} to ${correlationId}`)
      return response.body
    },
    close: () => socket.destroy(),
  }
}
