// The access file of a running registry: read at the start, and again whenever it changes.
import { readFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { contentOf, watchFiles } from '@selfmonitor/http'
import type { Logger } from '../types.ts'
import {
  type Authenticator,
  createAuthenticator,
  type Login,
  type LoginMemory,
  newLoginMemory,
} from './authenticate.ts'
import { AccessFileError } from './errors.ts'
import { parsePolicy } from './policy.ts'

export interface Access {
  authenticate(request: IncomingMessage): Promise<Login>
  challenges(): readonly string[]
  close(): void
}

export interface AccessOptions {
  readonly file: string
  readonly logger: Logger
  /** How often the file is looked at, in milliseconds. */
  readonly checkEveryMs: number
  /** Whether clients are asked for certificates: without, a file that lists some is refused. */
  readonly hasClientCa: boolean
}

/** @throws {AccessFileError} */
export async function openAccess({ file, logger, checkEveryMs, hasClientCa }: AccessOptions): Promise<Access> {
  const since = contentOf([file])
  const memory = newLoginMemory()
  let current: Authenticator = await read(file, hasClientCa, memory)
  const watch = watchFiles({
    ...{ files: [file], since },
    everyMs: checkEveryMs,
    async changed() {
      try {
        current = await read(file, hasClientCa, memory)
        logger.info({ file }, 'the access file has changed and is in use')
      } catch (error) {
        logger.error(
          { file, error: (error as Error).message },
          'the access file cannot be used; the one before stays in use',
        )
      }
    },
  })
  return {
    authenticate: (request) => current.authenticate(request),
    challenges: () => current.challenges,
    close: () => watch.close(),
  }
}

async function read(file: string, hasClientCa: boolean, memory: LoginMemory): Promise<Authenticator> {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new AccessFileError(file, [{ line: 1, message: `cannot be read: ${(error as Error).message}` }])
  }
  const policy = parsePolicy(file, text)
  if (policy.certificates.length > 0 && !hasClientCa) {
    const line = text.split('\n').findIndex((one) => /^['"]?certificates\b/.test(one)) + 1
    const message =
      'certificates: the registry asks no client for a certificate: name the CA that signs them with --tls-client-ca (tls.clientCaFile)'
    throw new AccessFileError(file, [{ line: Math.max(line, 1), message }])
  }
  return await createAuthenticator(policy, memory)
}
