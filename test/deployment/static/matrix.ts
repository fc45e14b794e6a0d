// The combinations of values that the chart is proven with: all of what changes its shape, and every pair with the rest.
import type { Json } from './objects.ts'

interface Level {
  readonly values?: Json
  readonly kubeVersion?: string
  readonly apiVersions?: readonly string[]
  /** The objects that the user must supply in this case. */
  readonly supplied?: readonly string[]
}

type Factor = Readonly<Record<string, Level>>

/** Values that change much, but no shape. */
export const extras: Json = {
  clusterDomain: 'k8s.example.com',
  commonLabels: { team: 'streams' },
  commonAnnotations: { 'example.com/owner': 'streams' },
  imageRegistry: 'registry.example.com:5000/mirror',
  imagePullSecrets: [{ name: 'mirror' }],
  images: { kafka: { digest: `sha256:${'0123456789abcdef'.repeat(4)}` } },
  kafka: {
    replicaCount: 5,
    spread: { nodes: 'preferred' },
    config: { 'log.retention.hours': 72, 'num.io.threads': 16 },
    extraEnv: [{ name: 'TZ', value: 'Europe/London' }],
    tolerations: [{ key: 'kafka', operator: 'Exists', effect: 'NoSchedule' }],
    nodeSelector: { pool: 'kafka' },
    podLabels: { cost: 'streams' },
    podAnnotations: { 'example.com/note': 'yes' },
    persistence: { storageClass: 'fast' },
  },
  connect: { egress: [{ cidr: '0.0.0.0/0', ports: [443] }], allowedNamespaces: ['data'] },
  ksqldb: { allowedNamespaces: ['data'] },
  schemaRegistry: {
    affinity: {
      nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchFields: [] }] } },
    },
    egress: [{ cidr: '192.0.2.10/32', ports: [443] }],
    service: { type: 'LoadBalancer', annotations: { 'example.com/internal': 'true' } },
  },
  ui: {
    readOnly: false,
    allowedNamespaces: ['ingress'],
    ingress: { enabled: true, className: 'nginx', host: 'kafka.example.com', tlsSecret: 'kafka-example-com' },
    extraEnv: [{ name: 'AUTH_TYPE', value: 'OAUTH2' }],
    extraVolumes: [{ name: 'theme', emptyDir: { sizeLimit: '1Mi' } }],
    extraVolumeMounts: [{ name: 'theme', mountPath: '/theme' }],
  },
  clientAccess: {
    subjects: [{ namespace: 'selfmonitor', name: 'default' }],
  },
  monitoring: {
    cluster: 'streams-eu',
    allowedNamespaces: ['observability'],
    exporter: { replicaCount: 3, granularity: 'topic', access: { read: [] } },
    prometheus: {
      enabled: true,
      retention: { time: '90d', size: '30GB' },
      externalUrl: 'https://prometheus.example.com',
      allowedNamespaces: ['keda'],
      persistence: { annotations: { 'example.com/backup': 'no' } },
    },
    alertmanager: {
      enabled: true,
      secret: 'alerts',
      egress: [{ cidr: '192.0.2.0/24', ports: [443, 587] }],
    },
    grafana: {
      enabled: true,
      allowedNamespaces: ['ingress'],
      egress: [{ cidr: '192.0.2.10/32', ports: [443] }],
      extraEnv: [{ name: 'GF_AUTH_GENERIC_OAUTH_ENABLED', value: 'true' }],
      ingress: { enabled: true, className: 'nginx', host: 'grafana.example.com', tlsSecret: 'grafana-example-com' },
    },
  },
}

/** Every combination of these is rendered. */
const crossed: Readonly<Record<string, Factor>> = {
  environment: {
    production: { values: { environment: 'production' } },
    staging: { values: { environment: 'staging' } },
    development: { values: { environment: 'development' } },
  },
  security: {
    on: { values: { security: { enabled: true } } },
    off: { values: { security: { enabled: false, acceptInsecure: true } } },
  },
  coordination: {
    kraft: { values: { coordination: 'kraft' } },
    zookeeper: { values: { coordination: 'zookeeper' } },
  },
  monitoring: {
    on: { values: { monitoring: { enabled: true } } },
    off: { values: { monitoring: { enabled: false } } },
  },
}

/** Of these, every level meets every level of every other factor at least once. */
const paired: Readonly<Record<string, Factor>> = {
  tls: {
    chart: {},
    'cert-manager': { values: { security: { tls: { mode: 'cert-manager' } } }, apiVersions: ['cert-manager.io/v1'] },
    existing: {
      values: { security: { tls: { mode: 'existing' } } },
      supplied: ['Secret kafka-broker-tls', 'Secret kafka-controller-tls', 'Secret kafka-zookeeper-tls'],
    },
  },
  external: {
    none: {},
    LoadBalancer: {
      values: {
        kafka: { external: { enabled: true, type: 'LoadBalancer', hostnamePattern: 'kafka-{ordinal}.example.com' } },
      },
    },
    NodePort: { values: { kafka: { external: { enabled: true, type: 'NodePort', nodePortBase: 31090 } } } },
  },
  kubernetes: { oldest: { kubeVersion: '1.25.0' }, newest: { kubeVersion: '1.37.0' } },
  operator: { absent: {}, present: { apiVersions: ['monitoring.coreos.com/v1', 'cilium.io/v2'] } },
  setup: {
    job: {},
    hook: { values: { render: { hooks: true } } },
    'no platform': { values: { setup: { enabled: false } } },
  },
  components: {
    all: {},
    'kafka alone': {
      values: {
        schemaRegistry: { enabled: false },
        connect: { enabled: false },
        ksqldb: { enabled: false },
        ui: { kind: 'none' },
      },
    },
  },
  extras: {
    none: {},
    all: {
      values: extras,
      supplied: ['Secret mirror', 'Secret kafka-example-com', 'Secret grafana-example-com'],
    },
  },
}

/** The steps from ZooKeeper to KRaft, each in one row with security and in one without. */
const migration: Factor = Object.fromEntries(
  ['controllers', 'brokers', 'kraft', 'finished'].map((step) => [step, { values: { zookeeper: { migration: step } } }]),
)

export interface Combination {
  /** Level of each factor. */
  readonly levels: Readonly<Record<string, string>>
  /** `production, security on, …`: for messages. */
  readonly title: string
  readonly values: Json
  readonly kubeVersion: string
  readonly apiVersions: readonly string[]
  readonly supplied: readonly string[]
}

const factors: Readonly<Record<string, Factor>> = { ...crossed, ...paired, migration }

/** All levels of the given factors with each other. */
function cross(given: Readonly<Record<string, Factor>>): Record<string, string>[] {
  return Object.entries(given).reduce<Record<string, string>[]>(
    (rows, [name, factor]) => rows.flatMap((row) => Object.keys(factor).map((level) => ({ ...row, [name]: level }))),
    [{}],
  )
}

/** `tls=chart&external=none`, for every two factors of a row. */
export function pairsOf(levels: Readonly<Record<string, string>>): string[] {
  const set = Object.entries(levels).map(([name, level]) => `${name}=${level}`)
  return set.flatMap((one, index) => set.slice(index + 1).map((other) => `${one}&${other}`))
}

/** Every pair of levels that can be. */
export const allPairs: ReadonlySet<string> = new Set(cross({ ...crossed, ...paired }).flatMap(pairsOf))

/** The rows: the crossed factors in full, each with those levels of the others that bring most pairs that are new. */
export const combinations: readonly Combination[] = (() => {
  const candidates = cross(paired)
  const covered = new Set<string>()
  const rows = cross(crossed).map((base) => {
    const news = (row: Record<string, string>) => pairsOf(row).filter((pair) => !covered.has(pair)).length
    const levels = candidates
      .map((candidate) => ({ ...base, ...candidate }))
      .reduce((best, row) => (news(row) > news(best) ? row : best))
    for (const pair of pairsOf(levels)) covered.add(pair)
    return levels
  })
  const isStart = (row: Readonly<Record<string, string>>) =>
    row.environment === 'production' && row.coordination === 'zookeeper' && row.monitoring === 'on'
  return [
    ...rows,
    ...rows.filter(isStart).flatMap((row) => cross({ migration }).map((step) => ({ ...row, ...step }))),
  ].map(combine)
})()

function combine(levels: Readonly<Record<string, string>>): Combination {
  const chosen = Object.entries(levels).map(([name, level]) => factors[name]![level]!)
  const more = [...chosen, onlyWithServices(levels), restServices(levels)]
  return {
    levels,
    title: Object.entries(levels)
      .map(([name, level]) => `${name} ${level}`)
      .join(', '),
    values: more.reduce((values, level) => merge(values, level.values ?? {}), {}),
    kubeVersion: chosen.find((level) => level.kubeVersion)?.kubeVersion ?? '1.37.0',
    apiVersions: chosen.flatMap((level) => level.apiVersions ?? []),
    supplied: more.flatMap((level) => level.supplied ?? []),
  }
}

/** Services have accounts where there is security and platform.yaml grants access by ACLs; only then one can be named. */
function onlyWithServices({ security, environment }: Readonly<Record<string, string>>): Level {
  if (security === 'off' || environment === 'development') return {}
  const reader = { account: 'user-service', namespace: 'selfmonitor', serviceAccount: 'user-service' }
  return { values: { clientAccess: { secretReaders: [reader] } } }
}

/** TLS and logins of the REST services, with all the other extras; they need security, and Secrets of the user's in mode `existing`. */
function restServices({ security, extras, tls }: Readonly<Record<string, string>>): Level {
  if (security === 'off' || extras === 'none') return {}
  const names = ['schemaRegistry', 'connect', 'ksqldb'] as const
  const own = (name: string) => (tls === 'existing' ? `own-${name.toLowerCase()}-tls` : '')
  const service = (name: string) => ({
    tls: { enabled: true, secret: own(name) },
    login: { enabled: true, usersSecret: 'rest-users' },
  })
  return {
    values: Object.fromEntries(names.map((name) => [name, service(name)])),
    supplied: ['Secret rest-users', ...(tls === 'existing' ? names.map((name) => `Secret ${own(name)}`) : [])],
  }
}

/** Both objects in one, as Helm merges values: maps are merged, everything else is replaced. */
export function merge(one: Json, other: Json): Json {
  if (typeof one !== 'object' || typeof other !== 'object' || Array.isArray(one) || Array.isArray(other)) return other
  const merged = { ...one }
  for (const [key, value] of Object.entries(other)) merged[key] = key in one ? merge(one[key], value) : value
  return merged
}
