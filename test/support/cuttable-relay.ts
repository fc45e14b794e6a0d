// A way to a port on loopback that can be cut, as a network is: the server behind it runs on.
import { connect, createServer, type Server, type Socket } from 'node:net'

const host = '127.0.0.1'

export interface Network {
  /** Ends all connections and takes no new ones. */
  cut(): void
  restore(): void
}

export interface CuttableRelay extends Network {
  readonly port: number
  close(): Promise<void>
}

/** @param target port of a server on loopback */
export async function startCuttableRelay(target: number): Promise<CuttableRelay> {
  const sockets = new Set<Socket>()
  let isCut = false
  const server: Server = createServer((client) => {
    if (isCut) return void client.destroy()
    const broker = connect(target, host)
    for (const socket of [client, broker]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        client.destroy()
        broker.destroy()
      })
    }
    client.pipe(broker).pipe(client)
  })
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  const destroyAll = () => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    port: (server.address() as { readonly port: number }).port,
    cut() {
      isCut = true
      destroyAll()
    },
    restore() {
      isCut = false
    },
    async close() {
      destroyAll()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
