// Data as JSON and YAML: offsets and other 64-bit numbers are strings, as everywhere in the project.
import type { RawNumber } from '@selfmonitor/events/exact-json'
import type { ScalarTag } from 'yaml'

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

/** Numbers keep every digit, as in JSON. */
export async function toYaml(data: unknown): Promise<string> {
  const [{ stringify }, { isRawNumber, parseExact }] = await Promise.all([
    import('yaml'),
    import('@selfmonitor/events/exact-json'),
  ])
  const rawNumber: ScalarTag = {
    tag: 'tag:yaml.org,2002:float',
    default: true,
    identify: isRawNumber,
    resolve: (text) => text,
    stringify: ({ value }) => (value as RawNumber).rawJSON,
  }
  return stringify(parseExact(JSON.stringify(data, plain)), { customTags: (tags) => [rawNumber, ...tags] })
}
