// The REST API as a Fastify application: routes, content types, and errors in Confluent's form.
import { STATUS_CODES } from 'node:http'
import { findErrorBy } from '@platformatic/kafka'
import { bodyTypeRefusal, type Guard, negotiate, type Refusal } from '@selfmonitor/http'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest, type HTTPMethods } from 'fastify'
import { type Access, DeniedError, needOf } from '../access/index.ts'
import { InvalidSchemaError } from '../formats/index.ts'
import { errors, RegistryRefusal } from '../operations/index.ts'
import { StoreError } from '../store/index.ts'
import type { Logger, RecordChange } from '../types.ts'
import { createGate, type Gate } from './gate.ts'
import { addMetrics } from './metrics.ts'
import { createPerformer, type Perform } from './perform.ts'
import { allRoutes, type Call, contractFields, RawText, type Route, type RouteContext } from './routes/index.ts'

/**
 * The types that the registry answers in, the preferred one first.
 * https://docs.confluent.io/platform/current/schema-registry/develop/api.html#content-types
 */
const answerTypes = [
  'application/vnd.schemaregistry.v1+json',
  'application/vnd.schemaregistry+json',
  'application/json',
]
const bodyTypes = [...answerTypes, 'application/octet-stream']
const ownMethods: readonly HTTPMethods[] = ['GET', 'POST', 'PUT', 'DELETE']
/** Those that get a 405 on a path that does not have them; OPTIONS is answered on every path. */
const methods: readonly HTTPMethods[] = [...ownMethods, 'PATCH', 'TRACE']

/** No route has a schema of Fastify's own: its compilers, which take long to load, are never asked. */
function noCompiler(): never {
  throw new Error('a route of the registry has a Fastify schema: check bodies with zod instead')
}

export interface AppParts {
  /** Checks hosts, origins and media types of requests, and limits their size and time. */
  readonly guard: Guard
  readonly logger: Logger
  /** Default: everyone may do everything. */
  readonly access?: Access | undefined
  /** Default: changes are not recorded. */
  readonly recordChange?: RecordChange | undefined
}

export function buildApp(context: RouteContext, { guard, logger, access, recordChange }: AppParts): FastifyInstance {
  const gate = createGate(access, context.store, logger)
  const app = Fastify({
    ...guard,
    schemaController: { compilersFactory: { buildValidator: noCompiler, buildSerializer: noCompiler } },
    routerOptions: { maxParamLength: 8192, ignoreTrailingSlash: true },
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    frameworkErrors: (error, request, reply) => sendError(toRefusal(error), request, reply),
  })

  let closing = false
  app.addHook('preClose', async () => {
    closing = true
  })
  // A connection that is kept open for a next request would keep the server from closing.
  app.addHook('onSend', async (_request, reply) => {
    if (closing) reply.header('connection', 'close')
  })

  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, text, done) => {
    try {
      done(null, parseBody(String(text)))
    } catch (error) {
      done(error as Error)
    }
  })

  // Of every path, also of those that the registry does not have.
  app.addHook('onRequest', (request, reply) => gate.enter(request, reply))
  addMetrics(app, context.store)
  addRoutes(app, context, gate, createPerformer(context, recordChange))

  app.setNotFoundHandler((request, reply) => {
    const known: readonly string[] = [...methods, 'HEAD', 'OPTIONS']
    if (known.includes(request.method)) return sendError(errors.noSuchPath(), request, reply)
    // A method that no path has.
    return sendError(plainRefusal(405), request, reply.header('allow', [...ownMethods, 'HEAD', 'OPTIONS'].join(', ')))
  })
  app.setErrorHandler((error, request, reply) => {
    const refusal = toRefusal(error)
    if (refusal.status >= 500) {
      logger.error(
        { method: request.method, url: request.url, error: String((error as Error).stack) },
        'request failed',
      )
    }
    return sendError(refusal, request, reply)
  })
  return app
}

/** The guard's refusals, in the form of the registry's other errors. */
export function renderRefusal({ status, message }: Refusal): { type: string; body: string } {
  return { type: answerTypes[0]!, body: errorText(status, message) }
}

function addRoutes(app: FastifyInstance, context: RouteContext, gate: Gate, perform: Perform): void {
  const routes = allRoutes(context)
  routes.forEach((route, index) => {
    const need = needOf(route)
    app.route({
      method: route.method,
      url: route.path,
      // Before the body is read; its references are checked with it.
      onRequest: [checkMediaTypes, async (request) => gate.require(need, callOf(request), request)],
      async handler(request, reply) {
        const call = callOf(request)
        gate.require(need, call, request)
        const result = await perform(index, call, {
          need,
          caller: gate.callerOf(request),
          address: request.ip,
        })
        if (result === undefined) return reply.status(204).send()
        return send(request, reply, result instanceof RawText ? result.text : JSON.stringify(result))
      },
    })
  })
  for (const [path, own] of byPath(routes)) {
    const allow = [...own, ...(own.includes('GET') ? ['HEAD'] : []), 'OPTIONS'].join(', ')
    app.route({ method: 'OPTIONS', url: path, handler: (_request, reply) => reply.header('allow', allow).send() })
    app.route({
      method: methods.filter((method) => !own.includes(method)),
      url: path,
      // Before the body is read: whatever it is, the method is wrong.
      onRequest: async (request, reply) => sendError(plainRefusal(405), request, reply.header('allow', allow)),
      handler: () => undefined,
    })
  }
}

function callOf(request: FastifyRequest): Call {
  return {
    params: request.params as Record<string, string>,
    query: firstValues(request.query as Record<string, string | string[]>),
    queries: allValues(request.query as Record<string, string | string[]>),
    body: request.body,
  }
}

function sendError(refusal: RegistryRefusal, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  return send(request, reply.status(refusal.status), errorText(refusal.errorCode, refusal.message))
}

function errorText(errorCode: number, message: string): string {
  return JSON.stringify({ error_code: errorCode, message })
}

/** As bytes: Fastify would add a charset to the type of a text, which Confluent's registry does not send. */
function send(request: FastifyRequest, reply: FastifyReply, text: string): FastifyReply {
  const type = negotiate(request.headers.accept, answerTypes) ?? answerTypes[0]!
  return reply.header('content-type', type).send(Buffer.from(text))
}

/** @throws {RegistryRefusal} 415: the body has another type, or none; 406: the client takes none of the types */
async function checkMediaTypes({ headers }: FastifyRequest): Promise<void> {
  const refusal = bodyTypeRefusal(headers, bodyTypes)
  if (refusal) throw plainRefusal(refusal.status, refusal.message)
  if (negotiate(headers.accept, answerTypes) === undefined) {
    throw plainRefusal(406, `The answer is ${answerTypes.join(', ')}`)
  }
}

/** A refusal for which Confluent's registry has no code of its own. */
function plainRefusal(status: number, detail?: string): RegistryRefusal {
  const text = `HTTP ${status} ${STATUS_CODES[status]}`
  return new RegistryRefusal(status, status, detail === undefined ? text : `${text}: ${detail}`)
}

/** @throws {RegistryRefusal} 400 */
function parseBody(text: string): unknown {
  if (text === '') return undefined
  try {
    return withExactContracts(JSON.parse(text), text)
  } catch (error) {
    throw new RegistryRefusal(400, 400, `The body is not JSON: ${(error as Error).message}`)
  }
}

/** Numbers in a contract are texts: `1.10` has to stay what it is, and so have twenty digits. */
function withExactContracts(body: unknown, text: string): unknown {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return body
  const fields = contractFields.filter((name) => Object.hasOwn(body, name))
  if (fields.length === 0) return body
  const asText = (_name: string, value: unknown, { source }: { source?: string } = {}) =>
    typeof value === 'number' ? source : value
  const exact = JSON.parse(text, asText) as Record<string, unknown>
  return { ...body, ...Object.fromEntries(fields.map((name) => [name, exact[name]])) }
}

function toRefusal(error: unknown): RegistryRefusal {
  if (error instanceof RegistryRefusal) return error
  if (error instanceof StoreError) {
    if (findErrorBy(error.cause as Error | undefined, 'apiId', 'MESSAGE_TOO_LARGE')) {
      return errors.tooLarge('The schema is larger than a record of the registry topic may be', error)
    }
    return error.code === 'STORE_TIMEOUT'
      ? errors.storeTimeout(`The operation timed out: ${error.message}`, error)
      : errors.storeFailed(`Error in the backend data store: ${error.message}`, error)
  }
  if (error instanceof DeniedError) return errors.denied(error.message, error)
  const { code, message } = error as { code?: unknown; message: string }
  if (code === 'AUDIT_UNAVAILABLE' || code === 'AUDIT_INCOMPLETE') {
    return new RegistryRefusal(503, 503, `HTTP 503 Service Unavailable: ${message}`, error)
  }
  if (error instanceof InvalidSchemaError) return errors.invalidSchema(`Invalid schema: ${error.message}`, error)
  const status = (error as { statusCode?: number }).statusCode ?? 500
  if (status >= 500) return new RegistryRefusal(500, 500, 'Internal server error', error)
  return new RegistryRefusal(status, status, (error as Error).message, error)
}

function byPath(routes: readonly Route[]): Map<string, HTTPMethods[]> {
  const paths = new Map<string, HTTPMethods[]>()
  for (const { path, method } of routes) paths.set(path, [...(paths.get(path) ?? []), method])
  return paths
}

/** A parameter that is given twice counts once, as in Confluent's registry. */
function firstValues(query: Record<string, string | string[]>): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(query).map(([name, value]) => [name, Array.isArray(value) ? value[0] : value]),
  )
}

function allValues(query: Record<string, string | string[]>): Record<string, readonly string[]> {
  return Object.fromEntries(Object.entries(query).map(([name, value]) => [name, [value].flat()]))
}
