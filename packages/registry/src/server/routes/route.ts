// The declaration of a route: a method, a path, and a function from the call to the answer.
import type { z } from 'zod'
import { errors, RegistryRefusal } from '../../operations/index.ts'
import {
  contextOf,
  defaultContext,
  globalContext,
  nameOf,
  normalizeSubject,
  qualify,
  type RegistryState,
  type Store,
  settingsOf,
} from '../../store/index.ts'
import type { CompatibilityLevel } from '../../types.ts'

export interface RouteContext {
  readonly store: Store
  /** Level while none is configured. */
  readonly fallbackLevel: CompatibilityLevel
  /** Whether the caller may read a subject. Default: every one. */
  readonly mayRead?: ((subject: string) => boolean) | undefined
}

export interface Call {
  readonly params: Readonly<Record<string, string | undefined>>
  readonly query: Readonly<Record<string, string | undefined>>
  /** Every value of parameters that may be given several times. */
  readonly queries: Readonly<Record<string, readonly string[] | undefined>>
  readonly body: unknown
}

export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly path: string
  /** The answer, sent as JSON; undefined is a 204. */
  handle(call: Call): unknown
}

/** An answer that is sent as it is: the text of a schema. */
export class RawText {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

export function flag(call: Call, name: string): boolean {
  return call.query[name]?.toLowerCase() === 'true'
}

/**
 * The context in the path, `/contexts/.lab/…`; the default one without it. `lab` and `:.lab:` mean the same.
 * @throws {RegistryRefusal} 42208
 */
export function contextOfPath(call: Call): string {
  const text = call.params.context
  if (text === undefined) return defaultContext
  const name = text.replace(/^:(.*):$/, '$1')
  if (name.includes(':') || hasControlCharacters(name)) throw errors.invalidSubject(text)
  return name.startsWith('.') ? name : `.${name}`
}

/**
 * The subject that the one in the path means, with its context: itself, or the one that its configuration says it is an alias of.
 * @throws {RegistryRefusal} 42208
 */
export function subjectOf(call: Call, state: RegistryState): string {
  return withoutAlias(requireSchemas(qualifiedSubject(call)), state)
}

/**
 * An alias is a full name, in the default context unless it names another; an alias of an alias means nothing more.
 * @throws {RegistryRefusal} 42208 another registry has set an alias that cannot be a subject
 */
export function withoutAlias(subject: string, state: RegistryState): string {
  const alias = aliasIn(state.config(subject)?.raw)
  return alias === undefined ? subject : requireAliasable(alias)
}

/** The subject that a configuration is an alias of, with its context; undefined: it is not an alias. */
export function aliasIn(config: unknown): string | undefined {
  const alias = (config as { alias?: unknown } | null | undefined)?.alias
  return typeof alias === 'string' && alias !== '' ? normalizeSubject(alias) : undefined
}

/** @throws {RegistryRefusal} 42208 the name cannot be that of a subject with schemas */
export function requireAliasable(subject: string): string {
  return requireSchemas(requireName(subject))
}

/** A context, and the global one, have settings and no schemas. */
function requireSchemas(subject: string): string {
  if (nameOf(subject) === '' || contextOf(subject) === globalContext) throw errors.invalidSubject(subject)
  return subject
}

/**
 * The scope of `/config` and `/mode`: a subject, or a context (null: the default one).
 * @throws {RegistryRefusal} 42208
 */
export function settingTarget(call: Call): string | null {
  if (call.params.subject === undefined) return settingsOf(contextOfPath(call))
  const subject = qualifiedSubject(call)
  return nameOf(subject) === '' ? settingsOf(contextOf(subject)) : subject
}

function qualifiedSubject(call: Call): string {
  return requireName(qualify(call.params.subject ?? '', contextOfPath(call)))
}

function requireName(subject: string): string {
  if (hasControlCharacters(subject) || ['__GLOBAL', '__EMPTY'].includes(nameOf(subject))) {
    throw errors.invalidSubject(subject)
  }
  return subject
}

function hasControlCharacters(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return /[\u0000-\u001f\u007f-\u009f]/.test(text)
}

/**
 * The subjects that `subjectPrefix` names: `:*:orders` in every context, `:.lab:orders` and `orders` in one; all of the
 * path's context without it, and all there are where the path has none.
 */
export function subjectFilter(call: Call): (subject: string) => boolean {
  const prefix = call.query.subjectPrefix ?? ''
  const everywhere = /^:\*:(.*)$/s.exec(prefix)?.[1] ?? (prefix === '' ? '' : undefined)
  if (everywhere !== undefined && call.params.context === undefined) {
    return (subject) => nameOf(subject).startsWith(everywhere)
  }
  const wanted = qualify(everywhere ?? prefix, contextOfPath(call))
  const [context, name] = [contextOf(wanted), nameOf(wanted)]
  return (subject) => contextOf(subject) === context && nameOf(subject).startsWith(name)
}

/** The part of a list that `offset` and `limit` name; without a positive limit all of it. */
export function page<Item>(call: Call, items: readonly Item[]): Item[] {
  const offset = Math.max(0, whole(call, 'offset', 0))
  const limit = whole(call, 'limit', 0)
  return items.slice(offset, limit <= 0 ? undefined : offset + limit)
}

function whole(call: Call, name: string, fallback: number): number {
  const text = call.query[name]
  if (text === undefined || text === '') return fallback
  if (!/^-?\d{1,10}$/.test(text)) throw new RegistryRefusal(400, 400, `${name} is not a whole number: ${text}`)
  return Number(text)
}

/**
 * The body in the form that a route wants.
 * @throws {RegistryRefusal} 422 with the path of what does not fit
 */
export function bodyAs<Schema extends z.ZodType>(schema: Schema, call: Call): z.output<Schema> {
  const result = schema.safeParse(call.body ?? {})
  if (result.success) return result.data
  throw new RegistryRefusal(
    422,
    422,
    result.error.issues.map((issue) => `${issue.path.join('.') || 'body'}: ${issue.message}`).join('; '),
  )
}
