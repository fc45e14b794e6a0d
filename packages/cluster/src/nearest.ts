// `@selfmonitor/cluster/nearest`: "did you mean", for every message about a name that is not known.
import { closestMatch } from 'leven'

/**
 * The known name that was probably meant: the one with the fewest letters inserted, deleted or replaced. Upper and lower case
 * are the same. A third of the letters may differ, and none in a word of one or two letters, which is near to anything. Two
 * letters in the wrong order may be in a word of any length.
 *
 * @returns undefined when none is near enough
 */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  const names = [...known]
  const lowered = names.map((name) => name.toLowerCase())
  const typed = word.toLowerCase()
  const maxDistance = typed.length < 3 ? 0 : Math.max(1, Math.floor(typed.length / 3))
  const found =
    closestMatch(typed, lowered, { maxDistance }) ??
    closestMatch(
      typed,
      lowered.filter((name) => letters(name) === letters(typed)),
      { maxDistance: 2 },
    )
  return found === undefined ? undefined : names[lowered.indexOf(found)]
}

function letters(word: string): string {
  return [...word].sort().join('')
}
