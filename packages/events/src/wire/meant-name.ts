// "did you mean", for a field that its schema does not declare.
import { nearest } from '@selfmonitor/cluster/nearest'

/** @returns the end of a sentence, empty where no declared name is near that the value does not have already */
export function meantName(undeclared: string, declared: readonly string[], value: object): string {
  const name = nearest(
    undeclared,
    declared.filter((known) => !Object.hasOwn(value, known)),
  )
  return name === undefined ? '' : `; did you mean "${name}"?`
}
