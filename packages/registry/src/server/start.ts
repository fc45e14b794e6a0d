// Starts a registry: its state from Kafka, its REST API on a port.
import type { AddressInfo } from 'node:net'
import { isIP } from 'node:net'
import { type Guard, guard, HostPatternError, isLoopback } from '@selfmonitor/http'
import { openStore } from '../store/index.ts'
import type { Logger, RegistryOptions, RegistryServer } from '../types.ts'
import { buildApp, renderRefusal } from './app.ts'
import { RegistryOptionsError } from './errors.ts'

/** Kafka takes 1 MiB a record by default; what it does not take is said then. This bounds memory. */
export const bodyLimitBytes = 10 * 1024 * 1024

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} }

/**
 * Reads the topic to its end, then listens.
 * @throws {RegistryOptionsError} an address that others can reach, without `insecure`; an allowed host that is not a name
 * @throws {TopicUnusableError} the topic has several partitions or is not compacted
 * @throws {StoreError} Kafka was not reached in time
 */
export async function startRegistry(options: RegistryOptions): Promise<RegistryServer> {
  const host = options.host ?? '127.0.0.1'
  const logger = options.logger ?? silent
  if (!isLoopback(host) && options.insecure !== true) {
    throw new RegistryOptionsError(
      'host',
      `${host} can be reached from other machines, and the registry has no authentication; listen on 127.0.0.1, or pass insecure: true`,
    )
  }
  const guarding = guardOf(options, host, logger)
  const storeTimeoutMs = options.storeTimeoutMs ?? 5_000
  const store = await openStore({
    bootstrapServers: options.bootstrapServers,
    security: options.security,
    topic: options.topic ?? '_schemas',
    replicationFactor: options.replicationFactor ?? 3,
    timeoutMs: storeTimeoutMs,
    startTimeoutMs: options.startTimeoutMs ?? 30_000,
    logger,
  })
  const app = buildApp({ store, fallbackLevel: options.compatibilityLevel ?? 'BACKWARD' }, logger, guarding)
  try {
    await app.listen({ host, port: options.port ?? 8081 })
  } catch (error) {
    await store.close()
    throw error
  }
  const { address, port } = app.server.address() as AddressInfo
  const url = `http://${isIP(address) === 6 ? `[${address}]` : address}:${port}`
  logger.info({ url }, 'the registry is ready')
  let closing: Promise<void> | undefined

  /** Lets what is under way end, within the time that a request may take at most. */
  async function close(): Promise<void> {
    const giveUp = setTimeout(() => app.server.closeAllConnections(), storeTimeoutMs + 1_000)
    await app.close()
    clearTimeout(giveUp)
    await store.close()
  }

  return {
    url,
    address: { host: address, port },
    close() {
      closing ??= close()
      return closing
    },
  }
}

/** @throws {RegistryOptionsError} */
function guardOf({ allowedHosts, requestTimeoutMs }: RegistryOptions, host: string, logger: Logger): Guard {
  try {
    return guard({
      listensOn: host,
      allowedHosts,
      allowedHostsSetting: "the registry's option allowedHosts",
      bodyLimitBytes,
      requestTimeoutMs,
      render: renderRefusal,
      logger,
    })
  } catch (error) {
    if (error instanceof HostPatternError) throw new RegistryOptionsError('allowedHosts', error.message)
    throw error
  }
}
