// What runs beside Kafka: does it answer, and how are its connectors?
import { setTimeout as pause } from 'node:timers/promises'
import { exchange } from '@selfmonitor/registry/exchange'
import { loginOf } from '@selfmonitor/registry/url'
import type { ServiceHealth } from '../snapshot/types.ts'

/** A service that is asked by a client of its own, which knows its login and the CA to trust. */
export interface ServiceClient {
  /** Shown, so without a login. */
  readonly url: string
  /** Rejects when the service does not answer; an error's `code` becomes that of the problem. */
  readonly ask: () => Promise<unknown>
}

export interface ServiceAddress {
  /** A user and password in it are sent as a login where there is no `auth`, and never shown. */
  readonly url: string
  readonly auth?: { readonly username: string; readonly password: string }
  /** PEM of the CAs to trust instead of the system's. */
  readonly tls?: { readonly ca: string }
}

/** Each with its own login and CA, or the URL alone. */
export interface ServiceAddresses {
  readonly schemaRegistry?: string | ServiceAddress | ServiceClient
  readonly connect?: string | ServiceAddress
  readonly ksqldb?: string | ServiceAddress
}

type Service = ServiceHealth['service']
type Connectors = NonNullable<ServiceHealth['connectors']>

const paths: Readonly<Record<Service, string>> = {
  'schema-registry': '/subjects?limit=1',
  connect: '/connectors?expand=status',
  ksqldb: '/healthcheck',
}

/** Asks each service once. @param timeoutMs for each */
export function servicesReader(
  addresses: ServiceAddresses,
  timeoutMs: number,
): (() => Promise<ServiceHealth[]>) | null {
  const given = [
    { service: 'schema-registry', how: addresses.schemaRegistry },
    { service: 'connect', how: addresses.connect },
    { service: 'ksqldb', how: addresses.ksqldb },
  ] as const
  const asked = given.flatMap(({ service, how }) => (how === undefined ? [] : [{ service, how }]))
  if (asked.length === 0) return null
  return () =>
    Promise.all(
      asked.map(async ({ service, how }) => {
        const startedAt = performance.now()
        const answer = await (typeof how !== 'string' && 'ask' in how
          ? askBy(how, timeoutMs)
          : askAt(service, typeof how === 'string' ? { url: how } : how, timeoutMs))
        return { service, tookMs: performance.now() - startedAt, ...answer }
      }),
    )
}

type Answer = Omit<ServiceHealth, 'service' | 'tookMs'>

async function askBy({ url, ask }: ServiceClient, timeoutMs: number): Promise<Answer> {
  const late = pause(timeoutMs, undefined, { ref: false }).then(() => {
    throw new Error(`${url} did not answer within ${timeoutMs / 1_000} s.`)
  })
  try {
    await Promise.race([ask(), late])
    return { url, problem: null }
  } catch (error) {
    const { code = 'NOT_ANSWERING', message } = error as Error & { code?: string }
    return { url, problem: { code, message } }
  }
}

async function askAt(service: Service, address: ServiceAddress, timeoutMs: number): Promise<Answer> {
  const { url, shown, headers } = target(address, paths[service])
  const health = (problem: ServiceHealth['problem'], connectors?: Connectors): Answer => {
    return { url: shown, problem, ...(connectors === undefined ? {} : { connectors }) }
  }
  try {
    const ca = address.tls === undefined ? {} : { ca: address.tls.ca }
    const signal = AbortSignal.timeout(timeoutMs)
    const response = await exchange(url.href, { method: 'GET', headers, signal, ...ca })
    const text = await response.text()
    if (response.status < 200 || response.status > 299)
      return health({ code: `HTTP_${response.status}`, message: `${shown} answered ${response.status}.` })
    return health(null, service === 'connect' ? connectorsOf(JSON.parse(text)) : undefined)
  } catch (error) {
    return health({ code: 'NOT_ANSWERING', message: `${shown}: ${reason(error)}` })
  }
}

/** Where to ask, without the login that the address may have. */
function target(
  { url, auth }: ServiceAddress,
  path: string,
): { url: URL; shown: string; headers: Record<string, string> } {
  const base = new URL(url)
  const { username, password } = auth ?? loginOf(base)
  base.username = ''
  base.password = ''
  const shown = base.href.replace(/\/$/, '')
  const login = Buffer.from(`${username}:${password}`).toString('base64')
  const headers: Record<string, string> = { accept: 'application/json' }
  if (username !== '') headers.authorization = `Basic ${login}`
  return { url: new URL(`${shown}${path}`), shown, headers }
}

function reason(error: unknown): string {
  const { message, cause } = error as Error & { cause?: Error }
  return cause?.message || message
}

interface ConnectStatus {
  readonly status?: {
    readonly connector?: { readonly state?: string }
    readonly tasks?: readonly { readonly id: number; readonly state: string; readonly trace?: string }[]
  }
}

function connectorsOf(body: Readonly<Record<string, ConnectStatus>>): Connectors {
  return Object.entries(body).map(([name, { status }]) => ({
    name,
    state: status?.connector?.state ?? 'UNKNOWN',
    tasks: (status?.tasks ?? []).map(({ id, state, trace }) => ({ id, state, trace: trace ?? null })),
  }))
}
