// Whether texts have a pattern. Patterns come from clients, and some take years for a short text.
import vm from 'node:vm'

/** For all texts that are tried with one pattern. */
const timeoutMs = 50
const mostKnown = 20_000

/** Patterns that are tried in a context that can be stopped, with the results for each text. */
const known = new Map<string, Map<string, boolean | null>>()
let knownCount = 0
/** The others, compiled; null for those that are not valid. */
const simple = new Map<string, RegExp | null>()

/** With one repetition, and no choice that could be repeated, a pattern takes at most the square of a text's length. */
function isSimple(pattern: string): boolean {
  const repetitions = pattern.match(/[*+?{]/g)?.length ?? 0
  return repetitions === 0 || (repetitions === 1 && !pattern.includes('|'))
}

/**
 * Whether a text has a pattern.
 * @returns null where that is not known: the pattern is not valid, or takes too long
 */
export function hasPattern(text: string, pattern: string): boolean | null {
  if (isSimple(pattern)) {
    if (simple.size > mostKnown) simple.clear()
    const compiled = simple.get(pattern) ?? compile(pattern)
    simple.set(pattern, compiled)
    return compiled === null ? null : compiled.test(text)
  }
  tryPattern(pattern, [text])
  return known.get(pattern)?.get(text) ?? null
}

function compile(pattern: string): RegExp | null {
  try {
    return new RegExp(pattern, 'u')
  } catch {
    return null
  }
}

const script = new vm.Script('const compiled = new RegExp(pattern, "u"); texts.map((text) => compiled.test(text))')

/** Tries texts together, which is much faster than one by one. */
export function tryPattern(pattern: string, texts: Iterable<string>): void {
  if (isSimple(pattern)) return
  const results = known.get(pattern) ?? new Map<string, boolean | null>()
  const fresh = [...texts].filter((text) => !results.has(text))
  if (fresh.length === 0) return
  if (knownCount > mostKnown) {
    known.clear()
    results.clear()
    knownCount = 0
  }
  const found = run(pattern, fresh)
  for (const [index, text] of fresh.entries()) results.set(text, found?.[index] ?? null)
  knownCount += fresh.length
  known.set(pattern, results)
}

function run(pattern: string, texts: readonly string[]): readonly boolean[] | null {
  try {
    return script.runInNewContext({ pattern, texts }, { timeout: timeoutMs }) as boolean[]
  } catch {
    return null
  }
}
