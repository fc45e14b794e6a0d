// The access file of a running registry: read at the start, and again whenever it changes.
import { readFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { contentOf, watchFiles } from '@selfmonitor/http'
import type { Logger } from '../types.ts'
import { type Authenticator, createAuthenticator, type Login } from './authenticate.ts'
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
}

/** @throws {AccessFileError} */
export async function openAccess({ file, logger, checkEveryMs }: AccessOptions): Promise<Access> {
  const since = contentOf([file])
  let current: Authenticator = await read(file)
  const watch = watchFiles({
    ...{ files: [file], since },
    everyMs: checkEveryMs,
    async changed() {
      try {
        current = await read(file)
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

async function read(file: string): Promise<Authenticator> {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new AccessFileError(file, [{ line: 1, message: `cannot be read: ${(error as Error).message}` }])
  }
  return await createAuthenticator(parsePolicy(file, text))
}
