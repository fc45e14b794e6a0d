// A rule: a pure function from all rendered objects to messages about their problems.
import type { KubernetesObject } from '../objects.ts'

export interface RuleContext {
  /**
   * Objects that the one who installs has to bring (certificates of mode `existing`, pull secrets), as `Secret name`.
   * Without the objects of the credentials Job, whose specification is among the rendered objects.
   */
  readonly supplied: readonly string[]
}

/** Violations, each naming object, place and what is wrong; none when all is well. */
export type Rule = (objects: readonly KubernetesObject[], context: RuleContext) => readonly string[]
