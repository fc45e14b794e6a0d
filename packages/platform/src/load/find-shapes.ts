// Which payload schemas and record shapes apply to a service that runs in a folder. The library and the command line ask
// here, so that both refuse the same payloads. Only what concerns shapes is read and checked: a service has to start
// although another part of the platform file needs a variable that the service does not have.
import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { invalidPlatform } from '../errors.ts'
import type { PlatformProblem, PlatformTopic } from '../model.ts'
import { shapeOf } from '../shape.ts'
import { type Environment, get, overlay } from './document.ts'
import { collect, defaultEnvironment, readFiles } from './read-files.ts'
import { readShapeFiles, readTopicFolder } from './schema-files.ts'

/**
 * By topic: JSON Schemas by event type (none: any event type is taken, unchecked), or the text of the Avro schema that the
 * topic's records have.
 */
export type Shapes = Readonly<Record<string, Readonly<Record<string, object>> | string>>

export interface FindShapesOptions {
  /** A platform file. Default: `platform.yaml` in `folder`, else `schemas/` in it, else the nearest platform.yaml above. */
  readonly file?: string
  /** Default `development`. One that the file does not declare changes nothing. */
  readonly environment?: string
  /** Where `${NAME}` is looked up. Default `process.env`. */
  readonly env?: Environment
  /** Read only the schemas of this topic, if it is declared. Default: of all. */
  readonly topic?: string
}

/** The shape of one topic's records by the files. */
export interface TopicFiles {
  readonly name: string
  /** Text of the schema of the values; undefined for none, or one that is not Avro. */
  readonly schema: string | undefined
  /** JSON Schemas of the payloads. */
  readonly eventTypes: Readonly<Record<string, object>>
  readonly kind: 'events' | 'records' | 'other'
}

/**
 * @returns null when there is neither a platform file nor a folder `schemas`
 * @throws PlatformError INVALID_PLATFORM when a schema cannot be read, or is not one
 */
export async function findTopicFiles(folder: string, options: FindShapesOptions = {}): Promise<TopicFiles[] | null> {
  const from = resolve(folder)
  if (options.file !== undefined) {
    return topicsOfFile(resolve(from, options.file), options)
  }
  if (existsSync(join(from, fileName))) {
    return topicsOfFile(join(from, fileName), options)
  }
  if (existsSync(join(from, 'schemas'))) {
    return topicsOfFolder(join(from, 'schemas'))
  }
  for (let above = dirname(from); ; above = dirname(above)) {
    if (existsSync(join(above, fileName))) {
      return topicsOfFile(join(above, fileName), options)
    }
    if (above === dirname(above)) {
      return null
    }
  }
}

/**
 * The same as the library takes it.
 * @returns null when there is nothing to go by: no file, no folder, or no shape in them
 * @throws PlatformError as `findTopicFiles`
 */
export async function findShapes(folder: string, options: FindShapesOptions = {}): Promise<Shapes | null> {
  const topics = (await findTopicFiles(folder, options)) ?? []
  const known = topics.flatMap(({ name, schema, eventTypes, kind }) =>
    kind === 'other' ? [] : [[name, kind === 'events' ? eventTypes : schema!] as const],
  )
  return known.length === 0 ? null : Object.fromEntries(known)
}

const fileName = 'platform.yaml'

async function topicsOfFile(file: string, options: FindShapesOptions): Promise<TopicFiles[]> {
  const environment = options.environment ?? defaultEnvironment
  // Mistakes elsewhere in the file are for `selfmonitor validate` to tell.
  const elsewhere: PlatformProblem[] = []
  const problems: PlatformProblem[] = []
  const files = await readFiles(file, options.env ?? process.env, environment, elsewhere, () => [])
  const root = files[0]?.tree
  if (root === undefined) {
    throw invalidPlatform(elsewhere)
  }
  const chosen = get(root, 'environments', environment)
  const defaults = overlay(get(root, 'defaults'), get(chosen, 'defaults'))
  const declared = collect(
    files.map(({ tree }) => tree),
    'topics',
    elsewhere,
  )
  const one = options.topic === undefined ? undefined : declared.get(options.topic)
  const topics = one === undefined ? declared : new Map([[options.topic!, one]])
  const found = [...topics].map(([name, { value }]) => {
    const own = overlay(value, get(chosen, 'topics', name))
    return [name, readShapeFiles(name, own, overlay(defaults, own), problems)] as const
  })
  return describe(found, problems)
}

/** `schemas/<topic>/<event type>.json` and `schemas/<topic>.avsc`, without a platform file. */
async function topicsOfFolder(folder: string): Promise<TopicFiles[]> {
  const problems: PlatformProblem[] = []
  const entries = await readdir(folder, { withFileTypes: true })
  const names = new Set(
    entries.flatMap((entry) =>
      entry.isDirectory() ? [entry.name] : entry.name.endsWith('.avsc') ? [entry.name.slice(0, -'.avsc'.length)] : [],
    ),
  )
  const found = [...names].sort().map((name) => [name, readTopicFolder(folder, name, problems)] as const)
  return describe(found, problems)
}

function describe(
  topics: readonly (readonly [string, Pick<PlatformTopic, 'schema' | 'eventTypes'>])[],
  problems: readonly PlatformProblem[],
): TopicFiles[] {
  if (problems.length > 0) {
    throw invalidPlatform([...problems])
  }
  return topics.map(([name, files]) => {
    const eventTypes = Object.fromEntries(Object.entries(files.eventTypes).map(([type, { schema }]) => [type, schema]))
    const { kind } = shapeOf(files)
    const isAvro = (files.schema?.schemaType ?? 'AVRO') === 'AVRO'
    return {
      name,
      schema: isAvro ? files.schema?.schema : undefined,
      eventTypes,
      // Payload schemas are valid without a schema beside them, because the registry has the envelope.
      kind: Object.keys(eventTypes).length > 0 ? 'events' : kind,
    }
  })
}
