// Reads objects field by field: a field that the harness neither honours nor knows to be meaningless here is an error.

/** Thrown for a field, or a value of one, that the harness does not implement. Ignoring it would prove less than it says. */
export class UnsupportedError extends Error {
  override readonly name = 'UnsupportedError'
  /** Its place, `StatefulSet kafka/kafka spec.template.spec.hostPID`. */
  readonly where: string

  constructor(where: string, why = 'is not implemented by the running proof') {
    super(`${where} ${why}. Implement it in test/deployment/running, or leave it out of the objects it is given`)
    this.where = where
  }
}

/**
 * Checks that an object has no other fields than these.
 * @param honoured fields the caller reads.
 * @param meaningless fields without meaning on one machine, which are allowed.
 * @throws UnsupportedError for the first other field.
 */
export function onlyFields(
  object: object | undefined,
  where: string,
  honoured: readonly string[],
  meaningless: readonly string[] = [],
): void {
  for (const [field, value] of Object.entries(object ?? {})) {
    if (value === undefined || value === null) continue
    if (!honoured.includes(field) && !meaningless.includes(field)) throw new UnsupportedError(`${where}.${field}`)
  }
}

/** @throws UnsupportedError when the value is there and not one of those. */
export function onlyValues(value: unknown, where: string, allowed: readonly unknown[]): void {
  if (value !== undefined && !allowed.includes(value)) throw new UnsupportedError(`${where}: ${JSON.stringify(value)}`)
}
