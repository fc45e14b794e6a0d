// The specification of the credentials: a JSON file that the chart renders. Validated strictly, with all mistakes in one error.
import { isIP } from 'node:net'
import { KubernetesError } from '../errors.ts'

export type TlsMode = 'chart' | 'cert-manager' | 'existing' | 'none'

export interface CertificateSpec {
  /** Secret of type kubernetes.io/tls. */
  readonly secret: string
  /** Kafka's principal: `User:<commonName>`. */
  readonly commonName: string
  readonly dnsNames: readonly string[]
  readonly ipAddresses: readonly string[]
}

export interface CredentialsSpec {
  readonly namespace: string
  readonly clusterDomain: string
  /** False: neither certificates nor accounts of Kafka. */
  readonly security: boolean
  readonly tls: {
    readonly mode: TlsMode
    readonly caSecret: string
    readonly caConfigMap: string
    readonly validityMs: number
    readonly caValidityMs: number
    readonly renewBeforeMs: number
    /** The first is the brokers': in modes `cert-manager` and `existing` its ca.crt is what clients trust. */
    readonly certificates: readonly CertificateSpec[]
  }
  readonly identity: {
    readonly configMap: string
    /** How many controllers get a directory id: the most there will ever be. */
    readonly controllers: number
  }
  readonly accounts: readonly { readonly name: string; readonly secret: string }[]
  /** Of HTTP servers: the user that the release's own clients log in as, and Grafana's administrator. */
  readonly logins: readonly { readonly username: string; readonly secret: string }[]
  readonly bootstrapServers: string
  readonly labels: Readonly<Record<string, string>>
}

const objectName = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/
const dnsLabel = '[A-Za-z0-9_]([-A-Za-z0-9_]{0,61}[A-Za-z0-9_])?'
const dnsName = new RegExp(`^(\\*\\.)?${dnsLabel}(\\.${dnsLabel})*$`)
const bootstrap = new RegExp(`^(${dnsLabel}(\\.${dnsLabel})*|\\[[0-9a-fA-F:.]+\\]):\\d{1,5}$`)
/** Fits in JAAS and in a principal without quoting. */
const accountName = /^[A-Za-z0-9._-]{1,200}$/
const accountNameWanted = 'letters, digits, ".", "_" and "-"'
/** RFC 5280, ub-common-name; no comma, which would end the name in a principal. */
const commonName = /^[A-Za-z0-9._ -]{1,64}$/
const maxControllers = 100

type Fields = Readonly<Record<string, unknown>>

/**
 * Reads a spec.
 * @param text JSON
 * @param file its name, for the message
 * @throws KubernetesError SPEC_INVALID with every mistake: path, value, what to set
 */
export function parseSpec(text: string, file: string): CredentialsSpec {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw invalid(file, [`is not JSON: ${(cause as Error).message}`])
  }
  const reader = new FieldReader()
  const spec = read(json, reader)
  if (reader.problems.length > 0) throw invalid(file, reader.problems)
  return spec
}

function invalid(file: string, problems: readonly string[]): KubernetesError {
  return new KubernetesError('SPEC_INVALID', `${file} is not a credentials spec:\n  ${problems.join('\n  ')}`, {
    reason: 'invalid',
    problems,
    hint: 'The chart renders this file into the ConfigMap kafka-credentials-spec: correct its values and upgrade.',
  })
}

/** Reads values, and collects what is wrong with them: path, value, what to set. */
class FieldReader {
  readonly problems: string[] = []

  complain(path: string, value: unknown, wanted: string): void {
    this.problems.push(`${path} is ${value === undefined ? 'missing' : JSON.stringify(value)}: set ${wanted}`)
  }

  fields(value: unknown, path: string, known: readonly string[]): Fields {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      this.complain(path || 'the file', value, 'an object')
      return {}
    }
    for (const key of Object.keys(value)) {
      if (!known.includes(key)) {
        this.problems.push(`${path === '' ? key : `${path}.${key}`} is not known: one of ${known.join(', ')}`)
      }
    }
    return value as Fields
  }

  text(value: unknown, path: string, pattern: RegExp, wanted: string, fallback?: string): string {
    if (value === undefined && fallback !== undefined) return fallback
    if (typeof value === 'string' && pattern.test(value)) return value
    this.complain(path, value, wanted)
    return ''
  }

  name(value: unknown, path: string, what: string, fallback?: string): string {
    const wanted = `the name of a ${what} (lower-case letters, digits, "-" and ".")`
    return this.text(value, path, objectName, wanted, fallback)
  }

  list<T>(value: unknown, path: string, each: (item: unknown, path: string) => T): T[] {
    if (value === undefined) return []
    if (Array.isArray(value)) return value.map((item, index) => each(item, `${path}[${index}]`))
    this.complain(path, value, 'a list')
    return []
  }

  durationMs(value: unknown, path: string, fallback: string): number {
    const ms = durationMs(value ?? fallback)
    if (ms !== undefined) return ms
    this.complain(path, value, 'a duration such as "720h"')
    // NaN compares as false with every number, so that one mistake is reported once.
    return Number.NaN
  }
}

function read(json: unknown, reader: FieldReader): CredentialsSpec {
  const root = reader.fields(json, '', [
    'namespace',
    'clusterDomain',
    'tls',
    'identity',
    'accounts',
    'logins',
    'bootstrapServers',
    'labels',
    'security',
  ])
  const security = root.security ?? true
  if (typeof security !== 'boolean') reader.complain('security', security, 'true or false')
  const tls = readTls(root.tls, security, reader)
  const identity = readIdentity(root.identity, reader)
  const accounts = reader.list(root.accounts, 'accounts', (item, path) => {
    const one = reader.fields(item, path, ['name', 'secret'])
    return {
      name: reader.text(one.name, `${path}.name`, accountName, accountNameWanted),
      secret: reader.name(one.secret, `${path}.secret`, 'Secret'),
    }
  })
  const logins = reader.list(root.logins, 'logins', (item, path) => {
    const one = reader.fields(item, path, ['username', 'secret'])
    return {
      username: reader.text(one.username, `${path}.username`, accountName, accountNameWanted),
      secret: reader.name(one.secret, `${path}.secret`, 'Secret'),
    }
  })
  const secrets = [...tls.certificates, ...accounts, ...logins].map(({ secret }) => secret)
  for (const twice of new Set(secrets.filter((secret, index) => secret !== '' && secrets.indexOf(secret) !== index))) {
    reader.problems.push(`Secret "${twice}" is named twice: every certificate, account and login needs its own`)
  }
  return {
    namespace: reader.name(root.namespace, 'namespace', 'namespace'),
    clusterDomain: reader.text(
      root.clusterDomain,
      'clusterDomain',
      dnsName,
      'a domain such as cluster.local',
      'cluster.local',
    ),
    security: security === true,
    tls,
    identity,
    accounts,
    logins,
    bootstrapServers: readBootstrapServers(root.bootstrapServers, accounts.length > 0, reader),
    labels: readLabels(root.labels, reader),
  }
}

function readTls(value: unknown, security: unknown, reader: FieldReader): CredentialsSpec['tls'] {
  const tls = reader.fields(value ?? (security === false ? { mode: 'none' } : undefined), 'tls', [
    'mode',
    'caSecret',
    'caConfigMap',
    'validity',
    'caValidity',
    'renewBefore',
    'certificates',
  ])
  const modes: readonly unknown[] = ['chart', 'cert-manager', 'existing', 'none']
  if (!modes.includes(tls.mode)) reader.complain('tls.mode', tls.mode, `one of ${modes.join(', ')}`)
  if (tls.mode === 'none' && security === true) {
    reader.problems.push('tls.mode is "none" with security: true: set a mode, or security: false')
  }
  const validityMs = reader.durationMs(tls.validity, 'tls.validity', '8760h')
  const caValidityMs = reader.durationMs(tls.caValidity, 'tls.caValidity', '87600h')
  const renewBeforeMs = reader.durationMs(tls.renewBefore, 'tls.renewBefore', '720h')
  if (renewBeforeMs >= validityMs) reader.complain('tls.renewBefore', tls.renewBefore, 'less than tls.validity')
  if (validityMs > caValidityMs) reader.complain('tls.validity', tls.validity, 'at most tls.caValidity')
  const certificates = reader.list(tls.certificates, 'tls.certificates', (item, path) =>
    readCertificate(item, path, reader),
  )
  if (security === true && certificates.length === 0) {
    reader.complain('tls.certificates', tls.certificates, 'at least one')
  }
  return {
    mode: tls.mode as TlsMode,
    caSecret: reader.name(tls.caSecret, 'tls.caSecret', 'Secret', 'kafka-ca'),
    caConfigMap: reader.name(tls.caConfigMap, 'tls.caConfigMap', 'ConfigMap', 'kafka-ca-bundle'),
    validityMs,
    caValidityMs,
    renewBeforeMs,
    certificates,
  }
}

function readCertificate(item: unknown, path: string, reader: FieldReader): CertificateSpec {
  const one = reader.fields(item, path, ['secret', 'commonName', 'dnsNames', 'ipAddresses'])
  const wantedName = 'at most 64 letters, digits, ".", "_" and "-"'
  return {
    secret: reader.name(one.secret, `${path}.secret`, 'Secret'),
    commonName: reader.text(one.commonName, `${path}.commonName`, commonName, wantedName),
    dnsNames: reader.list(one.dnsNames, `${path}.dnsNames`, (value, at) =>
      reader.text(value, at, dnsName, 'a DNS name'),
    ),
    ipAddresses: reader.list(one.ipAddresses, `${path}.ipAddresses`, (value, at) => {
      // Node accepts `fe80::1%eth0`, but a certificate cannot hold the interface.
      if (typeof value === 'string' && isIP(value) !== 0 && !value.includes('%')) return value
      reader.complain(at, value, 'an IP address')
      return '0.0.0.0'
    }),
  }
}

function readIdentity(value: unknown, reader: FieldReader): CredentialsSpec['identity'] {
  const { configMap, controllers } = reader.fields(value, 'identity', ['configMap', 'controllers'])
  if (!Number.isInteger(controllers) || Number(controllers) < 0 || Number(controllers) > maxControllers) {
    reader.complain('identity.controllers', controllers, `a number from 0 to ${maxControllers}`)
  }
  return {
    configMap: reader.name(configMap, 'identity.configMap', 'ConfigMap', 'kafka-identity'),
    controllers: Number(controllers),
  }
}

/** @param required whether accounts need the addresses */
function readBootstrapServers(value: unknown, required: boolean, reader: FieldReader): string {
  const addresses = typeof value === 'string' ? value.split(',') : []
  if (required && (addresses.length === 0 || !addresses.every((one) => bootstrap.test(one)))) {
    reader.complain('bootstrapServers', value, 'host:port, more of them separated by commas')
  }
  return typeof value === 'string' ? value : ''
}

function readLabels(value: unknown, reader: FieldReader): Record<string, string> {
  const labels = Object.entries(reader.fields(value ?? {}, 'labels', Object.keys((value as Fields) ?? {})))
  for (const [label, text] of labels) {
    if (typeof text !== 'string' || !/^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/.test(text)) {
      reader.complain(`labels.${label}`, text, 'a label value')
    }
  }
  return Object.fromEntries(labels) as Record<string, string>
}

/** Go's form, as everywhere in Kubernetes: `720h`, `1h30m`, `45s`. */
function durationMs(value: unknown): number | undefined {
  if (typeof value !== 'string' || !/^(\d+h)?(\d+m)?(\d+s)?$/.test(value)) return undefined
  const units: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000 }
  let total = 0
  for (const [, amount, unit] of value.matchAll(/(\d+)([hms])/g)) total += Number(amount) * units[unit!]!
  return total > 0 && Number.isSafeInteger(total) ? total : undefined
}
