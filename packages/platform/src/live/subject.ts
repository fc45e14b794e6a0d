// A subject of a declared schema, as a registry has it.
import type { CompatibilityLevel } from '@selfmonitor/registry'
import type { SchemaProblem } from './schema-check.ts'

export interface LiveSubject {
  /** The declared schema is one of the subject's versions. */
  readonly registered: boolean
  /** null when the subject does not exist. */
  readonly latest: { readonly version: number; readonly schema: string } | null
  /** The subject's own level, null when it has none. */
  readonly compatibility: CompatibilityLevel | null
  /** Why the registry would refuse the declared schema; empty when it would not. */
  readonly problems: readonly SchemaProblem[]
}

export function subjectOf(topic: string): string {
  return `${topic}-value`
}
