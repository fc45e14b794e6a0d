// How a command records its changes: the audit trail of the cluster that its settings name.
import type { AuditEnvelope, Connection, Recorder } from '@selfmonitor/audit'
import type { Cluster } from '@selfmonitor/cluster'
import type { RegistryClient } from '@selfmonitor/registry'
import { usageError } from './errors.ts'
import type { Io } from './io.ts'
import { isProduction, type Settings } from './settings.ts'
import { version } from './version.ts'

export type { AuditEntry, AuditedResource, ChangeReport } from '@selfmonitor/audit'

/** The topic of the trail, which platform.yaml declares. */
const defaultTopic = 'audit.events'

/** The topic of the trail, or why a cluster has none: `none: <reason>`. */
const auditVariable = 'SELFMONITOR_AUDIT'

export type AuditSetting =
  | { readonly kind: 'topic'; readonly topic: string }
  /** `origin`: the file, or the variable. */
  | { readonly kind: 'none'; readonly reason: string; readonly origin: string }

/**
 * SELFMONITOR_AUDIT, else `audit` of the platform file, else the topic audit.events. That the nearest file wants no trail is not for a
 * cluster that an option names: it may be any.
 * @param named the platform file that the command is about; default: the nearest one
 * @throws CliError USAGE when SELFMONITOR_AUDIT is neither a topic nor a reason; PlatformError for a mistake in `audit` of the file, and when it
 *   cannot be parsed
 */
export async function auditSetting(
  { env, cwd }: Pick<Io, 'env' | 'cwd'>,
  { environment: { value: environment }, serversFromOption }: Pick<Settings, 'environment' | 'serversFromOption'>,
  named?: string,
): Promise<AuditSetting> {
  if (env[auditVariable]) return fromVariable(env[auditVariable])
  const { nearestPlatformFile } = await import('./nearest-file.ts')
  const file = named ?? nearestPlatformFile(cwd)
  if (file === undefined) return { kind: 'topic', topic: defaultTopic }
  const { readAuditPlan } = await import('@selfmonitor/platform/audit-plan')
  const plan = await readAuditPlan(file, { environment, env })
  if (plan?.none !== undefined && (named !== undefined || !serversFromOption)) {
    return { kind: 'none', reason: plan.none, origin: file }
  }
  return { kind: 'topic', topic: plan?.topic ?? defaultTopic }
}

function fromVariable(given: string): AuditSetting {
  const [, reason] = /^none:\s*(\S.*)$/.exec(given) ?? []
  if (reason !== undefined) return { kind: 'none', reason, origin: auditVariable }
  if (/^[a-zA-Z0-9._-]+$/.test(given) && given !== 'none') return { kind: 'topic', topic: given }
  throw usageError(
    `${auditVariable}=${given}: this is neither a topic nor a reason.`,
    `Write ${auditVariable}='none: <reason>' to work without the audit trail, or unset it.`,
  )
}

interface Parts {
  readonly io: Pick<Io, 'env' | 'cwd'>
  readonly settings: Settings
  /** The platform file that the command is about, where it has loaded one. */
  readonly platformFile: string | undefined
  /** The words after `selfmonitor`. */
  readonly words: readonly string[]
  note(line: string): void
  /** undefined where no brokers are named: a command that changes only the registry does not look for some at the default address. */
  connect(): Promise<Cluster | undefined>
  registry(): Promise<RegistryClient>
}

/** @throws CliError USAGE when SELFMONITOR_AUDIT has another value */
export async function openRecorder(parts: Parts): Promise<Recorder> {
  const { io, settings, note } = parts
  const environment = settings.environment.value
  const setting = await auditSetting(io, settings, parts.platformFile)
  if (setting.kind === 'none') {
    if (isProduction(environment)) note(`Not recorded, ${setting.origin} says why: ${setting.reason}`)
    return { audited: async (_, change) => await change({ after: () => {}, failed: () => {} }), end: async () => {} }
  }
  const { commandLine, createRecorder } = await import('@selfmonitor/audit')
  return createRecorder({
    topic: setting.topic,
    connect: parts.connect,
    encode: createEncoder(parts, setting.topic),
    isRequired: isProduction(environment),
    note,
    environment,
    command: commandLine(parts.words),
    toolVersion: version(),
    connection: connectionOf(settings),
    env: io.env,
    timeoutMs: isProduction(environment) ? settings.timeoutMs : Math.min(settings.timeoutMs, patienceMs),
    now: Date.now,
  })
}

/** Elsewhere than in production a change does not wait long for its record. */
const patienceMs = 10_000

function connectionOf(settings: Settings): Connection {
  const { sasl, tls, clientId } = settings.security
  return {
    bootstrapServers: serversOf(settings),
    clientId: clientId ?? 'selfmonitor-cli',
    username: sasl?.username,
    certificate: typeof tls === 'object' ? tls.cert : undefined,
  }
}

/** A command that changes only the registry need not know which of several local platforms is meant. */
function serversOf(settings: Settings): string {
  try {
    return settings.bootstrapServers.value
  } catch {
    return ''
  }
}

/**
 * As the topic's other events: Avro, with its registered schema. JSON where no registry is named or it has no such schema, so that a
 * registry that is down prevents no record.
 */
function createEncoder(
  { settings, note, registry }: Parts,
  topic: string,
): (envelope: AuditEnvelope) => Promise<Buffer> {
  type Encode = (envelope: AuditEnvelope) => Buffer
  const asJson: Encode = (envelope) => Buffer.from(JSON.stringify(envelope))
  const open = async (): Promise<Encode> => {
    if (settings.registryUrl.origin === 'default') return asJson
    try {
      const { createCodec } = await import('@selfmonitor/events/codec')
      const encoder = await createCodec(await registry()).encoderFor(topic)
      return (envelope) => encoder.encode(envelope)
    } catch (error) {
      note(`Recorded in ${topic} as JSON instead of Avro: ${(error as Error).message}`)
      return asJson
    }
  }
  let opened: Promise<Encode> | undefined
  return async (envelope) => {
    opened ??= open()
    return (await opened)(envelope)
  }
}
