// "Did you mean", as the problems of a platform file say it.
import { nearest } from '@selfmonitor/cluster/nearest'

/** `; did you mean 'partitions'?`, or nothing. */
export function didYouMean(word: string, known: Iterable<string>): string {
  const found = nearest(word, known)
  return found === undefined ? '' : `; did you mean '${found}'?`
}
