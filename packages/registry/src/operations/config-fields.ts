// The fields of a configuration, in the order of Confluent's records.
export const configFieldNames = [
  'alias',
  'normalize',
  'validateFields',
  'compatibilityLevel',
  'compatibilityPolicy',
  'compatibilityGroup',
  'defaultMetadata',
  'overrideMetadata',
  'defaultRuleSet',
  'overrideRuleSet',
] as const

export type ConfigField = (typeof configFieldNames)[number]

/** What a change sets: undefined leaves a field as it is, null removes it. */
export type ConfigChange = { readonly [Name in ConfigField]?: unknown }

/** Applies a change to what is set, and keeps what another registry has set beside it. */
export function changedConfig(
  before: Readonly<Record<string, unknown>>,
  change: ConfigChange,
): Readonly<Record<string, unknown>> {
  const after: Record<string, unknown> = { ...before }
  for (const name of configFieldNames) {
    if (change[name] === null) delete after[name]
    else if (change[name] !== undefined) after[name] = change[name]
  }
  const isKnown = (name: string) => (configFieldNames as readonly string[]).includes(name)
  const known = configFieldNames.filter((name) => Object.hasOwn(after, name))
  const names = [...known, ...Object.keys(after).filter((name) => !isKnown(name))]
  return Object.fromEntries(names.map((name) => [name, after[name]]))
}
