// The REST API as a Fastify application: routes, content types, and errors in Confluent's form.
import { findErrorBy } from '@platformatic/kafka'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest, type HTTPMethods } from 'fastify'
import { InvalidSchemaError } from '../formats/index.ts'
import { errors, RegistryRefusal } from '../registry/index.ts'
import { StoreError } from '../store/index.ts'
import type { Logger } from '../types.ts'
import { allRoutes, RawText, type Route, type RouteContext } from './routes/index.ts'

const jsonType = 'application/vnd.schemaregistry.v1+json'
const acceptedTypes = [jsonType, 'application/vnd.schemaregistry+json', 'application/json', 'application/octet-stream']
const methods: readonly HTTPMethods[] = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH']

/** Kafka takes 1 MiB a record by default; what it does not take is said then. This bounds memory. */
const bodyLimitBytes = 10 * 1024 * 1024

/** No route has a schema of Fastify's own: its compilers, which take long to load, are never asked. */
function noCompiler(): never {
  throw new Error('a route of the registry has a Fastify schema: check bodies with zod instead')
}

export function buildApp(context: RouteContext, logger: Logger): FastifyInstance {
  const app = Fastify({
    schemaController: { compilersFactory: { buildValidator: noCompiler, buildSerializer: noCompiler } },
    bodyLimit: bodyLimitBytes,
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
  app.addContentTypeParser('*', { parseAs: 'string' }, (request, text, done) => {
    try {
      done(null, parseBody(request, String(text)))
    } catch (error) {
      done(error as Error)
    }
  })

  const routes = allRoutes(context)
  for (const route of routes)
    app.route({ method: route.method, url: route.path, handler: (request, reply) => answer(route, request, reply) })
  for (const [path, allowed] of byPath(routes)) {
    const others = methods.filter((method) => !allowed.includes(method))
    app.route({
      method: others,
      url: path,
      handler(_request, reply) {
        void reply.header('allow', allowed.join(', '))
        throw new RegistryRefusal(405, 405, 'HTTP 405 Method Not Allowed')
      },
    })
  }
  app.setNotFoundHandler((request, reply) =>
    sendError(new RegistryRefusal(404, 404, 'HTTP 404 Not Found'), request, reply),
  )
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

async function answer(route: Route, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const result = await route.handle({
    params: request.params as Record<string, string>,
    query: firstValues(request.query as Record<string, string | string[]>),
    body: request.body,
  })
  return send(reply, result instanceof RawText ? result.text : JSON.stringify(result))
}

function sendError(refusal: RegistryRefusal, _request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const body = { error_code: refusal.errorCode, message: refusal.message }
  return send(reply.status(refusal.status), JSON.stringify(body))
}

/** As bytes: Fastify would add a charset to the type of a text, which Confluent's registry does not send. */
function send(reply: FastifyReply, text: string): FastifyReply {
  return reply.header('content-type', jsonType).send(Buffer.from(text))
}

/** @throws {RegistryRefusal} 415 or 400 */
function parseBody(request: FastifyRequest, text: string): unknown {
  const type = (request.headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase()
  if (type !== '' && !acceptedTypes.includes(type)) {
    throw new RegistryRefusal(415, 415, 'HTTP 415 Unsupported Media Type')
  }
  if (text === '') return undefined
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new RegistryRefusal(400, 400, `The body is not JSON: ${(error as Error).message}`)
  }
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
