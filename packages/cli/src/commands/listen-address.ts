// The address of a server, as an option names it.
import { usageError } from '../framework/errors.ts'

/**
 * `9308`, `0.0.0.0:9308`, `[::1]:9308`
 * @param defaultPort without an address; also for the message
 * @throws CliError USAGE
 */
export function listenAddress(
  address: string | undefined,
  defaultPort: number,
): { readonly host?: string; readonly port: number } {
  if (address === undefined) return { port: defaultPort }
  const [, host, port] = /^(?:(.+):)?(\d{1,5})$/.exec(address) ?? []
  if (port === undefined || Number(port) > 65_535) {
    throw usageError(
      `--listen ${address} is not an address and a port.`,
      `Write 127.0.0.1:${defaultPort}, or ${defaultPort} alone.`,
    )
  }
  return { ...(host === undefined ? {} : { host: host.replace(/^\[(.*)\]$/, '$1') }), port: Number(port) }
}
