// "Did you mean", as the hint of an error.
import { nearest } from '@selfmonitor/cluster/nearest'

/** A sentence; undefined when no known name is near. */
export function didYouMean(typed: string, known: Iterable<string>): string | undefined {
  const name = nearest(typed, known)
  return name === undefined ? undefined : `Did you mean ${name}?`
}
