// A client of any registry with Confluent's REST API.

import { isCompatibilityLevel } from '../compatibility/index.ts'
import { registryErrorCodes } from '../error-codes.ts'
import type {
  CompatibilityLevel,
  RegisteredSchema,
  RegistryClient,
  RegistryClientOptions,
  SchemaDefinition,
} from '../types.ts'
import { createCache, createFlight } from './cache.ts'
import { RegistryError } from './errors.ts'
import { createHttp, type HttpDependencies } from './http.ts'
import { withoutUser } from './url.ts'

/** Schemas that a client remembers, of each kind of question. */
const cacheEntries = 1000

/**
 * @param dependencies only tests give them
 * @throws {RegistryError} REGISTRY_OPTIONS, when the url is none; every method rejects with a `RegistryError`
 */
export function createRegistryClient(
  options: RegistryClientOptions,
  dependencies: Partial<HttpDependencies> = {},
): RegistryClient {
  const http = createHttp(options, dependencies)
  const byId = createCache<SchemaDefinition>(cacheEntries)
  const byVersion = createCache<RegisteredSchema>(cacheEntries)
  const registering = createFlight<{ id: number }>()
  const reads = createFlight<unknown>()

  /** GETs of the same thing at the same time are one request. */
  function get(path: string): Promise<unknown> {
    return reads.get(path, () => http({ method: 'GET', path }))
  }

  async function getVersion(subject: string, version: number | 'latest'): Promise<RegisteredSchema | null> {
    const path = `${versionsPath(subject)}/${version}`
    const load = async () => registeredSchema(await get(path))
    // The latest changes; a numbered version never does.
    return orNull(
      [registryErrorCodes.subjectNotFound, registryErrorCodes.versionNotFound],
      version === 'latest' ? load() : byVersion.get(path, load),
    )
  }

  async function check(subject: string, schema: SchemaDefinition, version: number | 'latest' | undefined) {
    const of = version === undefined ? '' : `/${version}`
    const ask = async (verbose: boolean) => {
      const path = `/compatibility${versionsPath(subject)}${of}${query({ verbose })}`
      const answer = (await http({ method: 'POST', path, body: bodyOf(schema) })) as {
        is_compatible: boolean
        messages?: string[]
      }
      return { compatible: answer.is_compatible, messages: answer.messages ?? [] }
    }
    const result = await ask(true)
    // With `verbose`, registries say of a text that is not a schema that it is incompatible: without, they refuse it.
    if (!result.compatible && result.messages.some((message) => message.startsWith('Invalid schema'))) await ask(false)
    return result
  }

  return {
    url: withoutUser(options.url),

    async register(subject, schema, { normalize = false } = {}) {
      const path = `${versionsPath(subject)}${query({ normalize })}`
      const body = bodyOf(schema)
      return registering.get(JSON.stringify([path, body]), async () => {
        const { id } = (await http({ method: 'POST', path, body })) as { id?: unknown }
        if (!Number.isInteger(id)) throw badAnswer(path)
        return { id: id as number }
      })
    },

    async lookup(subject, schema, { normalize = false, deleted = false } = {}) {
      const path = `${subjectPath(subject)}${query({ normalize, deleted })}`
      const find = async (definition: SchemaDefinition) =>
        orNull(
          [registryErrorCodes.subjectNotFound, registryErrorCodes.schemaNotFound],
          http({ method: 'POST', path, body: bodyOf(definition) }).then(registeredSchema),
        )
      const found = await find(schema)
      if (found !== null || schema.metadata || schema.ruleSet) return found
      const latest = await getVersion(subject, 'latest')
      if (!latest?.metadata && !latest?.ruleSet) return null
      return find({ ...schema, ...inherited(latest) })
    },

    getById(id) {
      return byId.get(String(id), async () => definition(await get(`/schemas/ids/${id}`)))
    },

    getVersion,

    async subjects({ deleted = false } = {}) {
      return (await get(`/subjects${query({ deleted })}`)) as string[]
    },

    async versions(subject, { deleted = false } = {}) {
      const versions = await orNull(
        [registryErrorCodes.subjectNotFound],
        get(`${versionsPath(subject)}${query({ deleted })}`),
      )
      return (versions ?? []) as number[]
    },

    async deleteSubject(subject, { permanent = false } = {}) {
      const deleted = await http({ method: 'DELETE', path: `${subjectPath(subject)}${query({ permanent })}` })
      byVersion.clear()
      return deleted as number[]
    },

    async deleteVersion(subject, version, { permanent = false } = {}) {
      const path = `${versionsPath(subject)}/${version}${query({ permanent })}`
      const deleted = await http({ method: 'DELETE', path })
      byVersion.clear()
      return deleted as number
    },

    async check(subject, schema, { version } = {}) {
      return (
        (await orNull([registryErrorCodes.subjectNotFound], check(subject, schema, version))) ?? {
          compatible: true,
          messages: [],
        }
      )
    },

    async getCompatibility(subject, { defaultToGlobal = true } = {}) {
      const path =
        subject === undefined ? '/config' : `/config/${encodeURIComponent(subject)}${query({ defaultToGlobal })}`
      const config = await orNull([registryErrorCodes.noSubjectConfig, registryErrorCodes.subjectNotFound], get(path))
      if (config === null) return null
      const level = (config as { compatibilityLevel?: string }).compatibilityLevel
      if (level === undefined || !isCompatibilityLevel(level)) throw badAnswer(path)
      return level
    },

    async setCompatibility(level: CompatibilityLevel, subject) {
      const of = subject === undefined ? '' : `/${encodeURIComponent(subject)}`
      await http({ method: 'PUT', path: `/config${of}`, body: { compatibility: level } })
    },

    request: http,
  }
}

function subjectPath(subject: string): string {
  return `/subjects/${encodeURIComponent(subject)}`
}

function versionsPath(subject: string): string {
  return `${subjectPath(subject)}/versions`
}

/** Only what is true: registries differ in how they read `false`. */
function query(flags: Readonly<Record<string, boolean>>): string {
  const set = Object.keys(flags).filter((name) => flags[name])
  return set.length === 0 ? '' : `?${set.map((name) => `${name}=true`).join('&')}`
}

/** Registries before 5.5 know no `schemaType`, so Avro does not say it. */
function bodyOf({ schema, schemaType = 'AVRO', references = [], metadata, ruleSet }: SchemaDefinition): object {
  return {
    ...(schemaType === 'AVRO' ? {} : { schemaType }),
    ...(references.length === 0 ? {} : { references }),
    ...(metadata && { metadata }),
    ...(ruleSet && { ruleSet }),
    schema,
  }
}

/** The contract that the next registration gets if it has none: all but the number of the version. */
function inherited({ metadata, ruleSet }: SchemaDefinition): Pick<SchemaDefinition, 'metadata' | 'ruleSet'> {
  const { 'confluent:version': number, ...properties } = metadata?.properties ?? {}
  if (number === undefined) return { metadata, ruleSet }
  const { properties: _, ...others } = metadata!
  const left = { ...others, ...(Object.keys(properties).length > 0 && { properties }) }
  // Where the number was all there was, a version without metadata is meant: `{}` is another contract.
  return { ...(Object.keys(left).length > 0 && { metadata: left }), ruleSet }
}

function definition(answer: unknown): SchemaDefinition {
  const { schema, schemaType = 'AVRO', references = [], metadata, ruleSet } = answer as Partial<SchemaDefinition>
  if (typeof schema !== 'string') throw badAnswer('/schemas/ids')
  return { schema, schemaType, references, ...(metadata && { metadata }), ...(ruleSet && { ruleSet }) }
}

function registeredSchema(answer: unknown): RegisteredSchema {
  const { subject, version, id } = answer as Partial<RegisteredSchema>
  if (typeof subject !== 'string' || !Number.isInteger(version) || !Number.isInteger(id)) throw badAnswer('/subjects')
  return { subject, version: version!, id: id!, ...definition(answer) }
}

/** null for the registry's ways to say that it is not there. */
async function orNull<Value>(errorCodes: readonly number[], answer: Promise<Value>): Promise<Value | null> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof RegistryError && errorCodes.includes(error.errorCode ?? 0)) return null
    throw error
  }
}

function badAnswer(path: string): RegistryError {
  return new RegistryError('REGISTRY_BAD_ANSWER', `the answer to ${path} is not what a Schema Registry gives`, {
    hint: 'is this the address of a Schema Registry?',
  })
}
