// A small Kubernetes API server for tests: HTTPS with a CA of its own, bearer tokens of ServiceAccounts, RBAC enforced from the
// Role and binding objects it holds, objects in memory, refusals in Kubernetes' own Status bodies, conflicts by resourceVersion.
//
// Sources: "API Conventions" (sig-architecture), "Kubernetes API Concepts", RFC 7386. Watches, server-side apply, field
// selectors and admission are missing. It can hold any kind; clients can ask for those of `served`.
import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import { type AddressInfo, isIPv6 } from 'node:net'
import { join } from 'node:path'
import type { KubernetesObject } from '../api/types.ts'
import { readCertificates, readPrivateKey } from '../certificates/inspect.ts'
import { issueCa, issueLeaf } from '../certificates/issue.ts'
import { type Change, ObjectStore, type StoredObject } from './object-store.ts'
import { conflict, mergePatch, validate } from './objects.ts'
import { isAllowed } from './rbac.ts'

/** A request as a fault sees it, before anything is done. */
export interface ApiRequest {
  readonly user: string
  /** `get`, `list`, `create`, `update`, `patch`, `delete` */
  readonly verb: string
  readonly resource: string
  readonly namespace: string
  readonly name: string
  /** The answer's code; 0 when the connection was cut. */
  status: number
}

/** What to do instead of answering; `after: true` does what was asked first, and then lets the answer go wrong. */
export type Fault =
  | {
      readonly status: number
      readonly retryAfterSeconds?: number
      readonly message?: string
      readonly after?: boolean
    }
  | { readonly reset: true; readonly after?: boolean }

export type { Change, StoredObject } from './object-store.ts'

export interface ApiServerOptions {
  /** Default 127.0.0.1. */
  readonly host?: string
  /** Default 0: any that is free. */
  readonly port?: number
  /** Further names and addresses for the server's certificate, beside its host and localhost. */
  readonly names?: { readonly dnsNames?: readonly string[]; readonly ipAddresses?: readonly string[] }
  /** What is there from the start: also the Roles and bindings. */
  readonly objects?: readonly KubernetesObject[]
  /** Called before each request is carried out; may change the server's objects, and may return a fault. */
  readonly onRequest?: (request: Readonly<ApiRequest>) => Fault | undefined | Promise<Fault | undefined>
  /** Called after each change, by a client or by the test. */
  readonly onChange?: (change: Change) => void
}

export interface ApiServer {
  readonly host: string
  readonly port: number
  /** `https://127.0.0.1:41234` */
  readonly url: string
  /** PEM of the CA that signed the server's certificate. */
  readonly ca: string
  /** All requests, the oldest first. */
  readonly requests: readonly Readonly<ApiRequest>[]
  /** A new token of a ServiceAccount; earlier ones stay valid until `revoke`. */
  token(namespace: string, serviceAccount: string): string
  revoke(token: string): void
  /** Writes what is mounted into a pod: `token`, `ca.crt`, `namespace`. Returns the token. */
  writeServiceAccount(folder: string, namespace: string, serviceAccount: string): string
  /** Everything that is held, or all of one kind. */
  objects(kind?: string): readonly StoredObject[]
  object(kind: string, name: string, namespace?: string): StoredObject | undefined
  /** Creates or replaces, as an administrator: no rights asked. */
  put(object: KubernetesObject): StoredObject
  remove(kind: string, name: string, namespace?: string): void
  close(): Promise<void>
}

interface Served {
  readonly kind: string
  readonly group: string
  readonly version: string
  readonly namespaced: boolean
}

const served: Readonly<Record<string, Served>> = {
  secrets: { kind: 'Secret', group: '', version: 'v1', namespaced: true },
  configmaps: { kind: 'ConfigMap', group: '', version: 'v1', namespaced: true },
  services: { kind: 'Service', group: '', version: 'v1', namespaced: true },
  pods: { kind: 'Pod', group: '', version: 'v1', namespaced: true },
  nodes: { kind: 'Node', group: '', version: 'v1', namespaced: false },
}

const bodyLimitBytes = 3 * 1024 * 1024
const validityMs = 24 * 3_600_000

const reasons: Readonly<Record<number, string>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  413: 'RequestEntityTooLarge',
  415: 'UnsupportedMediaType',
  422: 'Invalid',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
}

/** Ends a request with a Status. */
class Refusal extends Error {
  readonly code: number
  readonly reason: string
  readonly details: Readonly<Record<string, unknown>> | undefined

  constructor(code: number, message: string, reason = reasons[code] ?? '', details?: Record<string, unknown>) {
    super(message)
    this.code = code
    this.reason = reason
    this.details = details
  }
}

/** Answers requests: who is calling, what that user may do, and the object that is asked for. */
class RequestHandler {
  readonly requests: ApiRequest[] = []
  /** User names by token. */
  readonly users = new Map<string, string>()
  private readonly store: ObjectStore
  private readonly onRequest: ApiServerOptions['onRequest']

  constructor(store: ObjectStore, onRequest: ApiServerOptions['onRequest']) {
    this.store = store
    this.onRequest = onRequest
  }

  /** @returns the caller's user name. @throws Refusal 401 for an unknown token */
  private authenticate(request: IncomingMessage): string {
    const token = request.headers.authorization?.match(/^Bearer (\S+)$/i)?.[1]
    if (token === undefined) return 'system:anonymous'
    const user = this.users.get(token)
    if (user === undefined) throw new Refusal(401, 'Unauthorized')
    return user
  }

  private authorize({ user, verb, resource, namespace, name }: ApiRequest, { group, namespaced }: Served): void {
    if (isAllowed(this.store.all(), { user, verb, apiGroup: group, resource, namespace, name })) return
    const scope = namespaced ? `in the namespace "${namespace}"` : 'at the cluster scope'
    const object = name === '' ? '' : ` "${name}"`
    throw new Refusal(
      403,
      `${resource}${object} is forbidden: User "${user}" cannot ${verb} resource "${resource}" in API group "${group}" ${scope}`,
      'Forbidden',
      { name, kind: resource },
    )
  }

  private existing({ resource, namespace, name }: ApiRequest, { kind, namespaced }: Served): StoredObject {
    const object = this.store.get(kind, name, namespaced ? namespace : undefined)
    if (object === undefined) {
      throw new Refusal(404, `${resource} "${name}" not found`, 'NotFound', { name, kind: resource })
    }
    return object
  }

  private carryOut(request: ApiRequest, kind: Served, text: string, contentType: string): [number, unknown] {
    switch (request.verb) {
      case 'get':
        return [200, this.existing(request, kind)]
      case 'list': {
        const items = this.store
          .all()
          .filter(
            (object) =>
              object.kind === kind.kind && (!kind.namespaced || object.metadata.namespace === request.namespace),
          )
        return [
          200,
          {
            apiVersion: 'v1',
            kind: `${kind.kind}List`,
            metadata: { resourceVersion: this.store.resourceVersion },
            items,
          },
        ]
      }
      case 'create': {
        const object = parseObject(text, request, kind)
        if (this.store.has(object)) {
          const { name } = object.metadata
          const message = `${request.resource} "${name}" already exists`
          throw new Refusal(409, message, 'AlreadyExists', { name, kind: request.resource })
        }
        if (object.metadata.resourceVersion) {
          throw new Refusal(400, 'resourceVersion should not be set on objects to be created')
        }
        return [201, this.store.save(this.checked(object, undefined, request))]
      }
      case 'update': {
        const before = this.existing(request, kind)
        return [200, this.store.save(this.checked(parseObject(text, request, kind), before, request))]
      }
      case 'patch': {
        if (contentType !== 'application/merge-patch+json') {
          throw new Refusal(
            415,
            `the body of the request was in an unknown format - accepted media types include: application/merge-patch+json`,
          )
        }
        const before = this.existing(request, kind)
        const patched = mergePatch(before, parseJson(text))
        return [
          200,
          this.store.save(this.checked(parseObject(JSON.stringify(patched), request, kind), before, request)),
        ]
      }
      case 'delete': {
        this.existing(request, kind)
        this.store.remove(kind.kind, request.name, kind.namespaced ? request.namespace : undefined)
        return [200, { apiVersion: 'v1', kind: 'Status', metadata: {}, status: 'Success' }]
      }
      default:
        throw new Refusal(405, 'the server does not allow this method on the requested resource')
    }
  }

  private checked(object: StoredObject, before: StoredObject | undefined, { resource }: ApiRequest): StoredObject {
    const details = { name: object.metadata.name, kind: resource }
    if (before !== undefined) {
      const message = conflict(before, object, resource)
      if (message !== undefined) throw new Refusal(409, message, 'Conflict', details)
    }
    const problems = validate(object, before)
    if (problems.length > 0) {
      const [first] = problems
      const list = problems.length === 1 ? first : `[${problems.join(', ')}]`
      throw new Refusal(422, `${object.kind} "${object.metadata.name}" is invalid: ${list}`, 'Invalid', details)
    }
    return object
  }

  async handle(message: IncomingMessage, response: ServerResponse): Promise<void> {
    let request: ApiRequest | undefined
    try {
      const body = await readBody(message)
      const { group, resource, namespace, name } = readPath(message.url ?? '/')
      const kind = Object.hasOwn(served, resource) ? served[resource]! : undefined
      if (kind === undefined || kind.group !== group || kind.namespaced !== (namespace !== '')) {
        throw new Refusal(404, 'the server could not find the requested resource')
      }
      const user = this.authenticate(message)
      request = { user, verb: verbOf(message.method ?? '', name), resource, namespace, name, status: 0 }
      this.requests.push(request)
      const fault = await this.onRequest?.({ ...request })
      if (fault !== undefined && fault.after !== true) return spoil(fault, response, request)
      this.authorize(request, kind)
      const contentType = (message.headers['content-type'] ?? '').split(';')[0]!.trim()
      const [code, answer] = this.carryOut(request, kind, body, contentType)
      if (fault !== undefined) return spoil(fault, response, request)
      request.status = code
      respond(response, code, answer)
    } catch (error) {
      const refusal = error instanceof Refusal ? error : new Refusal(500, `Internal error occurred: ${error}`)
      if (request !== undefined) request.status = refusal.code
      respond(response, refusal.code, statusBody(refusal))
    }
  }
}

/** Starts a server; `close` ends it. */
export async function startApiServer(options: ApiServerOptions = {}): Promise<ApiServer> {
  const host = options.host ?? '127.0.0.1'
  const tls = await serverCertificate(host, options.names ?? {})
  const store = new ObjectStore(options.onChange)
  const handler = new RequestHandler(store, options.onRequest)
  for (const object of options.objects ?? []) store.save(object)
  const server = createServer(tls, (message, response) => void handler.handle(message, response))
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port ?? 0, host, resolve)
  })
  const { port } = server.address() as AddressInfo

  const api: ApiServer = {
    host,
    port,
    url: `https://${isIPv6(host) ? `[${host}]` : host}:${port}`,
    ca: tls.ca,
    requests: handler.requests,
    token(namespace, serviceAccount) {
      const token = randomBytes(24).toString('base64url')
      handler.users.set(token, `system:serviceaccount:${namespace}:${serviceAccount}`)
      return token
    },
    revoke: (token) => void handler.users.delete(token),
    writeServiceAccount(folder, namespace, serviceAccount) {
      const token = api.token(namespace, serviceAccount)
      mkdirSync(folder, { recursive: true })
      for (const [file, text] of Object.entries({ token, 'ca.crt': tls.ca, namespace })) {
        writeFileSync(join(folder, file), text)
      }
      return token
    },
    objects: (kind) => store.all().filter((object) => kind === undefined || object.kind === kind),
    object: (kind, name, namespace) => store.get(kind, name, namespace),
    put: (object) => store.save(object),
    remove: (kind, name, namespace) => void store.remove(kind, name, namespace),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return api
}

async function serverCertificate(
  host: string,
  names: NonNullable<ApiServerOptions['names']>,
): Promise<{ ca: string; cert: string; key: string }> {
  const now = new Date()
  const ca = await issueCa('test API server CA', validityMs, now)
  const [certificate] = readCertificates(ca.certificate)
  const leaf = await issueLeaf(
    { certificate: certificate!, key: readPrivateKey(ca.key) },
    'kube-apiserver',
    {
      dnsNames: ['localhost', 'kubernetes', 'kubernetes.default.svc', ...(names.dnsNames ?? [])],
      ipAddresses: [...new Set(['127.0.0.1', host, ...(names.ipAddresses ?? [])])],
    },
    validityMs,
    now,
  )
  return { ca: ca.certificate, cert: leaf.certificate, key: leaf.key }
}

function spoil(fault: Fault, response: ServerResponse, request: ApiRequest): void {
  if ('reset' in fault) {
    response.socket?.destroy()
    return
  }
  request.status = fault.status
  if (fault.retryAfterSeconds !== undefined) response.setHeader('retry-after', String(fault.retryAfterSeconds))
  respond(response, fault.status, statusBody(new Refusal(fault.status, fault.message ?? `fault ${fault.status}`)))
}

function respond(response: ServerResponse, code: number, body: unknown): void {
  response.writeHead(code, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}

function statusBody({ message, code, reason, details }: Refusal): unknown {
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, details, code }
}

async function readBody(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of message as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > bodyLimitBytes) throw new Refusal(413, `Request entity too large: limit is ${bodyLimitBytes}`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** `/api/v1/namespaces/kafka/secrets/kafka-ca`, `/apis/apps/v1/…`, `/api/v1/nodes/a`. */
function readPath(url: string): { group: string; resource: string; namespace: string; name: string } {
  const parts = new URL(url, 'https://localhost').pathname.split('/').filter(Boolean).map(decodeURIComponent)
  const group = parts[0] === 'apis' ? (parts[1] ?? '') : ''
  const rest = parts.slice(parts[0] === 'apis' ? 3 : 2)
  const namespace = rest[0] === 'namespaces' && rest.length > 2 ? rest[1]! : ''
  const [resource = '', name = '', ...more] = namespace === '' ? rest : rest.slice(2)
  if ((parts[0] !== 'api' && parts[0] !== 'apis') || more.length > 0) {
    throw new Refusal(404, 'the server could not find the requested resource')
  }
  return { group, resource, namespace, name }
}

function verbOf(method: string, name: string): string {
  if (name === '') return { GET: 'list', POST: 'create' }[method] ?? method.toLowerCase()
  return { GET: 'get', PUT: 'update', PATCH: 'patch', DELETE: 'delete' }[method] ?? method.toLowerCase()
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new Refusal(400, `the object provided is unrecognized (must be of type ...): ${(error as Error).message}`)
  }
}

function parseObject(text: string, { namespace, name }: ApiRequest, kind: Served): StoredObject {
  const object = parseJson(text) as StoredObject
  const metadata = object?.metadata
  if (typeof metadata !== 'object' || metadata === null) throw new Refusal(400, 'metadata is required')
  if (object.kind !== undefined && object.kind !== kind.kind) {
    throw new Refusal(400, `${object.kind} in version "${object.apiVersion}" cannot be handled as a ${kind.kind}`)
  }
  if (name !== '' && metadata.name !== name) {
    throw new Refusal(400, `the name of the object (${metadata.name}) does not match the name on the URL (${name})`)
  }
  if (kind.namespaced && metadata.namespace !== undefined && metadata.namespace !== namespace) {
    throw new Refusal(400, `the namespace of the provided object does not match the namespace sent on the request`)
  }
  return {
    ...object,
    apiVersion: kind.group === '' ? kind.version : `${kind.group}/${kind.version}`,
    kind: kind.kind,
    metadata: { ...metadata, ...(kind.namespaced && { namespace }) },
  }
}
