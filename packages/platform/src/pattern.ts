// Topic name patterns: `*` matches any characters, everything else matches itself.

export function matchesAny(name: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => matches(name, pattern))
}

export function matches(name: string, pattern: string): boolean {
  const parts = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${parts.join('.*')}$`).test(name)
}

/** Topics that belong to Kafka, a registry or a connect cluster, by the convention of a leading underscore. */
export function isInternalName(name: string): boolean {
  return name.startsWith('_')
}
