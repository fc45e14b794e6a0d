// Reads and checks what a platform file says about drills.
import type { Platform, PlatformProblem, Reconciliation } from '../model.ts'
import { didYouMean } from '../suggest.ts'
import { entriesOf, get, problemAt, type Tree } from './document.ts'

/** What an expression of `fold` may use. `value` is the decoded value: of an event, its payload. */
export const foldVariables = ['value', 'event', 'key', 'headers', 'topic', 'partition', 'offset', 'timestamp'] as const
/** What `assert` may use: the totals by name, and the number of records. */
export const assertVariables = ['totals', 'records'] as const

const plainName = /^[A-Za-z_][A-Za-z0-9_]*$/

/**
 * Expressions are compiled here, so that a mistake is found before a drill runs at night.
 * @param topics names that the file declares
 */
export async function drillsOf(
  root: Tree,
  topics: readonly string[],
  problems: PlatformProblem[],
): Promise<Pick<Platform, 'drills'>> {
  const checks = entriesOf(get(root, 'drills', 'checks'))
  if (checks.length === 0) return {}
  const { compileCel } = await import('../cel/compile.ts')
  const compiled = (tree: Tree | undefined, variables: readonly string[], isCondition: boolean): string | undefined => {
    if (tree?.kind !== 'scalar' || typeof tree.value !== 'string' || tree.unset.length > 0) return undefined
    try {
      compileCel(tree.value, { variables, isCondition, decimals: true })
    } catch (error) {
      problems.push(problemAt(tree.at, (error as Error).message))
    }
    return tree.value
  }
  const all = checks.map(([name, { key, value }]): Reconciliation => {
    for (const word of ['topics', 'fold', 'assert']) {
      if (value.kind === 'map' && get(value, word) === undefined) problems.push(problemAt(key, `must have ${word}`))
    }
    const listed = get(value, 'topics')
    const names = (listed?.kind === 'list' ? listed.items : []).flatMap((item) => {
      if (item.kind !== 'scalar' || typeof item.value !== 'string') return []
      if (!topics.includes(item.value)) {
        const message = `'${item.value}' is not declared below topics${didYouMean(item.value, topics)}`
        problems.push(problemAt(item.at, message))
      }
      return [item.value]
    })
    if (listed?.kind === 'list' && listed.items.length === 0) problems.push(problemAt(listed.at, 'must name a topic'))
    const fold = entriesOf(get(value, 'fold')).flatMap(([total, one]) => {
      if (!plainName.test(total)) {
        problems.push(problemAt(one.key, 'must be of letters, digits and _, because `assert` names it: totals.<name>'))
      }
      const expression = compiled(one.value, foldVariables, false)
      return expression === undefined ? [] : [[total, expression] as const]
    })
    const assert = compiled(get(value, 'assert'), assertVariables, true) ?? ''
    return { name, topics: names, fold: Object.fromEntries(fold), assert, at: key }
  })
  return { drills: { checks: all } }
}
