// Starts a registry: its state from Kafka, its REST API on a port.
import type { AddressInfo } from 'node:net'
import { isIP } from 'node:net'
import { type Guard, guard, HostPatternError, isLoopback, TlsFilesError } from '@selfmonitor/http'
import type { FastifyInstance } from 'fastify'
import type { Access } from '../access/index.ts'
import { openStore } from '../store/index.ts'
import type { Logger, RegistryOptions, RegistryServer } from '../types.ts'
import { buildApp, renderRefusal } from './app.ts'
import { RegistryOptionsError } from './errors.ts'

/** Kafka takes 1 MiB a record by default; what it does not take is said then. This bounds memory. */
export const bodyLimitBytes = 10 * 1024 * 1024

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} }

/**
 * Reads the topic to its end, then listens.
 * @throws {RegistryOptionsError} an address that others can reach, without TLS, access file or `insecure`; an allowed host that is not a
 *   name; files of TLS that do not fit
 * @throws {AccessFileError}
 * @throws {TopicUnusableError} the topic has several partitions or is not compacted
 * @throws {StoreError} Kafka was not reached in time
 */
export async function startRegistry(options: RegistryOptions): Promise<RegistryServer> {
  const host = options.host ?? '127.0.0.1'
  const logger = options.logger ?? silent
  requireSafeAddress(options, host)
  const guarding = guardOf(options, host, logger)
  const access = await accessOf(options, logger)
  const storeTimeoutMs = options.storeTimeoutMs ?? 5_000
  const store = await openStore({
    bootstrapServers: options.bootstrapServers,
    security: options.security,
    topic: options.topic ?? '_schemas',
    replicationFactor: options.replicationFactor ?? 3,
    timeoutMs: storeTimeoutMs,
    startTimeoutMs: options.startTimeoutMs ?? 30_000,
    logger,
  }).catch((error) => {
    access?.close()
    throw error
  })
  const { recordChange } = options
  const context = { store, fallbackLevel: options.compatibilityLevel ?? 'BACKWARD' }
  const app = await listening(
    () => buildApp(context, { guard: guarding, logger, access, recordChange }),
    { host, port: options.port ?? 8081 },
    async () => {
      access?.close()
      await store.close()
    },
  )
  const { address, port } = app.server.address() as AddressInfo
  const url = `${options.tls ? 'https' : 'http'}://${isIP(address) === 6 ? `[${address}]` : address}:${port}`
  logger.info({ url }, 'the registry is ready')
  let closing: Promise<void> | undefined

  /** Lets what is under way end, within the time that a request may take at most. */
  async function close(): Promise<void> {
    const giveUp = setTimeout(() => app.server.closeAllConnections(), storeTimeoutMs + 1_000)
    await app.close()
    clearTimeout(giveUp)
    access?.close()
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
function requireSafeAddress({ tls, accessFile, insecure }: RegistryOptions, host: string): void {
  if (isLoopback(host) || insecure === true || (tls && accessFile !== undefined)) return
  const lacks = [...(tls ? [] : ['TLS']), ...(accessFile === undefined ? ['an access file'] : [])].join(' and ')
  throw new RegistryOptionsError(
    'host',
    `${host} can be reached from other machines, and the registry has not been given ${lacks}; give it, listen on 127.0.0.1, or pass insecure: true`,
  )
}

/** Its parser of YAML is loaded only for registries that have an access file. @throws {AccessFileError} */
async function accessOf(
  { accessFile, accessCheckMs, tls }: RegistryOptions,
  logger: Logger,
): Promise<Access | undefined> {
  if (accessFile === undefined) return undefined
  const { openAccess } = await import('../access/open.ts')
  return await openAccess({
    ...{ file: accessFile, logger, checkEveryMs: accessCheckMs ?? 5_000 },
    hasClientCa: tls?.clientCaFile !== undefined,
  })
}

/** @throws {RegistryOptionsError} the files of TLS do not fit, and what `listen` throws; then `cleanUp` has run */
async function listening(
  build: () => FastifyInstance,
  at: { readonly host: string; readonly port: number },
  cleanUp: () => Promise<void>,
): Promise<FastifyInstance> {
  try {
    const app = build()
    await app.listen(at)
    return app
  } catch (error) {
    await cleanUp()
    if (error instanceof TlsFilesError) throw new RegistryOptionsError('tls', error.message)
    throw error
  }
}

/** @throws {RegistryOptionsError} */
function guardOf({ allowedHosts, requestTimeoutMs, tls }: RegistryOptions, host: string, logger: Logger): Guard {
  try {
    return guard({
      listensOn: host,
      allowedHosts,
      allowedHostsSetting: "the registry's option allowedHosts",
      bodyLimitBytes,
      requestTimeoutMs,
      render: renderRefusal,
      tls,
      logger,
    })
  } catch (error) {
    if (error instanceof TlsFilesError) throw new RegistryOptionsError('tls', error.message)
    if (error instanceof HostPatternError) throw new RegistryOptionsError('allowedHosts', error.message)
    throw error
  }
}
