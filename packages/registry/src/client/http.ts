// One request to a registry: over several urls, again after failures that pass, bounded in time.
import { backoffMs } from '@selfmonitor/cluster/backoff'
import type { RegistryClientOptions, RegistryRequest } from '../types.ts'
import { hintFor, RegistryError } from './errors.ts'
import { type Answer, exchange, type Message } from './exchange.ts'
import { loginOf, parseRegistryUrls } from './url.ts'

export type Http = (request: RegistryRequest) => Promise<unknown>

/** The client's network, waits and randomness; tests pass their own. */
export interface HttpDependencies {
  readonly exchange: (url: string, message: Message) => Promise<Answer>
  readonly sleep: (ms: number) => Promise<void>
  readonly random: () => number
}

const defaults: HttpDependencies = {
  exchange,
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  random: Math.random,
}

const contentType = 'application/vnd.schemaregistry.v1+json'
const backoff = { firstMs: 100, maxMs: 2000 } as const

/**
 * @returns a function that resolves to the parsed body of a 2xx answer
 * @throws {RegistryError} REGISTRY_OPTIONS: no url, or one that is not http(s)
 */
export function createHttp(options: RegistryClientOptions, dependencies: Partial<HttpDependencies> = {}): Http {
  const { exchange: send, sleep, random } = { ...defaults, ...dependencies }
  const urls = parseRegistryUrls(options.url)
  const authorization = authorizationOf(options, urls[0]!)
  const timeoutMs = options.timeoutMs ?? 10_000
  const retries = options.retries ?? 3
  /** The url that answered last: the others are asked when it fails. */
  let preferred = 0

  async function attempt(base: URL, { method, path, body }: RegistryRequest): Promise<unknown> {
    const url = `${base.origin}${base.pathname.replace(/\/$/, '')}${path}`
    let response: Answer
    let text: string
    try {
      response = await send(url, {
        method,
        headers: {
          accept: `${contentType}, application/json`,
          ...(body === undefined ? {} : { 'content-type': contentType }),
          ...(authorization === undefined ? {} : { authorization }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(timeoutMs),
        ...(options.tls === undefined ? {} : { ca: options.tls.ca }),
      })
      text = await response.text()
    } catch (error) {
      throw connectionError(error, url, timeoutMs)
    }
    return parseAnswer(response.status, text, method, url)
  }

  return async (request) => {
    let last: RegistryError | undefined
    for (let tried = 0; tried <= retries; tried++) {
      for (let step = 0; step < urls.length; step++) {
        const index = (preferred + step) % urls.length
        try {
          const result = await attempt(urls[index]!, request)
          preferred = index
          return result
        } catch (error) {
          if (!(error instanceof RegistryError) || !isRetriable(error, request.method)) throw error
          last = error
        }
      }
      if (tried < retries) await sleep(backoffMs(tried + 1, backoff) * (0.5 + random() / 2))
    }
    throw last
  }
}

/**
 * Whether another attempt, or another url, may have a different result. A deletion whose answer was lost may have happened: repeating
 * it would fail because there is nothing left to delete.
 */
function isRetriable(error: RegistryError, method: RegistryRequest['method']): boolean {
  if (method === 'DELETE') return error.code === 'REGISTRY_UNREACHABLE'
  if (error.status === undefined) return error.code === 'REGISTRY_UNREACHABLE' || error.code === 'REGISTRY_TIMEOUT'
  return error.status >= 500 || error.status === 429
}

function parseAnswer(status: number, text: string, method: string, url: string): unknown {
  const body = parseJson(text)
  if (status >= 200 && status < 300) {
    if (body !== undefined) return body
    throw new RegistryError('REGISTRY_BAD_ANSWER', `${method} ${url} answered with something that is not JSON`, {
      status,
      url,
      hint: 'is this the address of a Schema Registry?',
    })
  }
  const { error_code: errorCode, message } = (body ?? {}) as { error_code?: number; message?: string }
  const code = status === 409 ? 'REGISTRY_INCOMPATIBLE' : 'REGISTRY_REFUSED'
  const hint = hintFor(status, errorCode)
  throw new RegistryError(code, message ?? `${method} ${url} answered ${status}`, { status, errorCode, url, hint })
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Node's codes of a chain that cannot be verified, and of a name that the certificate does not have. */
const untrusted = /^(UNABLE_TO_|SELF_SIGNED_CERT_|DEPTH_ZERO_|CERT_|ERR_TLS_CERT_)/

function connectionError(error: unknown, url: string, timeoutMs: number): RegistryError {
  const { origin } = new URL(url)
  if ((error as Error).name === 'TimeoutError') {
    const hint = 'check that the registry is up, or raise timeoutMs'
    return new RegistryError('REGISTRY_TIMEOUT', `no answer from ${origin} within ${timeoutMs} ms`, {
      url,
      hint,
      cause: error,
    })
  }
  const { code, cause, message } = error as Error & { code?: string; cause?: { code?: string; message?: string } }
  const reason = code ?? cause?.code ?? cause?.message ?? message
  if (untrusted.test(reason)) {
    return new RegistryError(
      'REGISTRY_UNTRUSTED',
      `the certificate of the registry at ${origin} is not accepted (${message})`,
      {
        url,
        hint: 'set SCHEMA_REGISTRY_CA to the certificate of its CA, and use a host name that its certificate has',
        cause: error,
      },
    )
  }
  return new RegistryError('REGISTRY_UNREACHABLE', `cannot reach the registry at ${origin} (${reason})`, {
    url,
    hint: 'check that it is up, and that the url is right',
    cause: error,
  })
}

/** From the options, else from the url's own user and password, which are never sent or shown as part of it. */
function authorizationOf({ auth }: RegistryClientOptions, url: URL): string | undefined {
  const fromUrl = url.username === '' ? undefined : loginOf(url)
  const user = auth ?? fromUrl
  return user && `Basic ${Buffer.from(`${user.username}:${user.password}`).toString('base64')}`
}
