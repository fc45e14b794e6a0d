// What people would have been sent: an HTTP server that Alertmanager's receivers deliver to, each at a path with its name.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Delivery {
  /** Name of Alertmanager's receiver. */
  readonly receiver: string
  readonly status: 'firing' | 'resolved'
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
}

export interface Receiver {
  /** Where a receiver of this name delivers to. */
  urlOf(receiver: string): string
  /** Oldest first. An alert is delivered again each time its group changes. */
  deliveries(): readonly Delivery[]
  close(): Promise<void>
}

interface Payload {
  readonly receiver: string
  readonly alerts: readonly Omit<Delivery, 'receiver'>[]
}

export async function startReceiver(): Promise<Receiver> {
  const all: Delivery[] = []
  const server = createServer(async (request, response) => {
    let text = ''
    for await (const chunk of request.setEncoding('utf8')) text += chunk
    const { receiver, alerts } = JSON.parse(text) as Payload
    const known = decodeURIComponent(request.url!.slice(1))
    if (receiver !== known) return void response.writeHead(400).end(`${receiver} delivers to ${known}`)
    all.push(...alerts.map(({ status, labels, annotations }) => ({ receiver, status, labels, annotations })))
    response.end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    urlOf: (receiver) => `http://127.0.0.1:${port}/${encodeURIComponent(receiver)}`,
    deliveries: () => all,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
