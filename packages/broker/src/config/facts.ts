// Broker settings in which the presented brokers of one process differ.
import type { PresentedBroker } from './types.ts'

/** The identity and address that `server.properties` of this presented broker would have. */
export function factsOf({ brokerId, host, port }: PresentedBroker): Readonly<Record<string, string>> {
  const address = `PLAINTEXT://${host}:${port}`
  return {
    'broker.id': String(brokerId),
    'node.id': String(brokerId),
    listeners: address,
    'advertised.listeners': address,
  }
}
