// `selfmonitor schemas`: list, get, check, register.

import type {
  CompatibilityLevel,
  Incompatibility,
  IncompatibilityReason,
  RegistryClient,
  SchemaDefinition,
  SchemaType,
} from '@selfmonitor/registry'
import { registryErrorCodes } from '@selfmonitor/registry/error-codes'
import type { Context } from '../framework/context.ts'
import { CliError, exitCodes, usageError } from '../framework/errors.ts'
import { readGivenFile } from '../framework/given-file.ts'
import { integer } from '../framework/parse.ts'
import { didYouMean } from '../framework/suggest.ts'
import { choice, defineVerb, flag, type Noun, optional, required, value } from '../framework/verb.ts'
import { renderFields } from '../output/table.ts'

const schemaTypes = ['AVRO', 'JSON', 'PROTOBUF'] as const satisfies readonly SchemaType[]

const list = defineVerb({
  name: 'list',
  summary: 'list subjects with their latest version',
  examples: ['selfmonitor schemas list'],
  options: { deleted: flag('--deleted', 'include soft-deleted subjects') },
  output: ['table', 'json', 'yaml', 'name'],
  async run(context, { options }) {
    const registry = await context.registry()
    const subjects = (await registry.subjects({ deleted: options.deleted })).sort()
    const rows =
      context.format === 'name'
        ? subjects.map((subject) => ({ subject, latest: null, versions: 0, compatibility: null }))
        : await Promise.all(
            subjects.map(async (subject) => {
              const [versions, latest, compatibility] = await Promise.all([
                registry.versions(subject, { deleted: options.deleted }),
                registry.getVersion(subject, 'latest'),
                registry.getCompatibility(subject, { defaultToGlobal: true }),
              ])
              return { subject, latest, versions: versions.length, compatibility }
            }),
          )
    await context.printRows(rows, {
      columns: [
        { header: 'SUBJECT', value: ({ subject }) => subject },
        { header: 'TYPE', value: ({ latest }) => (latest === null ? null : (latest.schemaType ?? 'AVRO')) },
        { header: 'ID', value: ({ latest }) => latest?.id, align: 'right' },
        { header: 'LATEST', value: ({ latest }) => latest?.version, align: 'right' },
        { header: 'VERSIONS', value: ({ versions }) => versions },
        { header: 'COMPATIBILITY', value: ({ compatibility }) => compatibility },
      ],
      name: ({ subject }) => subject,
      data: ({ subject, latest, versions, compatibility }) => ({
        subject,
        schemaType: latest === null ? null : (latest.schemaType ?? 'AVRO'),
        id: latest?.id ?? null,
        latestVersion: latest?.version ?? null,
        versions,
        compatibility,
      }),
      empty: 'No schemas. `selfmonitor setup` registers those of platform.yaml.',
    })
  },
})

const get = defineVerb({
  name: 'get',
  summary: 'print a schema, by subject or by id',
  examples: [
    'selfmonitor schemas get user.events-value',
    'selfmonitor schemas get user.events-value --version 2 -o json',
    'selfmonitor schemas get --id 7',
  ],
  args: { subject: optional('the subject', 'subjects') },
  options: {
    version: value('--version <n>', 'instead of the latest', integer(1)),
    id: value('--id <n>', 'by its id instead of a subject', integer(1)),
  },
  output: ['text', 'json', 'yaml', 'name'],
  async run(context, { args, options }) {
    const registry = await context.registry()
    const { subject } = args
    if ((subject === undefined) === (options.id === undefined)) throw usageError('Name a subject, or pass --id.')
    if (subject === undefined) {
      const schema = await registry.getById(options.id!).catch((error: unknown) => {
        if ((error as { errorCode?: unknown }).errorCode !== schemaNotFound) throw error
        throw new CliError('UNKNOWN_SCHEMA', `There is no schema with the id ${options.id} at ${registry.url}.`, {
          hint: '`selfmonitor schemas list` shows the ids of the latest versions.',
          cause: error,
        })
      })
      await context.printThing(
        { id: options.id, ...schema },
        { name: String(options.id), table: () => pretty(schema.schema) },
      )
      return
    }
    const found = await registry.getVersion(subject, options.version ?? 'latest')
    if (found === null) throw await unknownSubject(registry, subject, options.version)
    await context.printThing(found, { name: found.subject, table: () => pretty(found.schema) })
  },
})

async function unknownSubject(
  registry: RegistryClient,
  subject: string,
  version: number | undefined,
): Promise<CliError> {
  const versions = version === undefined ? [] : await registry.versions(subject)
  if (versions.length > 0) {
    return new CliError('UNKNOWN_VERSION', `${subject} has no version ${version}: it has ${versions.join(', ')}.`)
  }
  return new CliError('UNKNOWN_SUBJECT', `There is no subject "${subject}" at ${registry.url}.`, {
    hint: didYouMean(subject, await registry.subjects()) ?? '`selfmonitor schemas list` lists the existing ones.',
  })
}

/** JSON texts are indented; others (Protobuf) are as they were registered. */
function pretty(schema: string): string {
  try {
    return `${JSON.stringify(JSON.parse(schema), null, 2)}\n`
  } catch {
    return schema.endsWith('\n') ? schema : `${schema}\n`
  }
}

async function readSchema(context: Context, file: string, schemaType: SchemaType): Promise<SchemaDefinition> {
  if (file === '-') return { schema: await context.io.readStdin(), schemaType }
  return { schema: readGivenFile(context.io, file, 'The schema file'), schemaType }
}

/** A file of a contract: a JSON object. */
function readContract(context: Context, file: string | undefined, what: string): object | undefined {
  if (file === undefined) return undefined
  const text = readGivenFile(context.io, file, what)
  const value = parsedJson(text)
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  throw new CliError('INVALID_SCHEMA', `${file} is not a JSON object`, {
    hint: 'See https://docs.confluent.io/platform/current/schema-registry/fundamentals/data-contracts.html for its form.',
  })
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const directions = {
  backward: 'records of the old schema, read with the new one (BACKWARD):',
  forward: 'records of the new schema, read with the old one (FORWARD):',
} as const

/**
 * The registry's objections to a schema, as text: each reason (under FULL, by direction), then the version that it was compared with.
 * @param inWords a reason as a sentence
 */
export function reasons(
  { reasons: found, version, compatibility }: Incompatibility,
  inWords: (reason: IncompatibilityReason) => string,
): string {
  const isFull = compatibility?.startsWith('FULL') === true
  const lines = [...Map.groupBy(found, ({ direction }) => (isFull ? direction : null))].flatMap(([direction, these]) =>
    direction === null ? these.map(inWords) : [directions[direction], ...these.map((reason) => `  ${inWords(reason)}`)],
  )
  const against = [version === null ? undefined : `version ${version}`, compatibility ?? undefined].filter(Boolean)
  return [...lines, ...(against.length === 0 ? [] : [`(${against.join(', ')})`])].map((line) => `  ${line}`).join('\n')
}

/** https://docs.confluent.io/platform/current/schema-registry/develop/api.html#schemas */
const { invalidSchema, schemaNotFound } = registryErrorCodes

/** Names the file of a schema that the registry cannot read, without repeating all of its text. */
async function saysWhichFile<Result>(url: string, file: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    if ((error as { errorCode?: unknown }).errorCode !== invalidSchema) throw error
    const { readInvalidSchema } = await import('@selfmonitor/registry')
    const { problem, path } = readInvalidSchema((error as Error).message)
    const supported = /^Invalid schema type (\w+); this registry supports (.+)$/.exec(problem)
    if (supported !== null) {
      throw new CliError(
        'SCHEMA_TYPE_UNSUPPORTED',
        `${file} is ${supported[1]}, and the registry at ${url} supports ${supported[2]} only.`,
        { hint: '--registry-url names another registry.', cause: error },
      )
    }
    throw new CliError('INVALID_SCHEMA', `${file} is not a schema: ${problem}${path === null ? '' : ` (at ${path})`}`, {
      hint: 'Correct it, or set its type with --type.',
      cause: error,
    })
  }
}

const check = defineVerb({
  name: 'check',
  summary: 'check whether a schema is compatible',
  details: 'The registry compares it with the versions that the subject’s level names. Exit code 1 when it is not.',
  examples: ['selfmonitor schemas check user.events-value schemas/user.events.avsc'],
  args: { subject: required('the subject', 'subjects'), file: required('the schema; - for standard input') },
  options: {
    type: choice('--type <type>', 'kind of schema', schemaTypes, 'AVRO'),
    version: value('--version <n>', 'against this version only', integer(1)),
  },
  output: ['table', 'json', 'yaml'],
  async run(context, { args, options }) {
    const registry = await context.registry()
    const schema = await readSchema(context, args.file, options.type)
    const result = await saysWhichFile(registry.url, args.file, () =>
      registry.check(args.subject, schema, options.version === undefined ? {} : { version: options.version }),
    )
    // The registry calls it compatible, and so it would be with a subject that is only mistyped.
    const unknown = result.compatible && (await registry.getVersion(args.subject, 'latest')) === null
    const { good, bad } = context.colours.stdout
    const { explainReason, readIncompatibility } = await import('@selfmonitor/registry')
    const inWords = (reason: IncompatibilityReason): string => explainReason(reason, schema.schema)
    const found = readIncompatibility(result.messages, schema.schema)
    await context.printThing(
      {
        subject: args.subject,
        compatible: result.compatible,
        version: found.version,
        compatibility: found.compatibility,
        problems: found.reasons,
      },
      {
        table: () =>
          unknown
            ? `there is no subject ${args.subject} yet: any schema is compatible\n`
            : result.compatible
              ? `${good('compatible')} with ${args.subject}\n`
              : `${bad('incompatible')} with ${args.subject}\n${reasons(found, inWords)}\n`,
      },
    )
    return result.compatible ? exitCodes.done : exitCodes.failed
  },
})

const register = defineVerb({
  name: 'register',
  summary: 'register a schema under a subject',
  details: 'To keep it, name the file in platform.yaml and apply that.',
  examples: ['selfmonitor schemas register orders-value orders.avsc --yes'],
  args: { subject: required('the subject', 'subjects'), file: required('the schema; - for standard input') },
  options: {
    type: choice('--type <type>', 'kind of schema', schemaTypes, 'AVRO'),
    normalize: flag('--normalize', 'register its normal form'),
    metadata: value(
      '--metadata <file>',
      'JSON: its tags and properties; without it, those of the version before',
      String,
    ),
    rules: value('--rules <file>', 'JSON: its rule set; without it, that of the version before', String),
  },
  output: ['table', 'json', 'yaml', 'name'],
  mutates: true,
  async run(context, { args, options }) {
    const registry = await context.registry()
    const metadata = readContract(context, options.metadata, 'The metadata file')
    const ruleSet = readContract(context, options.rules, 'The file of rules')
    const schema = {
      ...(await readSchema(context, args.file, options.type)),
      ...(metadata && { metadata }),
      ...(ruleSet && { ruleSet }),
    }
    const show = async (registered: { id: number; version: number | undefined }): Promise<void> =>
      await context.printThing(
        { subject: args.subject, ...registered },
        {
          name: args.subject,
          table: () =>
            renderFields(
              [
                ['subject', args.subject],
                ['id', registered.id],
                ['version', registered.version],
              ],
              context.colours.stdout,
            ),
        },
      )
    const present = await saysWhichFile(registry.url, args.file, () =>
      registry.lookup(args.subject, schema, { normalize: options.normalize }),
    )
    if (present !== null) {
      context.note(`${args.subject} has this schema already: nothing to register.`)
      await show(present)
      return
    }
    const latest = await registry.getVersion(args.subject, 'latest')
    context.note(
      latest === null ? `  + ${args.subject}: a new subject` : `  ~ ${args.subject}: a version after ${latest.version}`,
    )
    const { compatible, messages } = await registry.check(args.subject, schema)
    if (!compatible) {
      const { explainReason, readIncompatibility } = await import('@selfmonitor/registry')
      const inWords = (reason: IncompatibilityReason): string => explainReason(reason, schema.schema)
      throw new CliError(
        'INCOMPATIBLE_SCHEMA',
        `${args.file} is not compatible with ${args.subject}:\n${reasons(readIncompatibility(messages, schema.schema), inWords)}`,
        {
          hint: 'Give new fields a default, keep the types of old ones, or register it under another subject.',
        },
      )
    }
    await context.confirm({ what: `Register ${args.subject}`, typedName: args.subject, of: 'registry' })
    const { id } = await context.audited(
      {
        action: 'schemas.register',
        resources: [{ type: 'subject', name: args.subject }],
        before: latest === null ? undefined : { version: latest.version, id: latest.id },
        after: schema,
      },
      async (report) => {
        const registered = await registry.register(args.subject, schema, { normalize: options.normalize })
        report.after({ ...schema, id: registered.id })
        return registered
      },
    )
    const registered = await registry.lookup(args.subject, schema, { normalize: options.normalize })
    await show({ id, version: registered?.version })
  },
})

const remove = defineVerb({
  name: 'delete',
  summary: 'delete a subject, or one of its versions',
  details:
    'A deleted schema is no longer listed, but can still be read by its id, to decode what was written with it, unless\n' +
    '--permanent is given.',
  examples: [
    'selfmonitor schemas delete orders-value --yes',
    'selfmonitor schemas delete orders-value --version 3',
    'selfmonitor schemas delete orders-value --permanent',
  ],
  args: { subject: required('the subject', 'subjects') },
  options: {
    version: value('--version <n>', 'only this version', integer(1)),
    permanent: flag('--permanent', 'permanently: records that were written with it can no longer be decoded'),
  },
  output: ['table', 'json', 'yaml', 'name'],
  mutates: true,
  async run(context, { args, options }) {
    const registry = await context.registry()
    const { subject } = args
    const live = await registry.versions(subject)
    const all = options.permanent ? await registry.versions(subject, { deleted: true }) : live
    const found = options.version === undefined ? all : all.filter((version) => version === options.version)
    if (found.length === 0) throw await unknownSubject(registry, subject, options.version)
    const { bad, careful } = context.colours.stderr
    const which = `version${found.length === 1 ? '' : 's'} ${found.join(', ')}`
    context.note(`  ${bad('-')} ${subject}: ${which}${options.permanent ? ', permanently' : ''}`)
    if (options.permanent) {
      context.note(`  ${careful('! records that were written with it can no longer be decoded')}`)
    }
    await context.confirm({
      what: `Delete ${which} of ${subject}${options.permanent ? ' permanently' : ''}`,
      typedName: subject,
      of: 'registry',
    })
    // Only what is deleted already can be deleted permanently: https://docs.confluent.io/platform/current/schema-registry/
    const soft = found.filter((version) => live.includes(version))
    await context.audited(
      {
        action: 'schemas.delete',
        resources: [{ type: 'subject', name: subject }],
        before: { versions: found },
        after: { permanent: options.permanent },
      },
      async () => {
        if (options.version === undefined) {
          if (soft.length > 0) await registry.deleteSubject(subject)
          if (options.permanent) await registry.deleteSubject(subject, { permanent: true })
        } else {
          if (soft.length > 0) await registry.deleteVersion(subject, options.version)
          if (options.permanent) await registry.deleteVersion(subject, options.version, { permanent: true })
        }
      },
    )
    await context.printRows(
      found.map((version) => ({ subject, version, permanent: options.permanent })),
      {
        columns: [
          { header: 'DELETED', value: (row) => row.subject },
          { header: 'VERSION', value: ({ version }) => version },
          { header: 'PERMANENT', value: ({ permanent }) => (permanent ? 'yes' : 'no') },
        ],
        name: ({ version }) => `${subject}:${version}`,
        empty: 'Nothing to delete.',
      },
    )
  },
})

const getLevel = defineVerb({
  name: 'compatibility get',
  summary: 'show which changes of a subject’s schema are allowed',
  details: 'Without a subject: the level of all that have none of their own.',
  examples: ['selfmonitor schemas compatibility get', 'selfmonitor schemas compatibility get user.events-value'],
  args: { subject: optional('the subject', 'subjects') },
  output: ['table', 'json', 'yaml', 'name'],
  async run(context, { args }) {
    const level = await readLevel(await context.registry(), args.subject)
    await context.printThing(level, { name: level.compatibility, table: () => levelFields(context, level) })
  },
})

const setLevel = defineVerb({
  name: 'compatibility set',
  summary: 'set which changes of a subject’s schema are allowed',
  details: 'To keep it, write it into platform.yaml and apply that. Without a subject: the global level.',
  examples: [
    'selfmonitor schemas compatibility set FULL user.events-value',
    'selfmonitor schemas compatibility set BACKWARD_TRANSITIVE',
  ],
  args: {
    level: required('NONE, BACKWARD, FORWARD, FULL, or one of the last three with _TRANSITIVE'),
    subject: optional('the subject', 'subjects'),
  },
  output: ['table', 'json', 'yaml', 'name'],
  mutates: true,
  async run(context, { args }) {
    const { compatibilityLevels, isCompatibilityLevel } = await import('@selfmonitor/registry')
    const wanted = args.level.toUpperCase()
    if (!isCompatibilityLevel(wanted)) {
      throw usageError(
        `"${args.level}" is not a compatibility level.`,
        didYouMean(wanted, compatibilityLevels) ?? `Use one of ${compatibilityLevels.join(', ')}.`,
      )
    }
    const registry = await context.registry()
    const now = await readLevel(registry, args.subject)
    const isOwn = args.subject === undefined || now.source === 'subject'
    if (isOwn && now.compatibility === wanted) {
      context.note(`${args.subject ?? 'The global level'} is ${wanted} already: nothing to set.`)
    } else {
      const from = `${now.compatibility}${isOwn ? '' : ', the global one'}`
      context.note(
        `  ${context.colours.stderr.careful('~')} ${args.subject ?? 'the global level'}: ${from} → ${wanted}`,
      )
      await context.confirm({
        what: `Set the compatibility of ${args.subject ?? 'every subject without its own'}`,
        typedName: args.subject ?? context.settings.environment.value,
        of: 'registry',
      })
      await context.audited(
        {
          action: 'schemas.compatibility-set',
          resources: [{ type: 'subject', name: args.subject ?? '(global)' }],
          before: now,
          after: { compatibility: wanted },
        },
        () => registry.setCompatibility(wanted, args.subject),
      )
    }
    const level = await readLevel(registry, args.subject)
    await context.printThing(level, { name: level.compatibility, table: () => levelFields(context, level) })
  },
})

interface Level {
  /** null: the global level. */
  readonly subject: string | null
  readonly compatibility: CompatibilityLevel
  readonly source: 'subject' | 'global'
}

/** @throws CliError UNKNOWN_SUBJECT when there is none, and no level for it either */
async function readLevel(registry: RegistryClient, subject: string | undefined): Promise<Level> {
  const own = subject === undefined ? null : await registry.getCompatibility(subject, { defaultToGlobal: false })
  if (subject !== undefined && own !== null) return { subject, compatibility: own, source: 'subject' }
  if (subject !== undefined && (await registry.versions(subject, { deleted: true })).length === 0) {
    throw await unknownSubject(registry, subject, undefined)
  }
  // Every registry has a global level; the client says null for a subject that is not there.
  const global = (await registry.getCompatibility()) ?? 'BACKWARD'
  return { subject: subject ?? null, compatibility: global, source: 'global' }
}

function levelFields(context: Context, { subject, compatibility, source }: Level): string {
  return renderFields(
    [
      ...(subject === null ? [] : [['subject', subject] as const]),
      ['compatibility', compatibility],
      ['from', source === 'subject' ? 'the subject itself' : 'the global level'],
    ],
    context.colours.stdout,
  )
}

export const schemas: Noun = {
  name: 'schemas',
  summary: 'the Schema Registry: list, get, check, register, delete, compatibility',
  verbs: [list, get, check, register, remove, getLevel, setLevel],
}
