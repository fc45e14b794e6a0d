// Data contracts: what a version of a schema carries beside its text. Maps and sets are sorted and empty ones left out, so that two
// contracts that say the same are the same text, as in Confluent's clients.
// https://docs.confluent.io/platform/current/schema-registry/fundamentals/data-contracts.html
import type { SchemaMetadata, SchemaRule, SchemaRuleSet } from '../types.ts'

export interface Contract {
  /** undefined is not the same as `{}`: a registration without metadata inherits those of the version before. */
  readonly metadata?: SchemaMetadata | undefined
  readonly ruleSet?: SchemaRuleSet | undefined
}

/** The lists of a rule set, in the order of Confluent's records. */
export const ruleLists = ['migrationRules', 'domainRules', 'encodingRules'] as const
export type RuleList = (typeof ruleLists)[number]

/** The property that holds the version's own number where a client asked for it; it takes no part in comparisons without it. */
export const versionProperty = 'confluent:version'

type Json = Readonly<Record<string, unknown>>

/**
 * @param value parsed JSON; numbers and booleans among the texts become text, other fields are left out
 * @returns undefined when it is not an object
 */
export function readMetadata(value: unknown): SchemaMetadata | undefined {
  if (!isObject(value)) return undefined
  const tags = mapOf(value.tags, setOf)
  const properties = mapOf(value.properties, textOf)
  const sensitive = setOf(value.sensitive)
  return { ...(tags && { tags }), ...(properties && { properties }), ...(sensitive && { sensitive }) }
}

/** As `readMetadata`. */
export function readRuleSet(value: unknown): SchemaRuleSet | undefined {
  if (!isObject(value)) return undefined
  const lists = ruleLists.map((name) => [name, Array.isArray(value[name]) ? value[name].filter(isObject) : []] as const)
  return Object.fromEntries(
    lists.filter(([, rules]) => rules.length > 0).map(([name, rules]) => [name, rules.map(readRule)]),
  )
}

function readRule(rule: Json): SchemaRule {
  const text = <Name extends string>(name: Name) => {
    const found = textOf(rule[name])
    return (found === undefined ? {} : { [name]: found }) as { readonly [key in Name]?: string }
  }
  const tags = setOf(rule.tags)
  const params = mapOf(rule.params, textOf)
  return {
    ...text('name'),
    ...text('doc'),
    ...text('kind'),
    ...text('mode'),
    ...text('type'),
    ...(tags && { tags }),
    ...(params && { params }),
    ...text('expr'),
    ...text('onSuccess'),
    ...text('onFailure'),
    disabled: rule.disabled === true || rule.disabled === 'true',
  } as SchemaRule
}

/** The value of a property of the metadata. */
export function propertyOf(metadata: SchemaMetadata | undefined, name: string): string | undefined {
  const properties = metadata?.properties
  return properties !== undefined && Object.hasOwn(properties, name) ? properties[name] : undefined
}

/** @returns undefined where nothing else is left */
export function withoutVersion(metadata: SchemaMetadata | undefined): SchemaMetadata | undefined {
  if (propertyOf(metadata, versionProperty) === undefined) return metadata
  const { properties, ...others } = metadata!
  const left = mapOf(
    Object.fromEntries(Object.entries(properties!).filter(([name]) => name !== versionProperty)),
    textOf,
  )
  const rest = { ...(others.tags && { tags: others.tags }), ...(left && { properties: left }) }
  const all = { ...rest, ...(others.sensitive && { sensitive: others.sensitive }) }
  return Object.keys(all).length === 0 ? undefined : all
}

/**
 * The metadata apart from the number of its version. Where a number may be or may have been, `{}` is the same as none: it is what is
 * left of either when the number is taken away.
 */
export function unnumbered(metadata: SchemaMetadata | undefined): SchemaMetadata | undefined {
  const left = withoutVersion(metadata)
  return left === undefined || Object.keys(left).length === 0 ? undefined : left
}

export function withVersion(metadata: SchemaMetadata | undefined, version: number): SchemaMetadata {
  return readMetadata({ ...metadata, properties: { ...metadata?.properties, [versionProperty]: String(version) } })!
}

/** The same text for contracts that are the same. */
export function contractKey({ metadata, ruleSet }: Contract): string {
  return JSON.stringify([metadata ?? null, ruleSet ?? null])
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function textOf(value: unknown): string | undefined {
  return value === undefined || value === null || typeof value === 'object' ? undefined : String(value)
}

function setOf(value: unknown): readonly string[] | undefined {
  if (!Array.isArray(value)) return undefined
  const texts = value.map(textOf).filter((text) => text !== undefined)
  return texts.length === 0 ? undefined : [...new Set(texts)].toSorted()
}

function mapOf<Value>(
  value: unknown,
  read: (value: unknown) => Value | undefined,
): Readonly<Record<string, Value>> | undefined {
  if (!isObject(value)) return undefined
  const entries = Object.entries(value).flatMap(([name, field]) => {
    const found = read(field)
    return found === undefined ? [] : [[name, found] as const]
  })
  if (entries.length === 0) return undefined
  return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)))
}
