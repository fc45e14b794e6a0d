// Brings the objects in line with the spec: reads them, asks the planner, carries out its steps, and repeats until there are none.
//
// Nothing is locked. Creating is the lock: of two runs one creates, the other gets 409 and reads what the first has made. Changes
// carry the version they were planned for, so of two renewals one is refused and looks again.
import { setTimeout as sleep } from 'node:timers/promises'
import type { KubernetesClient } from '../api/client.ts'
import type { ConfigMap, Secret } from '../api/types.ts'
import { readCertificates, readPrivateKey } from '../certificates/inspect.ts'
import { issueCa, issueLeaf } from '../certificates/issue.ts'
import { KubernetesError } from '../errors.ts'
import { kafkaUuid, newPassword } from '../random.ts'
import { clientProperties } from './client-properties.ts'
import type { Existing, Make, ObjectView, Step } from './draft.ts'
import { planCredentials } from './plan.ts'
import { userInfo } from './plan-logins.ts'
import type { CredentialsSpec } from './spec.ts'

export interface EnsureOptions {
  /** Called with each change, with names only. */
  readonly progress?: (line: string) => void
  /** Called once with each warning for the operator. */
  readonly warn?: (line: string) => void
  /** Default: the clock. */
  readonly now?: () => Date
  /** How long to wait for certificates that others make, in milliseconds. Default 10 minutes. */
  readonly waitMs?: number
  /** How often to look meanwhile. Default 2,000. */
  readonly pollMs?: number
  readonly signal?: AbortSignal
}

/** The changed objects, such as `Secret kafka-ca`. */
export interface EnsureResult {
  readonly created: readonly string[]
  readonly renewed: readonly string[]
  readonly updated: readonly string[]
  readonly kept: readonly string[]
  readonly warnings: readonly string[]
}

/** More rounds than dependencies and concurrent runs can need. */
const maxRounds = 20
/** How often waiting is reported again. */
const reminderMs = 15_000

/**
 * Creates what is missing, renews what ends, and leaves the rest alone. Running it again, or twice at the same time, is safe.
 * @throws KubernetesError SECRET_INVALID for what exists and is wrong (nothing was changed then), WAIT_TIMEOUT, and those of the
 * client
 */
export async function ensureCredentials(
  client: KubernetesClient,
  spec: CredentialsSpec,
  options: EnsureOptions = {},
): Promise<EnsureResult> {
  const {
    progress = () => {},
    warn = () => {},
    now = () => new Date(),
    waitMs = 600_000,
    pollMs = 2000,
    signal,
  } = options
  const done = { create: new Set<string>(), renew: new Set<string>(), update: new Set<string>() }
  const warnings = new Set<string>()
  const deadline = performance.now() + waitMs
  let remindAt = 0

  for (let round = 0; round < maxRounds; ) {
    signal?.throwIfAborted()
    const existing = await readExisting(client, spec)
    const plan = planCredentials(spec, existing, now())
    for (const line of plan.warnings) {
      if (!warnings.has(line)) warn(line)
      warnings.add(line)
    }
    for (const step of plan.steps) {
      const title = `${step.kind} ${step.name}`
      if (await carryOut(client, spec, step, now())) {
        done[step.action].add(title)
        progress(`${{ create: 'created', renew: 'renewed', update: 'updated' }[step.action]} ${title} (${step.reason})`)
      } else {
        progress(`${title} was changed by another client at the same time: reading it again`)
      }
    }
    if (plan.steps.length > 0) {
      round += 1
      continue
    }
    if (plan.waiting.length === 0) {
      const touched = new Set([...done.create, ...done.renew, ...done.update])
      const kept = titles(existing).filter((title) => !touched.has(title))
      for (const title of kept) progress(`kept ${title}`)
      return {
        created: [...done.create],
        renewed: [...done.renew],
        updated: [...done.update].filter((title) => !done.create.has(title) && !done.renew.has(title)),
        kept,
        warnings: [...warnings],
      }
    }
    if (performance.now() >= deadline) throw waitedTooLong(spec, plan.waiting, waitMs)
    if (performance.now() >= remindAt) {
      progress(`waiting for ${plan.waiting.join(', ')}`)
      remindAt = performance.now() + reminderMs
    }
    await sleep(pollMs, undefined, { signal })
  }
  throw new KubernetesError(
    'NOT_CONVERGED',
    `After ${maxRounds} rounds there is still something to change: another process keeps changing the same objects.`,
    {
      hint: 'Find out what else writes the Secrets and ConfigMaps named above, for example a GitOps controller that restores them.',
    },
  )
}

function waitedTooLong(spec: CredentialsSpec, waiting: readonly string[], waitMs: number): KubernetesError {
  return new KubernetesError(
    'WAIT_TIMEOUT',
    `Timed out after ${Math.round(waitMs / 1000)} s in namespace ${spec.namespace}, waiting for ${waiting.join(', ')}.`,
    {
      reason: 'timeout',
      hint:
        spec.tls.mode === 'cert-manager'
          ? `kubectl -n ${spec.namespace} describe certificates says what cert-manager waits for.`
          : 'Create them (type kubernetes.io/tls, keys tls.crt, tls.key, ca.crt), or set security.tls.mode to chart.',
    },
  )
}

/** Reads all that the spec names. */
async function readExisting(client: KubernetesClient, spec: CredentialsSpec): Promise<Existing> {
  const { tls, identity, accounts, logins, security } = spec
  const secretNames = logins.map(({ secret }) => secret)
  if (security) {
    if (tls.mode === 'chart') secretNames.push(tls.caSecret)
    secretNames.push(...[...tls.certificates, ...accounts].map(({ secret }) => secret))
  }
  const configMapNames = [identity.configMap, ...(security ? [tls.caConfigMap] : [])]
  const found = async <T extends Secret | ConfigMap>(
    names: readonly string[],
    get: (name: string) => Promise<T | undefined>,
    decode: (text: string) => string,
  ): Promise<Map<string, ObjectView>> => {
    const objects = await Promise.all(names.map(async (name) => [name, await get(name)] as const))
    return new Map(objects.flatMap(([name, object]) => (object === undefined ? [] : [[name, view(object, decode)]])))
  }
  const [secrets, configMaps] = await Promise.all([
    found(
      secretNames,
      (name) => client.get('Secret', name),
      (text) => Buffer.from(text, 'base64').toString('utf8'),
    ),
    found(
      configMapNames,
      (name) => client.get('ConfigMap', name),
      (text) => text,
    ),
  ])
  return { secrets, configMaps }
}

function view({ metadata, data }: Secret | ConfigMap, decode: (text: string) => string): ObjectView {
  return {
    data: Object.fromEntries(Object.entries(data ?? {}).map(([key, text]) => [key, decode(text)])),
    annotations: metadata.annotations ?? {},
    resourceVersion: metadata.resourceVersion ?? '',
  }
}

function titles({ secrets, configMaps }: Existing): string[] {
  return [
    ...[...configMaps.keys()].map((name) => `ConfigMap ${name}`),
    ...[...secrets.keys()].map((name) => `Secret ${name}`),
  ]
}

/** Annotations that tell a GitOps controller to keep objects that are not in its repository. */
const unmanaged = {
  'argocd.argoproj.io/compare-options': 'IgnoreExtraneous',
  'argocd.argoproj.io/sync-options': 'Prune=false',
}

/** @returns false when another client changed the object first */
async function carryOut(client: KubernetesClient, spec: CredentialsSpec, step: Step, now: Date): Promise<boolean> {
  const texts = await produce(step.make, spec, now)
  const encode = (text: string): string => (step.kind === 'Secret' ? Buffer.from(text).toString('base64') : text)
  const data = Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, encode(text)]))
  if (step.resourceVersion === undefined) {
    const created = await client.create(step.kind, {
      apiVersion: 'v1',
      kind: step.kind,
      metadata: {
        name: step.name,
        namespace: spec.namespace,
        labels: spec.labels,
        annotations: { ...unmanaged, ...step.annotations },
      },
      ...(step.type !== undefined && { type: step.type }),
      data,
    })
    return created !== undefined
  }
  const patched = await client.patch(step.kind, step.name, {
    metadata: {
      resourceVersion: step.resourceVersion,
      ...(step.annotations !== undefined && { annotations: step.annotations }),
    },
    data,
  })
  return patched !== undefined
}

/** Draws keys, passwords and ids, where the step asks for them. */
async function produce(make: Make, spec: CredentialsSpec, now: Date): Promise<Record<string, string>> {
  const { tls } = spec
  switch (make.what) {
    case 'texts':
      return { ...make.data }
    case 'ids':
      return Object.fromEntries(make.keys.map((key) => [key, kafkaUuid()]))
    case 'ca': {
      // No two CAs have the same name, so that a client never looks for a signature under the wrong key.
      const ca = await issueCa(`SelfMonitor Kafka CA ${kafkaUuid().slice(0, 8)}`, tls.caValidityMs, now)
      return { 'ca.crt': ca.certificate, 'ca.key': ca.key }
    }
    case 'ca-renewal': {
      const [certificate] = readCertificates(make.certificate)
      const previous = { certificate: certificate!, key: readPrivateKey(make.key) }
      return { 'ca.crt': (await issueCa('', tls.caValidityMs, now, previous)).certificate }
    }
    case 'certificate': {
      const [certificate] = readCertificates(make.ca.certificate)
      const issuer = { certificate: certificate!, key: readPrivateKey(make.ca.key) }
      const leaf = await issueLeaf(issuer, make.certificate.commonName, make.certificate, tls.validityMs, now)
      return { 'tls.crt': `${leaf.certificate}${make.ca.certificate}`, 'tls.key': leaf.key, 'ca.crt': make.bundle }
    }
    case 'account': {
      const password = newPassword()
      return {
        username: make.name,
        password,
        'client.properties': clientProperties(spec.bootstrapServers, make.name, password, make.bundle),
        'ca.crt': make.bundle,
      }
    }
    case 'login': {
      const { username } = make
      const password = newPassword()
      return { username, password, 'user-info': userInfo(username, password) }
    }
    default:
      throw new Error(`unknown make ${JSON.stringify(make satisfies never)}`)
  }
}
