// Data as JSON and YAML: offsets and other 64-bit numbers are strings, as everywhere in the project.

/** What `-o` takes. */
export type OutputFormat = 'table' | 'json' | 'yaml' | 'name' | 'text' | 'markdown' | 'csv'

function plain(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString()
  if (value instanceof Map) return Object.fromEntries(value)
  return value
}

/** Indented for people and diffs, ending in a line feed. */
export function toJson(data: unknown): string {
  return `${JSON.stringify(data, plain, 2)}\n`
}

/** One object, one line. */
export function toJsonLine(data: unknown): string {
  return `${JSON.stringify(data, plain)}\n`
}

export async function toYaml(data: unknown): Promise<string> {
  const { stringify } = await import('yaml')
  return stringify(JSON.parse(JSON.stringify(data, plain)))
}
