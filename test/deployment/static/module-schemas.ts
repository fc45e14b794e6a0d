// Schemas of custom resources from their own projects' Go modules: what the API server would refuse, or drop without a word.
import { existsSync } from 'node:fs'
import { cp, readFile, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { cacheDir, run } from '@selfmonitor/apache'
import { Ajv, type ErrorObject } from 'ajv'
import { parse } from 'yaml'
import { onceInCache } from './fetch.ts'
import type { Json } from './objects.ts'

/** A CustomResourceDefinition in a module; the modules here are all under Apache-2.0. */
export interface ModuleSchema {
  readonly module: string
  readonly version: string
  /** As in go.sum. */
  readonly sum: string
  /** Path of the definition in the module. */
  readonly path: string
  /** Of the resource: `v2`. */
  readonly apiVersion: string
}

const fileOf = ({ module, version, path }: ModuleSchema) =>
  join(cacheDir(), 'module-schemas', `${module.replaceAll('/', '-')}-${version}`, basename(path))

/** Fetches the definition once. @returns why it cannot be had here, in CI too, as with other Go modules; null when it is there. */
export async function fetchModuleSchema(schema: ModuleSchema): Promise<string | null> {
  const file = fileOf(schema)
  if (existsSync(file)) return null
  let missing: string | null = null
  await onceInCache(join(file, '..'), async (partial) => {
    const env = { ...process.env, GOMODCACHE: join(partial, 'modules'), GOFLAGS: '-modcacherw', GOWORK: 'off' }
    const words = ['mod', 'download', '-json', `${schema.module}@${schema.version}`]
    const said = await run('go', words, { cwd: partial, env, timeoutMs: 300_000 }).catch(() => null)
    if (said?.exitCode !== 0) {
      missing = `The Go module ${schema.module} could not be fetched: ${said?.stderr.trim().split('\n').at(-1) || 'go did not start'}`
      throw new Error(missing)
    }
    const { Dir, Sum } = JSON.parse(said.stdout) as { Dir: string; Sum: string }
    if (Sum !== schema.sum)
      throw new Error(`${schema.module} ${schema.version} is not the module that was pinned: its sum is ${Sum}`)
    await cp(join(Dir, schema.path), join(partial, basename(schema.path)))
    await rm(join(partial, 'modules'), { recursive: true })
  }).catch((error: unknown) => {
    if (missing === null) throw error
  })
  return missing
}

/** A schema with which what the API server would drop without a word is a mistake. */
function strict(schema: Json): Json {
  if (typeof schema !== 'object' || schema === null) return schema
  const { properties, items, additionalProperties, ...rest } = schema
  return {
    ...rest,
    // Go's way to write a class of characters with one letter.
    ...(rest.pattern && { pattern: rest.pattern.replace(/\\([pP])([A-Z])/g, '\\$1{$2}') }),
    ...(properties && {
      properties: Object.fromEntries(Object.entries(properties).map(([name, one]) => [name, strict(one)])),
      additionalProperties: false,
    }),
    ...(items && { items: strict(items) }),
    ...(additionalProperties && { additionalProperties: strict(additionalProperties) }),
  }
}

/** Reads a fetched definition. @returns the mistakes of an object, each with its path */
export async function moduleValidator(schema: ModuleSchema): Promise<(object: Json) => readonly string[]> {
  const definition = parse(await readFile(fileOf(schema), 'utf8'))
  const version = definition.spec.versions.find(({ name }: Json) => name === schema.apiVersion)
  const { metadata, ...properties } = strict(version.schema.openAPIV3Schema).properties
  // Metadata is Kubernetes' own there.
  const whole = {
    ...strict(version.schema.openAPIV3Schema),
    properties: { ...properties, metadata: { type: 'object' } },
  }
  const validate = new Ajv({ strict: false, allErrors: true, validateFormats: false }).compile(whole)
  return (object) => {
    validate(object)
    return (validate.errors ?? []).map(({ instancePath, message, params }: ErrorObject) =>
      `${instancePath} ${message} ${params.additionalProperty ?? ''}`.trim(),
    )
  }
}
