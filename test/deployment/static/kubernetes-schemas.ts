// Kubernetes' own schemas of its objects, oldest and newest version we name, strictly: a misspelt field is an error.
import { existsSync } from 'node:fs'
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cacheDir, run } from '@selfmonitor/apache'
import { Ajv, type AnySchemaObject, type ErrorObject, type ValidateFunction } from 'ajv'
import { customResources } from './custom-resources.ts'
import { checkIntegrity, onceInCache, ToolUnavailable } from './fetch.ts'
import type { KubernetesObject } from './objects.ts'
import { openZip } from './zip.ts'

/** The oldest Kubernetes that the chart supports, and the newest whose schemas can be had. */
export const kubernetesVersions = ['1.25', '1.37'] as const
export type KubernetesVersion = (typeof kubernetesVersions)[number]

/**
 * A PyPI package (Apache-2.0) that carries the OpenAPI document of every Kubernetes since 1.25 as JSON Schema, with
 * `additionalProperties: false` in its strict variant.
 */
const pinned = {
  version: '1.37.0',
  requirement: 'kubernetes-validate==1.37.0',
  wheel: 'kubernetes_validate-1.37.0-py3-none-any.whl',
  integrity: 'sha256-hRNtAYontQ7H/ASdkCv6UZP1l2gH5sD0COOrb+B4ytk=',
}

/** Mistakes of an object, each with its path, in the eyes of one Kubernetes version; none when it is right. */
export type ValidateObject = (version: KubernetesVersion, object: KubernetesObject) => readonly string[]

const schemasFolder = () => join(cacheDir(), 'kubernetes-schemas', pinned.version)

/** Says that the schemas could not be had in this run, for the list of what was missing; null when they are here. */
export const missingSchemas = (): string | null =>
  existsSync(schemasFolder()) ? null : "Kubernetes' schemas could not be fetched by python3 -m pip"

/**
 * Finds or fetches the schemas.
 * @throws ToolUnavailable when they cannot be fetched; Error when what came is not the package that was pinned.
 */
export async function loadKubernetesSchemas(): Promise<ValidateObject> {
  const folder = schemasFolder()
  if (!existsSync(folder)) await onceInCache(folder, fetchSchemas)
  const validators = new Map<string, (object: KubernetesObject) => readonly string[]>()
  for (const version of kubernetesVersions)
    validators.set(version, objectValidator(JSON.parse(await readFile(join(folder, `${version}.json`), 'utf8'))))
  return (version, object) => validators.get(version)!(object)
}

async function fetchSchemas(partial: string): Promise<void> {
  const args = ['-m', 'pip', 'download', pinned.requirement, '--no-deps', '--only-binary', ':all:', '--quiet']
  const downloaded = await run(
    'python3',
    [...args, '--disable-pip-version-check', '--retries', '1', '--dest', partial],
    {
      timeoutMs: 300_000,
    },
  ).catch(() => null)
  if (downloaded?.exitCode !== 0)
    throw new ToolUnavailable(
      `Kubernetes' schemas could not be fetched (pip download ${pinned.requirement}): ${downloaded?.stderr.trim().split('\n').at(-1) || 'python3 did not start'}. Install Python's pip (Debian: apt-get install python3-pip), check that it reaches its index, then try again`,
    )
  const wheel = join(partial, pinned.wheel)
  if (!existsSync(wheel)) throw new Error(`pip gave ${await readdir(partial)} instead of ${pinned.wheel}`)
  await checkIntegrity(wheel, pinned.integrity)
  const zip = await openZip(wheel)
  for (const version of kubernetesVersions)
    await writeFile(
      join(partial, `${version}.json`),
      zip.read(`kubernetes_validate/kubernetes-json-schema/v${version}.0-local-strict/_definitions.json`),
    )
  await rm(wheel)
}

interface Definitions {
  readonly $defs: Readonly<Record<string, AnySchemaObject>>
}

/** Validators are compiled when a kind is first met: an object of the chart needs a tenth of all definitions. */
function objectValidator(definitions: Definitions): (object: KubernetesObject) => readonly string[] {
  const ajv = new Ajv({ allErrors: true, strict: true, strictTypes: false, strictRequired: false, verbose: true })
  for (const keyword of ['group-version-kind', 'list-type', 'map-type', 'patch-merge-key', 'patch-strategy', 'unions'])
    ajv.addKeyword(`x-kubernetes-${keyword}`)
  ajv.addKeyword({ keyword: 'x-kubernetes-list-map-keys', type: 'array', validate: uniqueByKeys })
  ajv.addFormat('int32', { type: 'number', validate: (n: number) => Number.isInteger(n) && Math.abs(n) < 2 ** 31 })
  ajv.addFormat('int64', { type: 'number', validate: Number.isSafeInteger })
  ajv.addFormat('double', { type: 'number', validate: Number.isFinite })
  ajv.addFormat('date-time', { validate: (text: string) => !Number.isNaN(Date.parse(text)) })
  ajv.addFormat('byte', /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/)
  ajv.addSchema({ ...(withoutNull(definitions) as AnySchemaObject), $id: 'kubernetes' })

  const byKind = new Map<string, AnySchemaObject>(Object.entries(customResources))
  for (const [name, definition] of Object.entries(definitions.$defs)) {
    const kinds = (definition['x-kubernetes-group-version-kind'] ?? []) as {
      group: string
      version: string
      kind: string
    }[]
    // Helper objects (DeleteOptions) are of every group; an object that can be applied is of one.
    const kind = kinds.length === 1 ? kinds[0] : undefined
    if (kind)
      byKind.set(`${kind.group ? `${kind.group}/` : ''}${kind.version} ${kind.kind}`, {
        $ref: `kubernetes#/$defs/${name}`,
      })
  }
  const compiled = new Map<string, ValidateFunction>()
  return (object) => {
    const kind = `${object.apiVersion} ${object.kind}`
    const schema = byKind.get(kind)
    if (!schema) return [`there is no ${kind}`]
    let validate = compiled.get(kind)
    if (!validate) {
      validate = ajv.compile({ type: 'object', required: ['apiVersion', 'kind', 'metadata'], ...schema })
      compiled.set(kind, validate)
    }
    return validate(object) ? [] : (validate.errors ?? []).map(describeError)
  }
}

/**
 * The document allows null wherever a field may be absent. In a rendered object it means a template that came out empty,
 * so it is refused here.
 */
function withoutNull(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withoutNull)
  if (typeof schema !== 'object' || schema === null) return schema
  const entries = Object.entries(schema).map(([key, value]) => {
    if (key !== 'type' || !Array.isArray(value)) return [key, withoutNull(value)]
    const types = value.filter((type) => type !== 'null')
    return [key, types.length === 1 ? types[0] : types]
  })
  // `$schema` names a draft that Ajv need not load, `$id` another address.
  return Object.fromEntries(entries.filter(([key]) => key !== '$schema' && key !== '$id'))
}

/** Two list items with the same keys: the API server refuses the object, or one silently wins. */
function uniqueByKeys(keys: readonly string[], items: readonly Record<string, unknown>[]): boolean {
  const seen = new Set<string>()
  for (const item of items) {
    // The only key with a default, in all of the document.
    const key = JSON.stringify(keys.map((name) => item[name] ?? (name === 'protocol' ? 'TCP' : null)))
    if (seen.has(key)) return false
    seen.add(key)
  }
  return true
}

function describeError(error: ErrorObject): string {
  const where = error.instancePath || '/'
  switch (error.keyword) {
    case 'additionalProperties':
      return `${where}: there is no field ${JSON.stringify(error.params.additionalProperty)}`
    case 'x-kubernetes-list-map-keys':
      return `${where}: two items with the same ${(error.schema as string[]).join(' and ')}`
    case 'enum':
      return `${where}: ${JSON.stringify(error.data)} is none of ${(error.schema as unknown[]).join(', ')}`
    default:
      return `${where}: ${error.message}, but is ${JSON.stringify(error.data)?.slice(0, 80)}`
  }
}
