// Writes a platform file from a live cluster, one whose plan is then empty.
import { access, mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Cluster, ConfigEntry } from '@selfmonitor/cluster'
import type { RegisteredSchema, RegistryClient } from '@selfmonitor/registry'
import { stringify } from 'yaml'
import { PlatformError } from '../errors.ts'
import { liveTopic, topicsAndConfigs } from '../live/live.ts'
import { subjectOf } from '../live/subject.ts'
import { avroProblem } from '../load/avro-problem.ts'
import { isInternalName, matchesAny } from '../pattern.ts'
import { shapeOf } from '../shape.ts'
import { isKnownSetting, toKafkaValue } from '../topic-settings.ts'
import { formatDuration, formatSize, parseDuration, parseSize } from '../units.ts'
import { type ImportedAccess, importAccess } from './import-access.ts'
import { importPayloads, payloadSubjectsOf } from './import-payloads.ts'

export interface ImportOptions {
  /** Folder to write to. Without one nothing is written; the texts are returned. */
  dir?: string
  /** Only topics that match one of these patterns (`*` matches any characters). Default: all. */
  topics?: readonly string[]
  /** Replace existing files. Default false. */
  overwrite?: boolean
}

export interface ImportedPlatform {
  /** Texts by path, `platform.yaml` first. */
  readonly files: ReadonlyMap<string, string>
  readonly topics: number
  readonly schemas: number
  readonly users: number
  /** The parts that could not be expressed in the file, with the reason. */
  readonly notes: readonly string[]
}

const nothing: ImportedAccess = { declared: {}, notes: [] }

// Kafka's reassignment tools set these for a while; they say nothing about the topic.
const transientSettings = new Set(['leader.replication.throttled.replicas', 'follower.replication.throttled.replicas'])

/**
 * Reads topics with their schemas and the payloads of their events, and with all topics also the accounts with their ACLs. Internal topics, and those whose
 * names begin with `_` (`_schemas`), are left out.
 *
 * @param registry null imports topics without schemas
 * @throws PlatformError FILE_EXISTS when a file would be replaced, before anything is written
 */
export async function importPlatform(
  cluster: Cluster,
  registry: RegistryClient | null,
  options: ImportOptions = {},
): Promise<ImportedPlatform> {
  const wanted = (name: string) => !isInternalName(name) && matchesAny(name, options.topics ?? ['*'])
  const isWhole = options.topics === undefined
  const [{ clusterId }, { infos, configs }, subjects, access] = await Promise.all([
    cluster.info(),
    topicsAndConfigs(cluster, wanted),
    registry === null ? ([] as string[]) : registry.subjects(),
    isWhole ? importAccess(cluster) : nothing,
  ])
  const chosen = infos.filter(({ name }) => wanted(name))
  const notes = [...access.notes]
  const files = new Map<string, string>()
  const topics: Record<string, object> = {}
  const names = infos.map(({ name }) => name)
  /** Subjects that are written down, or have a note of their own. */
  const told = new Set<string>()
  for (const info of chosen) {
    const subject = subjectOf(info.name)
    const schema = registry !== null && subjects.includes(subject) ? await importSchema(subject, registry) : null
    const obstacle = schema === null ? null : whyNotDeclared(schema.latest)
    if (obstacle !== null) {
      notes.push(`${subject}: ${obstacle}; the schema is left out`)
    }
    const file = schema === null || obstacle !== null ? null : schemaFile(info.name, schema.latest)
    if (file !== null) {
      files.set(file, schemaText(schema!.latest.schema))
    }
    const isOfEvents =
      file !== null && shapeOf({ schema: { ...schema!.latest, file }, eventTypes: {} }).kind === 'events'
    const ofTypes = isOfEvents ? payloadSubjectsOf(info.name, subjects, names) : []
    for (const name of ofTypes) {
      told.add(name)
    }
    const payloads =
      ofTypes.length === 0 ? [] : await importPayloads(info.name, ofTypes, schema!.compatibility, registry!, notes)
    for (const { type, text } of payloads) {
      files.set(`schemas/${info.name}/${type}.json`, schemaText(text))
    }
    const { partitions, replicationFactor } = liveTopic(info, [])
    topics[info.name] = {
      partitions,
      replication: replicationFactor,
      ...settingsOf(info.name, configs.get(info.name) ?? [], notes),
      ...(file === null ? {} : { schema: file }),
      ...(payloads.length === 0 ? {} : { events: `schemas/${info.name}` }),
      ...(schema?.compatibility == null ? {} : { compatibility: schema.compatibility }),
    }
  }
  notes.push(
    ...leftOut(
      subjects.filter((subject) => !told.has(subject)),
      chosen.map(({ name }) => name),
      isWhole,
    ),
  )
  const users = Object.keys(access.declared.users ?? {}).length
  const head = [
    `# Written by \`selfmonitor import\` from cluster ${clusterId}: its topics${users > 0 ? ', accounts and ACLs' : ''} as they are.`,
    ...(users > 0 ? ['# Passwords cannot be read: a plan needs them in a folder, --passwords.'] : []),
    ...notes.map((note) => `# Not imported: ${note}.`),
    '',
  ]
  const { users: accounts, ...mode } = access.declared
  const content = { version: 1, ...mode, topics, ...(accounts === undefined ? {} : { users: accounts }) }
  const text = `${head.join('\n')}${stringify(content, { lineWidth: 0 })}`
  const result = new Map([['platform.yaml', text], ...files])
  if (options.dir !== undefined) {
    await write(options.dir, result, options.overwrite ?? false)
  }
  return { files: result, topics: chosen.length, schemas: files.size, users, notes }
}

/** The reason why a file cannot declare a schema; null if it can. */
function whyNotDeclared({ schema, schemaType = 'AVRO', references = [] }: RegisteredSchema): string | null {
  if (references.length > 0) {
    return 'its references to other schemas cannot be declared'
  }
  if (schemaType !== 'AVRO') {
    return null
  }
  // A platform file declares what a registry would take today.
  const problem = avroProblem('', schema)
  return problem === null ? null : `it breaks today's rules for Avro (${problem.message})`
}

/**
 * Subjects that the file says nothing of, because only values of topics are declared: schemas of keys
 * (TopicNameStrategy), of single record types (RecordNameStrategy, TopicRecordNameStrategy), of topics that are not there.
 *
 * @param isWhole all topics were asked for; otherwise only what belongs to the chosen ones by its name is said
 */
function leftOut(subjects: readonly string[], topics: readonly string[], isWhole: boolean): string[] {
  const names = new Set(topics)
  const values = new Set(topics.map(subjectOf))
  const keys: string[] = []
  const records: string[] = []
  const others: string[] = []
  for (const subject of subjects.filter((name) => !values.has(name) && !isInternalName(name)).sort()) {
    if (subject.endsWith('-key') && names.has(subject.slice(0, -'-key'.length))) {
      keys.push(subject)
    } else if (topics.some((topic) => subject.startsWith(`${topic}-`))) {
      records.push(subject)
    } else if (isWhole) {
      others.push(subject)
    }
  }
  const note = (found: readonly string[], what: string) => (found.length === 0 ? [] : [`${what}: ${found.join(', ')}`])
  return [
    ...note(keys, 'schemas of keys, which cannot be declared'),
    ...note(records, 'schemas of single record types (TopicRecordNameStrategy), which cannot be declared'),
    ...note(others, 'subjects that are not the values of a topic here (RecordNameStrategy, or the topic is gone)'),
  ]
}

async function importSchema(subject: string, registry: RegistryClient) {
  const [latest, compatibility] = await Promise.all([
    registry.getVersion(subject, 'latest'),
    registry.getCompatibility(subject, { defaultToGlobal: false }),
  ])
  return latest === null ? null : { latest, compatibility }
}

function schemaFile(topic: string, { schemaType = 'AVRO' }: RegisteredSchema): string {
  const endings = { AVRO: 'avsc', JSON: 'json', PROTOBUF: 'proto' } as const
  return `schemas/${topic}.${endings[schemaType]}`
}

/** Indented, unless that would change it: a number beyond 2^53 does not survive JSON.parse. */
function schemaText(schema: string): string {
  try {
    const parsed = JSON.parse(schema)
    return JSON.stringify(parsed) === schema ? `${JSON.stringify(parsed, null, 2)}\n` : schema
  } catch {
    // Protobuf is not JSON.
    return schema
  }
}

function settingsOf(topic: string, entries: readonly ConfigEntry[], notes: string[]): object {
  const words: Record<string, string> = {}
  const config: Record<string, string | number> = {}
  for (const { name, value, source } of entries) {
    if (source !== 'topic' || value === null || transientSettings.has(name)) {
      continue
    }
    if (!isKnownSetting(name)) {
      notes.push(`${topic}: the setting ${name} is not one that this version knows`)
    } else if (name === 'retention.ms' && parseDuration(formatDuration(Number(value))) === Number(value)) {
      words.retention = formatDuration(Number(value))
    } else if (name === 'retention.bytes' && parseSize(formatSize(Number(value))) === Number(value)) {
      words.retentionSize = formatSize(Number(value))
    } else if (name === 'cleanup.policy' && ['delete', 'compact', 'compact,delete', 'delete,compact'].includes(value)) {
      words.cleanup = value
    } else {
      config[name] = written(name, value)
    }
  }
  return { ...words, ...(Object.keys(config).length === 0 ? {} : { config }) }
}

/** A number where it is one, and `$${` for `${`, which would be read as a reference. */
function written(name: string, value: string): string | number {
  const parsed = Number(value)
  const isNumber = /^-?\d+$/.test(value) && Number.isSafeInteger(parsed)
  const back = isNumber ? toKafkaValue(name, parsed) : null
  return back !== null && 'value' in back && back.value === value ? parsed : value.replaceAll('${', '$${')
}

async function write(dir: string, files: ReadonlyMap<string, string>, overwrite: boolean): Promise<void> {
  if (!overwrite) {
    for (const name of files.keys()) {
      const path = join(dir, name)
      const exists = await access(path).then(
        () => true,
        () => false,
      )
      if (exists) {
        throw new PlatformError('FILE_EXISTS', `${path} exists already: choose another folder, or allow overwriting`)
      }
    }
  }
  for (const [name, text] of files) {
    const path = join(dir, name)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, text)
  }
}
