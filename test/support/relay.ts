// Sits between a client and a cluster of one broker, and loses the answers of one API: the broker has done what it was asked,
// and the client never hears of it. Answers to Metadata name the relay, so that every request of the client comes through it.
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { type ApiName, decodeResponse, encodeResponse, parseRequestHeader } from '@selfmonitor/protocol'

export interface Relay {
  readonly bootstrapServers: string
  /** Closes the client's connection where the answer of this API should be, from now on; undefined loses none. */
  loseAnswersOf(apiKey: number | undefined): void
  /** How many requests of an API came through. */
  requests(apiKey: number): number
  close(): Promise<void>
}

/** @param bootstrapServers the address of the only broker, without TLS */
export async function startRelay(bootstrapServers: string): Promise<Relay> {
  const [host, port] = bootstrapServers.split(':') as [string, string]
  const sockets = new Set<Socket>()
  const seen = new Map<number, number>()
  let lost: number | undefined
  const server = createServer((client) => {
    const broker = connect(Number(port), host)
    for (const socket of [client, broker]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        client.destroy()
        broker.destroy()
      })
    }
    const asked = new Map<number, { readonly apiKey: number; readonly name: ApiName | undefined; version: number }>()
    client.on(
      'data',
      frames((frame) => {
        const { apiKey, apiVersion, correlationId, api } = parseRequestHeader(frame)
        seen.set(apiKey, (seen.get(apiKey) ?? 0) + 1)
        asked.set(correlationId, { apiKey, name: api?.name, version: apiVersion })
        broker.write(withSize(frame))
      }),
    )
    broker.on(
      'data',
      frames((frame) => {
        const correlationId = frame.readInt32BE(0)
        const { apiKey, name, version } = asked.get(correlationId)!
        asked.delete(correlationId)
        if (apiKey === lost) client.destroy()
        else if (name === 'Metadata') client.write(namingThisRelay(version, frame))
        else client.write(withSize(frame))
      }),
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const own = server.address() as { readonly port: number }

  function namingThisRelay(version: number, frame: Buffer): Buffer {
    const { correlationId, body } = decodeResponse('Metadata', version, frame)
    const brokers = body.brokers.map((one) => ({ ...one, host: '127.0.0.1', port: own.port }))
    return Buffer.concat(encodeResponse('Metadata', version, correlationId, { ...body, brokers }))
  }

  return {
    bootstrapServers: `127.0.0.1:${own.port}`,
    loseAnswersOf(apiKey) {
      lost = apiKey
    },
    requests: (apiKey) => seen.get(apiKey) ?? 0,
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

function withSize(frame: Buffer): Buffer {
  const whole = Buffer.allocUnsafe(4 + frame.length)
  whole.writeInt32BE(frame.length, 0)
  frame.copy(whole, 4)
  return whole
}

/** Cuts a stream into frames, without their sizes. */
function frames(take: (frame: Buffer) => void): (chunk: Buffer) => void {
  let pending = Buffer.alloc(0)
  return (chunk) => {
    pending = Buffer.concat([pending, chunk])
    while (pending.length >= 4 && pending.length >= 4 + pending.readInt32BE(0)) {
      const end = 4 + pending.readInt32BE(0)
      take(pending.subarray(4, end))
      pending = pending.subarray(end)
    }
  }
}
