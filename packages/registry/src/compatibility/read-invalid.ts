// Reads what a Schema Registry says of a text that is not a schema (error 42201). Confluent's and ours repeat all of the text
// before they say what is wrong with it.

export interface InvalidSchema {
  /** The problem, without the schema's text and without the place. */
  readonly problem: string
  /** JSON pointer to the place, `/fields/5`; null where it is not said, as by Confluent's. */
  readonly path: string | null
}

/** @param message of the registry's answer */
export function readInvalidSchema(message: string): InvalidSchema {
  const details = /^(?:.*\b[Dd]etails: )?(.*)$/s.exec(message.trim())![1]!
  const path = / \(at (\/\S*)\)$/.exec(details)?.[1] ?? null
  const problem = details.replace(/ \(at \/\S*\)$/, '').replace(/^[\w.$]+Exception: /, '')
  return { problem, path }
}
