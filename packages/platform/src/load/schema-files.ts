// The schema files that a topic names: the schema of its values, and a JSON Schema for each event type's payload. They are small,
// many and local: read one after the other they cost half of what they do through promises.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { fileProblem } from '@selfmonitor/cluster/file-problem'
import type { SchemaType } from '@selfmonitor/registry'
import type { PayloadSchema, PlatformProblem, PlatformTopic } from '../model.ts'
import { avroProblem } from './avro-problem.ts'
import { get, type Position, problemAt, type Tree } from './document.ts'
import { isEventTypeName } from './event-type-name.ts'
import { parseJsonFile, placeIn } from './json-place.ts'
import { jsonSchemaProblems } from './json-schema-check.ts'

/** A path as people read it: below the working directory it is relative. */
export function shownPath(path: string): string {
  const short = relative(process.cwd(), path)
  return short === '' || short.startsWith('..') ? path : short
}

function resolveFrom(position: Position, name: string, topic: string): string {
  return resolve(dirname(position.file), name.replaceAll('{topic}', topic))
}

const types: Readonly<Record<string, SchemaType>> = { '.avsc': 'AVRO', '.json': 'JSON', '.proto': 'PROTOBUF' }

/**
 * Reads the files that say what a topic's records look like.
 *
 * @param own what the file says about this topic alone
 * @param effective the same laid over the defaults and under the environment
 */
export function readShapeFiles(
  topic: string,
  own: Tree | undefined,
  effective: Tree | undefined,
  problems: PlatformProblem[],
): Pick<PlatformTopic, 'schema' | 'eventTypes'> {
  const schema = get(effective, 'schema')
  const events = get(effective, 'events')
  return {
    schema:
      schema?.kind === 'scalar' && typeof schema.value === 'string'
        ? readSchema(schema.value, topic, schema.at, problems)
        : undefined,
    eventTypes:
      events?.kind === 'scalar' && typeof events.value === 'string'
        ? readEventTypes(events.value, topic, events.at, get(own, 'events') !== undefined, problems)
        : {},
  }
}

/** The same by convention, without a platform file: `<folder>/<topic>.avsc` and `<folder>/<topic>/<event type>.json`. */
export function readTopicFolder(
  folder: string,
  topic: string,
  problems: PlatformProblem[],
): Pick<PlatformTopic, 'schema' | 'eventTypes'> {
  const at: Position = { file: folder, line: 1, column: 1, path: '' }
  const name = `${basename(folder)}/{topic}`
  return {
    schema: existsSync(join(folder, `${topic}.avsc`)) ? readSchema(`${name}.avsc`, topic, at, problems) : undefined,
    eventTypes: readEventTypes(name, topic, at, false, problems),
  }
}

/** Reads the schema that a topic names. `at` is the position of the name. */
function readSchema(name: string, topic: string, at: Position, problems: PlatformProblem[]): PlatformTopic['schema'] {
  const path = resolveFrom(at, name, topic)
  const file = shownPath(path)
  const type = Object.entries(types).find(([ending]) => path.endsWith(ending))?.[1]
  if (type === undefined) {
    problems.push(problemAt(at, `must be a .avsc, .json or .proto file, it is ${name}`))
    return undefined
  }
  let schema: string
  try {
    schema = readFileSync(path, 'utf8')
  } catch (error) {
    problems.push(
      problemAt(at, `${file} cannot be read (${fileProblem(error)}); create it, or write schema: null for ${topic}`),
    )
    return undefined
  }
  if (type !== 'PROTOBUF') {
    const bad = parseJsonFile(file, schema)
    if ('problem' in bad) {
      problems.push(bad.problem)
      return undefined
    }
  }
  const wrong = type === 'AVRO' ? avroProblem(file, schema) : null
  if (wrong !== null) {
    problems.push(wrong)
    return undefined
  }
  return { file, schema, ...(type === 'AVRO' ? {} : { schemaType: type }) }
}

/**
 * Reads `<event_type>.json` from the folder that a topic names, in the order of the names.
 *
 * @param required whether the topic itself names the folder: one that only a default names may be missing
 */
function readEventTypes(
  name: string,
  topic: string,
  at: Position,
  required: boolean,
  problems: PlatformProblem[],
): PlatformTopic['eventTypes'] {
  const folder = resolveFrom(at, name, topic)
  let files: string[]
  try {
    files = readdirSync(folder)
      .filter((entry) => entry.endsWith('.json'))
      .sort()
  } catch (error) {
    if (required || (error as NodeJS.ErrnoException).code !== 'ENOENT') {
      problems.push(
        problemAt(
          at,
          `${shownPath(folder)} cannot be read (${fileProblem(error)}); create the folder, or write events: null`,
        ),
      )
    }
    return {}
  }
  const eventTypes: Record<string, PayloadSchema> = {}
  for (const entry of files) {
    const file = shownPath(join(folder, entry))
    const eventType = entry.slice(0, -'.json'.length)
    const text = readFileSync(join(folder, entry), 'utf8')
    const parsed = parseJsonFile(file, text)
    if ('problem' in parsed) {
      problems.push(parsed.problem)
      continue
    }
    const wrong = jsonSchemaProblems(parsed.value)
    for (const { message, pointer, unknown } of wrong) {
      const place = placeIn(text, pointer, unknown === 'keyword' ? 'key' : 'value')
      problems.push({ file, ...place, path: '', message: `is not a JSON Schema: ${message}` })
    }
    if (wrong.length > 0) {
      continue
    }
    if (!isEventTypeName(eventType)) {
      problems.push({
        file,
        line: 1,
        column: 1,
        path: '',
        message: `'${eventType}' cannot name an event type: use letters, digits, _, . and -`,
      })
      continue
    }
    eventTypes[eventType] = { file, text, schema: parsed.value as object }
  }
  return eventTypes
}

/**
 * Says of a folder pattern that only defaults name when it leads nowhere: one topic may have no event types, but a pattern
 * without a single folder is mistyped.
 *
 * @param topics those that take the pattern
 */
export function checkEventsPattern(
  pattern: string,
  at: Position,
  topics: readonly string[],
  problems: PlatformProblem[],
): void {
  const folders = topics.map((topic) => resolveFrom(at, pattern, topic))
  if (folders.length > 0 && !folders.some((folder) => existsSync(folder))) {
    problems.push(
      problemAt(
        at,
        `${pattern} matches no topic: for example, ${shownPath(folders[0]!)} does not exist; correct it, or write events: null`,
      ),
    )
  }
}
