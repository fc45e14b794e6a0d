// Whether the rules of a rule set make sense. Types and actions are names that clients register, so any is accepted.
// https://docs.confluent.io/platform/current/schema-registry/fundamentals/data-contracts.html#rules
import type { SchemaRule, SchemaRuleSet } from '../types.ts'
import { type RuleList, ruleLists } from './contract.ts'

const kinds = ['CONDITION', 'TRANSFORM'] as const
/** When rules of a list may run. */
const modes: Readonly<Record<RuleList, readonly string[]>> = {
  migrationRules: ['UPGRADE', 'DOWNGRADE', 'UPDOWN'],
  domainRules: ['WRITE', 'READ', 'WRITEREAD'],
  encodingRules: ['WRITE', 'READ', 'WRITEREAD'],
}
/** Modes that combine two others, for each of which a rule may have an action: `NONE,ERROR`. */
const twofold = ['UPDOWN', 'WRITEREAD']

/** @returns the first thing that is wrong, naming the rule; undefined when nothing is */
export function ruleSetProblem(ruleSet: SchemaRuleSet): string | undefined {
  for (const list of ruleLists) {
    const names = new Set<string>()
    for (const [index, rule] of (ruleSet[list] ?? []).entries()) {
      const problem = ruleProblem(list, rule)
      if (problem !== undefined) return `${list}[${index}]${rule.name ? ` "${rule.name}"` : ''}: ${problem}`
      if (names.has(rule.name))
        return `${list}[${index}]: the name "${rule.name}" is there twice; rename one of the rules`
      names.add(rule.name)
    }
  }
  return undefined
}

function ruleProblem(list: RuleList, rule: Partial<SchemaRule>): string | undefined {
  if (!rule.name) return 'the rule has no name'
  if (!rule.type) return 'the rule has no type; give the name of what executes it, for example CEL'
  if (!isOneOf(kinds, rule.kind)) return `${describe('kind', rule.kind)}; valid are ${kinds.join(', ')}`
  if (!isOneOf(modes[list], rule.mode))
    return `${describe('mode', rule.mode)}; valid here are ${modes[list].join(', ')}`
  for (const name of ['onSuccess', 'onFailure'] as const) {
    const actions = (rule[name] ?? '').split(',')
    const most = twofold.includes(rule.mode!) ? 2 : 1
    if (actions.length > most) return `${name} has ${actions.length} actions, and mode ${rule.mode} takes ${most}`
  }
  return undefined
}

function isOneOf(valid: readonly string[], value: string | undefined): boolean {
  return value !== undefined && valid.includes(value)
}

function describe(name: string, value: string | undefined): string {
  return value === undefined ? `the rule has no ${name}` : `"${value}" is not a valid ${name}`
}
