// Where backups are: the store that an option or a variable names, and which cluster and topic of it is meant.
import { resolve } from 'node:path'
import type { BackupStore } from '@selfmonitor/backup'
import type { Context } from '../framework/context.ts'
import { usageError } from '../framework/errors.ts'
import { collect } from '../framework/parse.ts'
import { text, value } from '../framework/verb.ts'

const variable = 'SELFMONITOR_BACKUP'

export const placeOptions = {
  target: text('--target <address>', `where the backups are: a folder, or s3://bucket/prefix (${variable})`),
  clusterId: text('--cluster-id <id>', 'which cluster’s backups; needed where the place has those of several'),
} as const

export const topicsOption = value(
  '--topic <name>',
  'only this topic, or `prefix*`; may be given several times',
  collect,
)

export const identityOption = text(
  '--identity <file>',
  'a file with secret keys of age, for backups that are encrypted',
)

/** Keys of age: public ones to encrypt to, or the file of secret ones. */
export interface Keys {
  readonly recipients?: readonly string[]
  readonly recipientsFile?: string
  readonly identity?: string
}

/** @throws CliError USAGE when no place is given; StoreError; BackupError for keys that cannot be */
export async function openPlace(
  context: Context,
  given: string | undefined,
  option: string,
  keys: Keys = {},
): Promise<BackupStore> {
  const address = given ?? context.io.env[variable]
  if (address === undefined || address === '') {
    throw usageError(
      `${option} is missing: where are the backups?`,
      `Pass a folder or s3://bucket/prefix, or set ${variable}.`,
    )
  }
  const { openStore, readKeyFile, withSealing } = await import('@selfmonitor/backup')
  const inFile = async (path: string | undefined) =>
    path === undefined ? [] : readKeyFile(resolve(context.io.cwd, path))
  // A folder is looked for where the user is; anything else is an address.
  const store = await openStore(/^[A-Za-z][A-Za-z0-9+.-]*:/.test(address) ? address : resolve(context.io.cwd, address))
  context.onEnd(() => store.close())
  const recipients = [...(keys.recipients ?? []), ...(await inFile(keys.recipientsFile))]
  const identities = await inFile(keys.identity)
  return recipients.length + identities.length === 0 ? store : withSealing(store, { recipients, identities })
}

/** Those of the patterns that are a topic's whole name. */
export const namedTopics = (patterns: readonly string[] = []): string[] => patterns.filter((one) => !one.endsWith('*'))

/** Exact names, or the beginning of a name with `*` behind it: a dot is a dot. @returns true for every topic when there are none */
export function topicFilter(patterns: readonly string[] | undefined): (topic: string) => boolean {
  if (patterns === undefined || patterns.length === 0) return () => true
  const wrong = patterns.find((pattern) => /\*./.test(pattern))
  if (wrong !== undefined) throw usageError(`"${wrong}" is not a topic: \`*\` may only be the last character`)
  return (topic) =>
    patterns.some((pattern) => (pattern.endsWith('*') ? topic.startsWith(pattern.slice(0, -1)) : topic === pattern))
}
