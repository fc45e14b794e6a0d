// What a route is: a method, a path, and a function from the call to the answer.
import type { z } from 'zod'
import { errors, RegistryRefusal } from '../../registry/index.ts'
import { normalizeSubject, type Store } from '../../store/index.ts'
import type { CompatibilityLevel } from '../../types.ts'

export interface RouteContext {
  readonly store: Store
  /** Level while none is configured. */
  readonly fallbackLevel: CompatibilityLevel
}

export interface Call {
  readonly params: Readonly<Record<string, string | undefined>>
  readonly query: Readonly<Record<string, string | undefined>>
  readonly body: unknown
}

export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly path: string
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
 * The subject in the path.
 * @throws {RegistryRefusal} 42208
 */
export function subjectOf(call: Call): string {
  const subject = normalizeSubject(call.params.subject ?? '')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  if (subject === '' || /[\u0000-\u001f\u007f-\u009f]/.test(subject) || ['__GLOBAL', '__EMPTY'].includes(subject)) {
    throw errors.invalidSubject(subject)
  }
  return subject
}

/** The part of a list that `offset` and `limit` name; a negative limit means all of it. */
export function page<Item>(call: Call, items: readonly Item[]): Item[] {
  const offset = whole(call, 'offset', 0)
  const limit = whole(call, 'limit', -1)
  return items.slice(Math.max(0, offset), limit < 0 ? undefined : Math.max(0, offset) + limit)
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
