// Addresses of brokers, as people write them.
import { parseBroker } from '@platformatic/kafka'
import { invalid } from '../errors.ts'

export interface Address {
  readonly host: string
  readonly port: number
}

/** @throws ClusterError INVALID_ARGUMENT */
export function parseBootstrap(text: string): Address[] {
  const addresses = text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part) => parseBroker(part))
  const wrong = addresses.find(({ host, port }) => host === '' || !Number.isInteger(port) || port < 1 || port > 65_535)
  if (addresses.length === 0 || wrong !== undefined) {
    throw invalid(`bootstrapServers must be host:port, several joined with commas; it is '${text}'`, {
      hint: 'For example 127.0.0.1:9092.',
    })
  }
  return addresses
}

export const addressText = ({ host, port }: { readonly host?: string; readonly port?: number }): string =>
  `${host}:${port}`

export function uniqueAddresses(addresses: readonly Address[]): Address[] {
  return [...new Map(addresses.map((a) => [addressText(a), { host: a.host, port: a.port }])).values()]
}
