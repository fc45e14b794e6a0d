// A container's environment, as kubelet makes it: fields of the pod, keys of Secrets and ConfigMaps, $(NAME) expanded.

import { quantity } from '../../static/objects.ts'
import type { KubeObject } from '../types.ts'
import type { Container, PodSpec } from './pod-spec.ts'
import { UnsupportedError } from './strict.ts'

export interface PodFacts {
  readonly name: string
  readonly namespace: string
  readonly uid: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly spec: PodSpec
  readonly nodeName: string
  readonly podIp: string
  readonly hostIp: string
}

export type Lookup = (kind: 'Secret' | 'ConfigMap', name: string) => KubeObject | undefined

/** Thrown while an object that a container needs is not there yet; the pod waits for it. */
export class MissingObject extends Error {
  override readonly name = 'MissingObject'
}

/**
 * @param base the image's environment and what the cluster adds (KUBERNETES_SERVICE_HOST).
 * @throws MissingObject while a Secret or ConfigMap, or a key of one, is not there.
 */
export function environmentOf(
  container: Container,
  pod: PodFacts,
  lookup: Lookup,
  base: Readonly<Record<string, string>>,
): Record<string, string> {
  const env: Record<string, string> = { ...base }
  for (const { prefix = '', configMapRef, secretRef } of container.envFrom ?? []) {
    const reference = configMapRef ?? secretRef!
    const kind = configMapRef ? 'ConfigMap' : 'Secret'
    const object = lookup(kind, reference.name)
    if (!object && !reference.optional) throw new MissingObject(`${kind} ${reference.name} is not there`)
    for (const [key, value] of Object.entries(object ? contentsOf(object) : {}))
      env[prefix + key] = value.toString('utf8')
  }
  for (const variable of container.env ?? []) {
    const from = variable.valueFrom
    const value = from
      ? from.fieldRef
        ? fieldOf(pod, from.fieldRef.fieldPath)
        : from.resourceFieldRef
          ? resourceOf(pod, container, from.resourceFieldRef)
          : keyOf(lookup, from)
      : expand(variable.value ?? '', env)
    if (value !== undefined) env[variable.name] = value
  }
  return env
}

/** `$(NAME)` of earlier variables; `$$(NAME)` is `$(NAME)`; an unknown name stays as it is. */
export function expand(text: string, env: Readonly<Record<string, string>>): string {
  return text.replace(/\$(\$|\(([A-Za-z_.-][\w.-]*)\))/g, (all, what: string, name: string | undefined) =>
    what === '$' ? '$' : (env[name!] ?? all),
  )
}

/** A field of the downward API. @throws UnsupportedError for one that is not known. */
export function fieldOf(pod: PodFacts, path: string): string {
  const key = /^metadata\.(labels|annotations)\['([^']+)'\]$/.exec(path)
  if (key) return pod[key[1] as 'labels' | 'annotations'][key[2]!] ?? ''
  switch (path) {
    case 'metadata.name':
      return pod.name
    case 'metadata.namespace':
      return pod.namespace
    case 'metadata.uid':
      return pod.uid
    case 'metadata.labels':
      return Object.entries(pod.labels)
        .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
        .join('\n')
    case 'spec.nodeName':
      return pod.nodeName
    case 'spec.serviceAccountName':
      return pod.spec.serviceAccountName ?? 'default'
    case 'status.podIP':
      return pod.podIp
    case 'status.hostIP':
      return pod.hostIp
    default:
      throw new UnsupportedError(`fieldRef ${path}`)
  }
}

function resourceOf(
  pod: PodFacts,
  self: Container,
  ref: { resource: string; containerName?: string; divisor?: string | number },
): string {
  const container = ref.containerName
    ? [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].find(({ name }) => name === ref.containerName)!
    : self
  const [list, resource] = ref.resource.split('.') as ['limits' | 'requests', string]
  const amount = container.resources?.[list]?.[resource]
  if (amount === undefined)
    throw new UnsupportedError(`resourceFieldRef ${ref.resource} of ${container.name}`, 'is not set')
  const divisor = ref.divisor === undefined || String(ref.divisor) === '0' ? '1' : ref.divisor
  return String(Math.ceil(quantity(amount) / quantity(divisor)))
}

function keyOf(
  lookup: Lookup,
  from: NonNullable<NonNullable<Container['env']>[number]['valueFrom']>,
): string | undefined {
  const kind = from.secretKeyRef ? 'Secret' : 'ConfigMap'
  const { name, key, optional } = (from.secretKeyRef ?? from.configMapKeyRef)!
  const object = lookup(kind, name)
  const value = object && contentsOf(object)[key]
  if (value === undefined) {
    if (optional) return undefined
    throw new MissingObject(`${kind} ${name} ${object ? `has no key ${key}` : 'is not there'}`)
  }
  return value.toString('utf8')
}

/** The bytes of every key of a Secret or ConfigMap. */
export function contentsOf(object: KubeObject): Record<string, Buffer> {
  const contents: Record<string, Buffer> = {}
  const encoded = (object.kind === 'Secret' ? object.data : object.binaryData) as Record<string, string> | undefined
  const plain = (object.kind === 'Secret' ? object.stringData : object.data) as Record<string, string> | undefined
  for (const [key, value] of Object.entries(encoded ?? {})) contents[key] = Buffer.from(value, 'base64')
  for (const [key, value] of Object.entries(plain ?? {})) contents[key] = Buffer.from(value)
  return contents
}
