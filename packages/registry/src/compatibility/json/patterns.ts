// Whether texts have a pattern. Patterns come from clients, and some take years for a short text.
import vm from 'node:vm'

/** For all texts that are tried with one pattern. */
const timeoutMs = 50
/** For all patterns of one comparison, during which the server answers nothing else. */
const budgetMs = 500
const mostKnown = 20_000
/** The square of which is a number of steps that takes no noticeable time. */
const longestSimple = 1_000

/** Patterns that are tried in a context that can be stopped, with the results for each text. */
const known = new Map<string, Map<string, boolean | null>>()
let knownCount = 0
/** The others, compiled; null for those that are not valid. */
const simple = new Map<string, RegExp | null>()
let spentMs = 0

/** Begins a comparison, which has its own time for patterns. */
export function startPatterns(): void {
  spentMs = 0
}

function timed<Value>(run: () => Value): Value {
  const from = performance.now()
  try {
    return run()
  } finally {
    spentMs += performance.now() - from
  }
}

/** With one repetition, and no choice that could be repeated, a pattern takes at most the square of a text's length. */
function isSimple(pattern: string, text: string): boolean {
  if (text.length > longestSimple) return false
  const repetitions = pattern.match(/[*+?{]/g)?.length ?? 0
  return repetitions === 0 || (repetitions === 1 && !pattern.includes('|'))
}

/**
 * Whether a text has a pattern.
 * @returns null where that is not known: the pattern is not valid, takes too long, or the comparison has spent its time
 */
export function hasPattern(text: string, pattern: string): boolean | null {
  if (isSimple(pattern, text)) {
    if (spentMs > budgetMs) return null
    if (simple.size > mostKnown) simple.clear()
    const compiled = simple.get(pattern) ?? compile(pattern)
    simple.set(pattern, compiled)
    return compiled === null ? null : timed(() => compiled.test(text))
  }
  tryPattern(pattern, [text])
  return known.get(pattern)?.get(text) ?? null
}

/** As the specification has it, with `u`; then without, for patterns like `^x\-` that `u` refuses. */
function compile(pattern: string): RegExp | null {
  for (const flags of ['u', '']) {
    try {
      return new RegExp(pattern, flags)
    } catch {}
  }
  return null
}

const script = new vm.Script(
  'try { compiled = new RegExp(pattern, "u") } catch { compiled = new RegExp(pattern) } texts.map((text) => compiled.test(text))',
)
let context: vm.Context | undefined

/** Tries texts together, which is much faster than one by one. */
export function tryPattern(pattern: string, texts: Iterable<string>): void {
  if (spentMs > budgetMs) return
  const results = known.get(pattern) ?? new Map<string, boolean | null>()
  const fresh = [...texts].filter((text) => !isSimple(pattern, text) && !results.has(text))
  if (fresh.length === 0) return
  if (knownCount > mostKnown) {
    known.clear()
    results.clear()
    knownCount = 0
  }
  const found = timed(() => run(pattern, fresh))
  for (const [index, text] of fresh.entries()) results.set(text, found?.[index] ?? null)
  knownCount += fresh.length
  known.set(pattern, results)
}

function run(pattern: string, texts: readonly string[]): readonly boolean[] | null {
  context ??= vm.createContext({})
  Object.assign(context, { pattern, texts })
  try {
    return script.runInContext(context, { timeout: timeoutMs }) as boolean[]
  } catch {
    return null
  } finally {
    Object.assign(context, { pattern: '', texts: [] })
  }
}
