// A client of the Kubernetes API that gets, creates and patches a few kinds. Every request is bounded, repeated when the server
// is away or busy, and refused with a sentence that says which right is missing.
import { Agent, request as httpsRequest } from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'
import { KubernetesError } from '../errors.ts'
import type { ApiConnection } from './in-cluster.ts'
import { type Kinds, resources, type Status } from './types.ts'

export interface ClientOptions {
  /** Limit for one try, in milliseconds. Default 10,000. */
  readonly requestTimeoutMs?: number
  /** Tries in all. Default 8, which with the pauses is about a minute. */
  readonly attempts?: number
  /** First pause, in milliseconds, doubled each time up to 15,000; a server's Retry-After counts instead. Default 500. */
  readonly backoffMs?: number
  readonly signal?: AbortSignal
  /** Told of every repetition. */
  readonly onRetry?: (message: string) => void
}

export interface KubernetesClient {
  readonly namespace: string
  /** Reads one object; nothing when there is none. */
  get<K extends keyof Kinds>(kind: K, name: string): Promise<Kinds[K] | undefined>
  /**
   * Creates an object.
   * @returns the object, or nothing when there already is one of that name: another process was first, read it.
   */
  create<K extends keyof Kinds>(kind: K, object: Kinds[K]): Promise<Kinds[K] | undefined>
  /**
   * Changes the named fields and leaves the others (JSON merge patch, RFC 7386).
   * @param patch with `metadata.resourceVersion`, only when the object is still the one that was read
   * @returns the object, or nothing when it is not
   */
  patch<K extends keyof Kinds>(kind: K, name: string, patch: unknown): Promise<Kinds[K] | undefined>
  close(): void
}

const maxPauseMs = 15_000
const retriedStatuses = new Set([429, 500, 502, 503, 504])

interface Answer {
  readonly status: number
  readonly retryAfterMs: number | undefined
  readonly body: string
}

interface Call {
  readonly verb: 'get' | 'create' | 'patch'
  readonly kind: keyof Kinds
  readonly name: string
  readonly body?: unknown
}

/**
 * Connects on first use.
 * @param namespace where namespaced objects are; default the connection's
 */
export function connectKubernetes(
  connection: ApiConnection,
  options: ClientOptions & { readonly namespace?: string } = {},
): KubernetesClient {
  const { requestTimeoutMs = 10_000, attempts = 8, backoffMs = 500, signal, onRetry } = options
  const namespace = options.namespace ?? connection.namespace
  const agent = new Agent({ keepAlive: true, maxSockets: 4, ca: connection.ca })

  /** One try. */
  async function send(call: Call): Promise<Answer> {
    const { plural, namespaced } = resources[call.kind]
    const collection = `/api/v1/${namespaced ? `namespaces/${encodeURIComponent(namespace)}/` : ''}${plural}`
    const token = await connection.token()
    const body = call.body === undefined ? undefined : JSON.stringify(call.body)
    return new Promise((resolve, reject) => {
      const sent = httpsRequest(
        new URL(
          call.verb === 'create' ? collection : `${collection}/${encodeURIComponent(call.name)}`,
          connection.server,
        ),
        {
          agent,
          method: { get: 'GET', create: 'POST', patch: 'PATCH' }[call.verb],
          headers: {
            authorization: `Bearer ${token}`,
            accept: 'application/json',
            'user-agent': 'selfmonitor-kubernetes',
            ...(body !== undefined && {
              'content-type': call.verb === 'patch' ? 'application/merge-patch+json' : 'application/json',
              'content-length': Buffer.byteLength(body),
            }),
          },
          signal: AbortSignal.any([AbortSignal.timeout(requestTimeoutMs), ...(signal === undefined ? [] : [signal])]),
        },
        (response) => {
          const chunks: Buffer[] = []
          response.on('data', (chunk: Buffer) => chunks.push(chunk))
          response.on('error', reject)
          response.on('end', () => {
            const seconds = Number(response.headers['retry-after'] ?? Number.NaN)
            resolve({
              status: response.statusCode ?? 0,
              retryAfterMs: Number.isFinite(seconds) ? seconds * 1000 : undefined,
              body: Buffer.concat(chunks).toString('utf8'),
            })
          })
        },
      )
      sent.on('error', reject)
      sent.end(body)
    })
  }

  /** Tries until there is an answer that more trying would not change. */
  async function perform(call: Call): Promise<Answer> {
    const what = `${call.verb} ${resources[call.kind].plural} "${call.name}"`
    let unauthorized = false
    for (let attempt = 1; ; attempt += 1) {
      let answer: Answer | undefined
      let failure: unknown
      try {
        answer = await send(call)
      } catch (error) {
        if (error instanceof KubernetesError || signal?.aborted) throw error
        failure = error
        if (isTrustError(error)) throw untrusted(connection.server, error as Error)
      }
      if (answer?.status === 401 && !unauthorized) {
        // The token may have been replaced between reading it and using it; it is read again, once.
        unauthorized = true
        continue
      }
      if (answer !== undefined && !retriedStatuses.has(answer.status)) return answer
      const why =
        answer === undefined
          ? describe(failure, requestTimeoutMs)
          : `${answer.status} ${statusOf(answer).message ?? ''}`.trim()
      if (attempt >= attempts) {
        throw new KubernetesError(
          'API_UNREACHABLE',
          `The Kubernetes API at ${connection.server} does not answer ${what} (${attempts} tries): ${why}`,
          {
            reason: 'cannot-connect',
            hint: 'Check that the API server is up, and that a NetworkPolicy lets this pod reach it (networkPolicy.apiServer).',
            cause: failure,
          },
        )
      }
      const pauseMs = Math.min(
        maxPauseMs,
        answer?.retryAfterMs ?? backoffMs * 2 ** (attempt - 1) * (0.75 + Math.random() / 2),
      )
      onRetry?.(`${what}: ${why}; again in ${(pauseMs / 1000).toFixed(1)} s (${attempt} of ${attempts})`)
      await sleep(pauseMs, undefined, { signal })
    }
  }

  async function call<K extends keyof Kinds>(request: Call, absent: number): Promise<Kinds[K] | undefined> {
    const answer = await perform(request)
    if (answer.status >= 200 && answer.status < 300) return parse<K>(answer, connection.server)
    if (answer.status === absent) {
      // A missing namespace is a 404 on create too, and is not to be taken for anything else.
      return undefined
    }
    throw refusal(request, statusOf(answer), answer.status, namespace)
  }

  return {
    namespace,
    get: (kind, name) => call({ verb: 'get', kind, name }, 404),
    create: (kind, object) => call({ verb: 'create', kind, name: object.metadata.name, body: object }, 409),
    patch: (kind, name, patch) => call({ verb: 'patch', kind, name, body: patch }, 409),
    close: () => agent.destroy(),
  }
}

function parse<K extends keyof Kinds>(answer: Answer, server: string): Kinds[K] {
  try {
    return JSON.parse(answer.body) as Kinds[K]
  } catch (cause) {
    throw new KubernetesError('API_ERROR', `${server} answered ${answer.status} with something that is not JSON.`, {
      hint: 'Something between this pod and the API server, such as a proxy, sent this answer.',
      cause,
    })
  }
}

/** The API server's message; undefined if a proxy answered instead. */
function statusOf(answer: Answer): Partial<Status> {
  try {
    return JSON.parse(answer.body) as Status
  } catch {
    return {}
  }
}

function describe(failure: unknown, requestTimeoutMs: number): string {
  const error = failure as NodeJS.ErrnoException
  return error.name === 'AbortError' || error.name === 'TimeoutError'
    ? `no answer within ${requestTimeoutMs / 1000} s`
    : ((error.message || error.code) ?? String(failure))
}

function isTrustError(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return typeof code === 'string' && /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ERR_TLS/.test(code)
}

function untrusted(server: string, cause: Error): KubernetesError {
  return new KubernetesError('API_UNREACHABLE', `The certificate of ${server} cannot be trusted: ${cause.message}`, {
    reason: 'cannot-connect',
    hint: 'The ca.crt beside the ServiceAccount token must be that of this API server.',
    cause,
  })
}

function refusal(call: Call, status: Partial<Status>, code: number, namespace: string): KubernetesError {
  const { plural, namespaced } = resources[call.kind]
  const place = namespaced ? ` in namespace ${namespace}` : ''
  const said = status.message ?? `HTTP ${code}`
  if (code === 401) {
    return new KubernetesError('UNAUTHORIZED', `The Kubernetes API does not accept this pod's token: ${said}`, {
      reason: 'not-allowed',
      hint: 'Check that the ServiceAccount still exists, and that the token is mounted from it.',
    })
  }
  // Quotas and namespaces that are being deleted answer 403 too, and no Role mends that.
  if (code === 403 && / cannot \w+ resource /.test(said)) {
    // The server says whose right it is that lacks: `User "system:serviceaccount:kafka:setup" cannot get resource …`.
    const account = said.match(/User "([^"]+)"/)?.[1] ?? 'this ServiceAccount'
    // A name would be no use for create, and nodes come and go.
    const names = call.verb === 'create' || !namespaced ? '' : `, resourceNames: ["${call.name}"]`
    return new KubernetesError('FORBIDDEN', `${account} may not ${call.verb} ${plural} "${call.name}"${place}.`, {
      reason: 'not-allowed',
      hint:
        `Its ${namespaced ? 'Role' : 'ClusterRole'} needs the rule ` +
        `{apiGroups: [""], resources: ["${plural}"], verbs: ["${call.verb}"]${names}}. The API server said: ${said}`,
    })
  }
  if (code === 404) {
    return new KubernetesError('NOT_FOUND', `Cannot ${call.verb} ${plural} "${call.name}"${place}: ${said}`, {
      hint:
        call.verb === 'create'
          ? `Create the namespace first: kubectl create namespace ${namespace}`
          : 'It existed a moment ago and was deleted meanwhile. Run this again.',
    })
  }
  return new KubernetesError('API_ERROR', `Cannot ${call.verb} ${plural} "${call.name}"${place}: ${code} ${said}`, {
    hint: code === 422 ? 'The API server rejects the object: its message names the field.' : undefined,
  })
}
