// In front of the routes: who calls, and may they. Without an access file everyone may do everything.
import { logSparingly } from '@selfmonitor/http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import {
  type Access,
  type Caller,
  DeniedError,
  mayOnContext,
  mayOnSubject,
  type Need,
  type Right,
  seesContext,
} from '../access/index.ts'
import { errors, RegistryRefusal } from '../operations/index.ts'
import { contextOf, nameOf, qualify, type RegistryState, type Store } from '../store/index.ts'
import type { Logger } from '../types.ts'
import { aliasIn, type Call, contextOfPath, settingTarget, subjectOf } from './routes/route.ts'

export interface Gate {
  /**
   * Finds out who calls, before the body is read.
   * @throws {RegistryRefusal} 40101; 503 when it cannot be known now
   */
  enter(request: FastifyRequest, reply: FastifyReply): Promise<void>
  /** undefined: no access file. */
  callerOf(request: FastifyRequest): Caller | undefined
  /**
   * @throws {RegistryRefusal} 40301
   */
  require(need: Need, call: Call, request: FastifyRequest): void
}

/** @param store the whole one, whose settings say which subject an alias means */
export function createGate(access: Access | undefined, store: Pick<Store, 'state'>, logger: Logger): Gate {
  const callers = new WeakMap<FastifyRequest, Caller>()
  const log = logSparingly(logger)

  function refuse(request: FastifyRequest, kind: string, said: string): void {
    log(kind, { method: request.method, url: request.url.split('?')[0], from: request.ip }, said)
  }

  return {
    async enter(request, reply) {
      if (access === undefined) return
      const login = await access.authenticate(request.raw)
      if (login.kind === 'known') {
        callers.set(request, login.caller)
        return
      }
      refuse(request, login.kind, `refused a login: ${login.why}`)
      if (login.kind === 'unavailable') {
        reply.header('retry-after', '1')
        throw new RegistryRefusal(503, 503, 'HTTP 503 Service Unavailable: the login cannot be checked now; try again')
      }
      const challenges = access.challenges()
      if (challenges.length > 0) reply.header('www-authenticate', [...challenges])
      throw errors.unauthorized()
    },
    callerOf: (request) => callers.get(request),
    require(need, call, request) {
      const caller = callers.get(request)
      if (caller === undefined) return
      try {
        requireRight(caller, need, call, store.state)
      } catch (error) {
        if (!(error instanceof DeniedError)) throw error
        refuse(request, 'denied', `refused a request of ${caller.principal}: ${error.message}`)
        throw errors.denied(error.message, error)
      }
    },
  }
}

/** @throws {DeniedError}, {RegistryRefusal} 42208 */
function requireRight({ grants }: Caller, need: Need, call: Call, state: RegistryState): void {
  if (need.on === 'nothing' || need.on === 'visible') return
  const { right } = need
  const target = targetOf(need, call, state)
  // Who makes an alias decides what another subject is called.
  const alias = 'action' in need && need.action === 'schemas.compatibility-set' ? aliasIn(call.body) : undefined
  if (alias !== undefined) requireOnSubject('configure', alias)
  if (target === null || nameOf(target) === '') {
    const context = contextOf(target)
    const may = right === 'read' ? seesContext(grants, context) : mayOnContext(grants, right, context)
    if (!may) throw new DeniedError(right, `Context: ${context}`)
    return
  }
  requireOnSubject(right, target)
  // A schema that refers to another one shows it.
  for (const subject of referencesIn(call.body)) requireOnSubject('read', qualify(subject, contextOf(target)))

  function requireOnSubject(asked: Right, subject: string): void {
    if (!mayOnSubject(grants, asked, subject)) throw new DeniedError(asked, `Subject: ${subject}`)
  }
}

/** The subject that a request is about (by an alias: the one that it means), or (null, `:.lab:`) the context. @throws {RegistryRefusal} 42208 */
export function targetOf(need: Need, call: Call, state: RegistryState): string | null {
  switch (need.on) {
    case 'subject':
      return subjectOf(call, state)
    case 'settings':
      return settingTarget(call)
    case 'context': {
      const context = contextOfPath(call)
      return context === '.' ? null : `:${context}:`
    }
    case 'nothing':
    case 'visible':
      return null
  }
}

/** The subjects to which the schema of a body refers; bodies of another form are refused by their route. */
function referencesIn(body: unknown): string[] {
  const references = (body as { references?: unknown } | null | undefined)?.references
  if (!Array.isArray(references)) return []
  return references
    .map((reference) => (reference as { subject?: unknown } | null)?.subject)
    .filter((subject) => typeof subject === 'string')
}
