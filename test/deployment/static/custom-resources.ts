// Our own strict schemas of the custom resources that the chart can render: Kubernetes' document does not have them.
// They allow the fields that we use and no others. Sources: cert-manager v1 API reference, Prometheus operator API reference, Cilium's.
import type { AnySchemaObject } from 'ajv'

const text: AnySchemaObject = { type: 'string', minLength: 1 }
const texts: AnySchemaObject = { type: 'array', items: text, minItems: 1 }
/** A Go duration, `2160h`. */
const duration: AnySchemaObject = { type: 'string', pattern: '^([0-9]+h)?([0-9]+m)?([0-9]+s)?$', minLength: 2 }
const labels: AnySchemaObject = { type: 'object', additionalProperties: { type: 'string' } }

function fields(properties: Record<string, AnySchemaObject>, required: readonly string[] = []): AnySchemaObject {
  return { type: 'object', additionalProperties: false, properties, required }
}

function resource(spec: AnySchemaObject): AnySchemaObject {
  return fields(
    {
      apiVersion: text,
      kind: text,
      metadata: { $ref: 'kubernetes#/$defs/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta' },
      spec,
    },
    ['spec'],
  )
}

const relabeling = fields({
  action: { enum: ['replace', 'keep', 'drop', 'labelmap', 'labeldrop', 'labelkeep', 'lowercase', 'uppercase'] },
  sourceLabels: texts,
  separator: { type: 'string' },
  targetLabel: text,
  regex: text,
  replacement: { type: 'string' },
})

/** What a PodMonitor and a ServiceMonitor say of a port. */
const metricsEndpoint = fields({
  port: text,
  path: { type: 'string', pattern: '^/' },
  scheme: { enum: ['http', 'https'] },
  interval: duration,
  scrapeTimeout: duration,
  honorLabels: { type: 'boolean' },
  relabelings: { type: 'array', items: relabeling },
  metricRelabelings: { type: 'array', items: relabeling },
})
/** A duration of Prometheus, `5m`, `30d`. */
const promDuration: AnySchemaObject = { type: 'string', pattern: '^([0-9]+(ms|[smhdwy]))+$' }

/** By `apiVersion kind`. */
export const customResources: Readonly<Record<string, AnySchemaObject>> = {
  'cert-manager.io/v1 Issuer': resource({
    ...fields({
      selfSigned: fields({ crlDistributionPoints: texts }),
      ca: fields({ secretName: text, crlDistributionPoints: texts }, ['secretName']),
    }),
    minProperties: 1,
    maxProperties: 1,
  }),
  'cert-manager.io/v1 Certificate': resource(
    fields(
      {
        secretName: text,
        secretTemplate: fields({ labels, annotations: labels }),
        commonName: { type: 'string', minLength: 1, maxLength: 64 },
        subject: fields({ organizations: texts, organizationalUnits: texts }),
        duration,
        renewBefore: duration,
        isCA: { type: 'boolean' },
        dnsNames: texts,
        ipAddresses: texts,
        revisionHistoryLimit: { type: 'integer', minimum: 1 },
        usages: {
          type: 'array',
          items: {
            enum: ['digital signature', 'key encipherment', 'cert sign', 'crl sign', 'server auth', 'client auth'],
          },
        },
        privateKey: fields({
          algorithm: { enum: ['RSA', 'ECDSA', 'Ed25519'] },
          encoding: { enum: ['PKCS1', 'PKCS8'] },
          size: { enum: [256, 384, 521, 2048, 3072, 4096] },
          rotationPolicy: { enum: ['Never', 'Always'] },
        }),
        issuerRef: fields({ name: text, kind: { enum: ['Issuer', 'ClusterIssuer'] }, group: text }, ['name']),
      },
      ['secretName', 'issuerRef'],
    ),
  ),
  'cilium.io/v2 CiliumNetworkPolicy': resource(
    fields(
      {
        endpointSelector: fields({ matchLabels: labels }, ['matchLabels']),
        egress: {
          type: 'array',
          minItems: 1,
          items: fields(
            {
              toEntities: { type: 'array', items: { enum: ['kube-apiserver'] }, minItems: 1 },
              toPorts: {
                type: 'array',
                items: fields({
                  ports: {
                    type: 'array',
                    // A port is a text there.
                    items: fields(
                      { port: { type: 'string', pattern: '^[0-9]+$' }, protocol: { enum: ['TCP', 'UDP'] } },
                      ['port'],
                    ),
                  },
                }),
              },
            },
            ['toEntities', 'toPorts'],
          ),
        },
      },
      ['endpointSelector', 'egress'],
    ),
  ),
  'monitoring.coreos.com/v1 ServiceMonitor': resource(
    fields(
      {
        jobLabel: text,
        selector: fields({ matchLabels: labels, matchExpressions: { type: 'array' } }),
        namespaceSelector: fields({ any: { type: 'boolean' }, matchNames: texts }),
        endpoints: { type: 'array', minItems: 1, items: metricsEndpoint },
      },
      ['selector', 'endpoints'],
    ),
  ),
  'monitoring.coreos.com/v1 PrometheusRule': resource(
    fields(
      {
        groups: {
          type: 'array',
          minItems: 1,
          items: fields(
            {
              name: text,
              interval: promDuration,
              rules: {
                type: 'array',
                minItems: 1,
                items: fields(
                  {
                    record: text,
                    alert: text,
                    expr: text,
                    for: promDuration,
                    keep_firing_for: promDuration,
                    labels,
                    annotations: labels,
                  },
                  ['expr'],
                ),
              },
            },
            ['name', 'rules'],
          ),
        },
      },
      ['groups'],
    ),
  ),
  'monitoring.coreos.com/v1 PodMonitor': resource(
    fields(
      {
        jobLabel: text,
        podTargetLabels: texts,
        selector: fields({ matchLabels: labels, matchExpressions: { type: 'array' } }),
        namespaceSelector: fields({ any: { type: 'boolean' }, matchNames: texts }),
        podMetricsEndpoints: { type: 'array', minItems: 1, items: metricsEndpoint },
      },
      ['selector', 'podMetricsEndpoints'],
    ),
  ),
}
