// Who may do what: grants, and the questions that are asked of them. Pure.
import { contextOf, globalContext, nameOf } from '../store/index.ts'

/**
 * `read` shows schemas, settings and verdicts on compatibility; `write` registers; `delete` deletes; `configure` sets compatibility
 * levels and modes.
 */
export const rights = ['read', 'write', 'delete', 'configure'] as const
export type Right = (typeof rights)[number]

/** Rights on the subjects that fit one of the patterns, in the contexts that do. `*` in a pattern is any text. */
export interface Grant {
  readonly rights: readonly Right[]
  readonly contexts: readonly string[]
  /** Names without their context. */
  readonly subjects: readonly string[]
}

/** Who sends a request. */
export interface Caller {
  /** As in Kafka: `User:alice`. */
  readonly principal: string
  /** The same array for all callers with the same roles. */
  readonly grants: readonly Grant[]
}

/** @param subject with its context */
export function mayOnSubject(grants: readonly Grant[], right: Right, subject: string): boolean {
  const [context, name] = [contextOf(subject), nameOf(subject)]
  return grants.some(
    (grant) => grant.rights.includes(right) && fitsOne(grant.contexts, context) && fitsOne(grant.subjects, name),
  )
}

/** Changing what is of a whole context takes a grant for all of its subjects. */
export function mayOnContext(grants: readonly Grant[], right: Right, context: string): boolean {
  return grants.some(
    (grant) => grant.rights.includes(right) && fitsOne(grant.contexts, context) && grant.subjects.includes('*'),
  )
}

/** A context is shown to those who may read something in it; the global one, whose settings apply in all, to all who may read. */
export function seesContext(grants: readonly Grant[], context: string): boolean {
  return grants.some(
    (grant) => grant.rights.includes('read') && (context === globalContext || fitsOne(grant.contexts, context)),
  )
}

function fitsOne(patterns: readonly string[], text: string): boolean {
  return patterns.some((pattern) => fits(pattern, text))
}

/**
 * Whether a text fits a pattern in which `*` is any text, also none. The time is linear in the text for each `*`: a client chooses the
 * text, and a regular expression with several stars could take it far longer.
 */
export function fits(pattern: string, text: string): boolean {
  const parts = pattern.split('*')
  if (parts.length === 1) return pattern === text
  const [first, last] = [parts[0]!, parts.at(-1)!]
  if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last)) return false
  const end = text.length - last.length
  let at = first.length
  for (const part of parts.slice(1, -1)) {
    const found = text.indexOf(part, at)
    if (found < 0 || found + part.length > end) return false
    at = found + part.length
  }
  return true
}
