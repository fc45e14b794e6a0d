// What the API server checks of objects, and how it merges patches. Messages are Kubernetes' own (apimachinery, validation.go).
import { isDeepStrictEqual } from 'node:util'
import type { KubernetesObject } from '../api/types.ts'

type Fields = Readonly<Record<string, unknown>>
type AnyObject = KubernetesObject & Fields

const maxDataBytes = 1024 * 1024

/** RFC 7386. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isFields(patch)) return patch
  const result: Record<string, unknown> = isFields(target) ? { ...target } : {}
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name]
    else result[name] = mergePatch(result[name], value)
  }
  return result
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The message of a 409 when `next` was made from another version than `before`. */
export function conflict(before: AnyObject, next: AnyObject, resource: string): string | undefined {
  const { resourceVersion, uid } = next.metadata
  const refused = `Operation cannot be fulfilled on ${resource} "${next.metadata.name}"`
  if (uid !== undefined && uid !== before.metadata.uid) {
    return `${refused}: Precondition failed: UID in precondition: ${uid}, UID in object meta: ${before.metadata.uid}`
  }
  if (resourceVersion !== undefined && resourceVersion !== before.metadata.resourceVersion) {
    return `${refused}: the object has been modified; please apply your changes to the latest version and try again`
  }
  return undefined
}

/** What a 422 would list. */
export function validate(object: AnyObject, before: AnyObject | undefined): string[] {
  const problems: string[] = []
  const { name } = object.metadata
  if (typeof name !== 'string' || !/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(name) || name.length > 253) {
    problems.push(
      `metadata.name: Invalid value: "${name}": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric ` +
        `characters, '-' or '.', and must start and end with an alphanumeric character`,
    )
  }
  for (const [field, value] of Object.entries({
    ...object.metadata.labels,
    ...object.metadata.annotations,
  })) {
    if (typeof value !== 'string') problems.push(`metadata: Invalid value: ${field}: must be a string`)
    if (!/^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/.test(field)) {
      problems.push(
        `metadata: Invalid value: "${field}": name part must consist of alphanumeric characters, '-', '_' or '.'`,
      )
    }
  }
  for (const value of Object.values(object.metadata.labels ?? {})) {
    if (!/^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/.test(value) || value.length > 63) {
      problems.push(`metadata.labels: Invalid value: "${value}": a valid label must be an empty string or consist of …`)
    }
  }
  if (object.kind === 'Secret' || object.kind === 'ConfigMap') problems.push(...dataProblems(object, before))
  return problems
}

function dataProblems(object: AnyObject, before: AnyObject | undefined): string[] {
  const problems: string[] = []
  const data = (object.data ?? {}) as Fields
  let size = 0
  for (const [name, value] of Object.entries(data)) {
    if (!/^[-._a-zA-Z0-9]+$/.test(name) || name.length > 253) {
      problems.push(
        `data[${name}]: Invalid value: "${name}": a valid config key must consist of alphanumeric characters, '-', '_' or '.'`,
      )
    }
    if (typeof value !== 'string') {
      problems.push(`data[${name}]: Invalid value: must be a string`)
    } else if (object.kind === 'Secret' && Buffer.from(value, 'base64').toString('base64') !== value) {
      problems.push(`data[${name}]: Invalid value: illegal base64 data`)
    } else {
      size += value.length
    }
  }
  if (size > maxDataBytes) problems.push(`data: Too long: may not be more than ${maxDataBytes} bytes`)
  if (object.kind === 'Secret') {
    if (object.type === 'kubernetes.io/tls') {
      for (const name of ['tls.crt', 'tls.key'])
        if (!Object.hasOwn(data, name)) problems.push(`data[${name}]: Required value`)
    }
    if (before !== undefined && (object.type ?? 'Opaque') !== (before.type ?? 'Opaque')) {
      problems.push(`type: Invalid value: "${object.type}": field is immutable`)
    }
  }
  if (before?.immutable === true && !(object.immutable === true && isDeepStrictEqual(object.data, before.data))) {
    problems.push('data: Forbidden: field is immutable when `immutable` is set')
  }
  return problems
}
