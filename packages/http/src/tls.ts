// TLS of a server from files that are renewed while it runs. New connections use the new files at once. Connections that a client
// opened under the client CAs before end within a bound: a certificate that is no longer trusted must not keep one.
import { readFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import type { Server as HttpsServer } from 'node:https'
import type { Duplex } from 'node:stream'
import { createSecureContext, type SecureContextOptions, type TlsOptions } from 'node:tls'
import { contentOf, watchFiles } from './watch-files.ts'

export interface TlsFiles {
  /** The certificate, with its intermediate ones after it. PEM, as all of them. */
  readonly certificateFile: string
  /** Without a passphrase. */
  readonly keyFile: string
  /** The CAs whose certificates clients may show. Without it clients are not asked for one. */
  readonly clientCaFile?: string | undefined
  /** `required`: connections without a certificate of the client CAs are refused. Default `requested`. */
  readonly clientAuth?: 'required' | 'requested' | undefined
  /** How often the files are looked at, in milliseconds. Default 5 seconds. */
  readonly checkEveryMs?: number | undefined
  /** How long a connection under the client CAs before may still answer what is under way, in milliseconds. Default 30 seconds. */
  readonly drainMs?: number | undefined
}

const minVersion = 'TLSv1.2'
const handshakeTimeoutMs = 10_000

/** A file of the server's TLS is missing, or does not fit the others. */
export class TlsFilesError extends Error {
  readonly code = 'TLS_FILES'
}

interface TlsLogger {
  warn(context: object, message: string): void
  info?(context: object, message: string): void
}

/** @throws {TlsFilesError} */
export function tlsOptions(files: TlsFiles): TlsOptions {
  const asks = files.clientCaFile !== undefined
  return {
    ...readContext(files),
    minVersion,
    handshakeTimeout: handshakeTimeoutMs,
    requestCert: asks,
    // A connection without is refused by the handshake where one is required, else by whoever asks `socket.authorized`.
    rejectUnauthorized: asks && files.clientAuth === 'required',
  }
}

/** A hash of what the files contain. */
export function tlsContent(files: TlsFiles): string {
  return contentOf(pathsOf(files))
}

function pathsOf({ certificateFile, keyFile, clientCaFile }: TlsFiles): string[] {
  return [certificateFile, keyFile, clientCaFile].filter((path) => path !== undefined)
}

/**
 * Follows the files from the time that the server listens until it is closed. Files that do not fit are logged, and those before stay.
 * @param since what they contained before the server read them: `tlsContent`
 * @param underWay the responses that a connection has not ended
 * @returns whether a connection's handshake was successful
 */
export function followTlsFiles(
  server: HttpsServer,
  files: TlsFiles,
  since: string,
  underWay: (socket: Duplex) => Iterable<ServerResponse>,
  logger: TlsLogger | undefined,
): (socket: Duplex) => boolean {
  const paths = pathsOf(files)
  let clientCa = String(readContext(files).ca)
  const open = new Set<Duplex>()
  /** Connections that end, and those that may have begun their handshake before the client CAs changed. */
  let ending: { readonly sockets: Set<Duplex>; readonly atMs: number } | undefined
  server.on('secureConnection', (socket) => {
    open.add(socket)
    if (ending !== undefined && performance.now() - ending.atMs < handshakeTimeoutMs) ending.sockets.add(socket)
    socket.once('close', () => {
      open.delete(socket)
      ending?.sockets.delete(socket)
    })
  })

  function renew(): void {
    try {
      const context = readContext(files)
      server.setSecureContext({ ...context, minVersion })
      logger?.info?.({ file: files.certificateFile }, 'the certificate, key or client CAs have changed and are in use')
      if (String(context.ca) === clientCa) return
      clientCa = String(context.ca)
      ending = { sockets: new Set([...open, ...(ending?.sockets ?? [])]), atMs: performance.now() }
      drain(ending.sockets, underWay, files.drainMs ?? 30_000)
    } catch (error) {
      logger?.warn({ error: (error as Error).message }, 'the files of TLS cannot be used; those before stay in use')
    }
  }

  let watch: { close(): void } | undefined
  server.once('listening', () => {
    watch = watchFiles({ files: paths, since, everyMs: files.checkEveryMs ?? 5_000, changed: renew })
  })
  server.once('close', () => watch?.close())
  return (socket) => open.has(socket)
}

/** Ends idle connections now, others after their answers, and after `withinMs` all that are left. */
function drain(
  sockets: ReadonlySet<Duplex>,
  underWay: (socket: Duplex) => Iterable<ServerResponse>,
  withinMs: number,
): void {
  for (const socket of sockets) {
    const responses = [...underWay(socket)]
    if (responses.length === 0) socket.destroy()
    for (const response of responses) {
      if (!response.headersSent) response.setHeader('connection', 'close')
      response.once('close', () => socket.end())
    }
  }
  setTimeout(() => {
    for (const socket of sockets) socket.destroy()
  }, withinMs).unref()
}

/** @throws {TlsFilesError} */
function readContext(files: TlsFiles): SecureContextOptions {
  const read = (path: string, what: string): Buffer => {
    try {
      return readFileSync(path)
    } catch (error) {
      throw new TlsFilesError(`the ${what} ${path} cannot be read: ${(error as Error).message}`, { cause: error })
    }
  }
  const context = {
    cert: read(files.certificateFile, 'certificate'),
    key: read(files.keyFile, 'key'),
    ...(files.clientCaFile === undefined ? {} : { ca: read(files.clientCaFile, 'file of client CAs') }),
  }
  if (
    files.clientCaFile !== undefined &&
    !/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/.test(String(context.ca))
  ) {
    throw new TlsFilesError(`${files.clientCaFile} has no certificate in PEM`)
  }
  try {
    createSecureContext(context)
  } catch (error) {
    const { certificateFile, keyFile } = files
    throw new TlsFilesError(
      `${certificateFile} and ${keyFile} are not a certificate and its key without a passphrase, in PEM: ${(error as Error).message}`,
      { cause: error },
    )
  }
  return context
}
