// What a rule is: a pure function from all rendered objects to the sentences that say what is wrong with them.
import type { KubernetesObject } from '../objects.ts'

export interface RuleContext {
  /**
   * Objects that the one who installs has to bring (certificates of mode `existing`, pull secrets), as `Secret name`.
   * What the credentials Job makes is not named here: its specification is among the rendered objects.
   */
  readonly supplied: readonly string[]
}

/** Violations, each naming object, place and what is wrong; none when all is well. */
export type Rule = (objects: readonly KubernetesObject[], context: RuleContext) => readonly string[]
