// What a Schema Registry has, as a backup keeps it: an object of its own, written again only when something in it has changed.
import { createHash } from 'node:crypto'
import { z } from 'zod'

const reference = z.object({ name: z.string(), subject: z.string(), version: z.int() })

const version = z.object({
  version: z.int().positive(),
  /** Within the context of the subject. */
  id: z.int().nonnegative(),
  /** Softly: hidden, and still found by its id. */
  deleted: z.boolean(),
  schemaType: z.string(),
  schema: z.string(),
  references: z.array(reference),
  /** Data contracts, as the registry gave them; absent where there are none. */
  metadata: z.json().optional(),
  ruleSet: z.json().optional(),
})

/** The settings that a subject or a context has of its own: the fields of `/config`, and the mode; null where it inherits them. */
const settings = {
  config: z.record(z.string(), z.json()).nullable(),
  mode: z.string().nullable(),
}

export const registryStateSchema = z.object({
  /** With their contexts: `:.lab:orders-value`. */
  subjects: z.array(z.object({ subject: z.string(), versions: z.array(version), ...settings })),
  /** Of contexts: an empty name is the default one, `:.lab:` another, `:.__GLOBAL:` is for all. */
  contexts: z.array(z.object({ name: z.string(), ...settings })),
})

export type RegistryState = Readonly<z.output<typeof registryStateSchema>>
export type SubjectState = RegistryState['subjects'][number]
export type VersionState = SubjectState['versions'][number]

/** `:.lab:orders-value` is the subject `orders-value` of the context `.lab`; without one it is in the default context, ``. */
export function splitSubject(subject: string): { readonly context: string; readonly name: string } {
  const found = /^:(\.[^:]*):(.*)$/s.exec(subject)
  if (found === null || found[1] === '.') return { context: '', name: found?.[2] ?? subject }
  return { context: found[1]!, name: found[2]! }
}

/** @param context `.lab`; empty for the default one */
export function inContext(context: string, name: string): string {
  return context === '' ? name : `:${context}:${name}`
}

/**
 * Equal for schemas that a registry gives one id: the same type, text, references and data contract. Spaces of JSON do not count.
 */
export function contentOf(of: Omit<VersionState, 'version' | 'id' | 'deleted'>, context: string): string {
  const references = of.references
    .map(({ name, subject, version: number }) => [name, qualified(subject, context), number])
    .toSorted((a, b) => (String(a) < String(b) ? -1 : 1))
  const parts = [of.schemaType, plain(of.schema), references, of.metadata ?? null, of.ruleSet ?? null]
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}

/** The full name of a subject that a schema in a context refers to. */
export function qualified(subject: string, context: string): string {
  const { context: own, name } = splitSubject(subject)
  return subject.startsWith(':.') ? inContext(own, name) : inContext(context, name)
}

function plain(schema: string): string {
  try {
    return JSON.stringify(JSON.parse(schema))
  } catch {
    return schema
  }
}
