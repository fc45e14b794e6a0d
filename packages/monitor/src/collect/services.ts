// What runs beside Kafka: does it answer, and how are its connectors?
import type { ServiceHealth } from '../snapshot/types.ts'

export interface ServiceAddresses {
  /** URLs; a user and password in one are sent as a login, and never shown. */
  readonly schemaRegistry?: string
  readonly connect?: string
  readonly ksqldb?: string
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
  const services = [
    ['schema-registry', addresses.schemaRegistry],
    ['connect', addresses.connect],
    ['ksqldb', addresses.ksqldb],
  ] as const
  const given = services.filter((one): one is readonly [Service, string] => one[1] !== undefined)
  if (given.length === 0) return null
  return () => Promise.all(given.map(([service, url]) => ask(service, url, timeoutMs)))
}

async function ask(service: Service, address: string, timeoutMs: number): Promise<ServiceHealth> {
  const { url, shown, headers } = target(address, paths[service])
  const startedAt = performance.now()
  const health = (problem: ServiceHealth['problem'], connectors?: Connectors): ServiceHealth => {
    const tookMs = performance.now() - startedAt
    return { service, url: shown, problem, tookMs, ...(connectors === undefined ? {} : { connectors }) }
  }
  try {
    const response = await fetch(url, { headers, signal: AbortSignal.timeout(timeoutMs), redirect: 'error' })
    const text = await response.text()
    if (!response.ok)
      return health({ code: `HTTP_${response.status}`, message: `${shown} answered ${response.status}.` })
    return health(null, service === 'connect' ? connectorsOf(JSON.parse(text)) : undefined)
  } catch (error) {
    return health({ code: 'NOT_ANSWERING', message: `${shown}: ${reason(error)}` })
  }
}

/** Where to ask, without the login that the address may have. */
function target(address: string, path: string): { url: URL; shown: string; headers: Record<string, string> } {
  const base = new URL(address)
  const { username, password } = base
  base.username = ''
  base.password = ''
  const shown = base.href.replace(/\/$/, '')
  const login = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')
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
