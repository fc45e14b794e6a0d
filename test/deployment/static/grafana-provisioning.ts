// Strict schemas of the files with which Grafana is provisioned. The SDK that is made from Grafana's schemas does not have them, and
// Grafana ignores a key that it does not know, so they are written from its documentation:
// https://grafana.com/docs/grafana/latest/administration/provisioning/ (data sources, dashboards) and
// https://grafana.com/docs/grafana/latest/datasources/prometheus/configure/ (jsonData of Prometheus).
import { Ajv, type AnySchemaObject, type ErrorObject } from 'ajv'

const text: AnySchemaObject = { type: 'string', minLength: 1 }
const yes: AnySchemaObject = { type: 'boolean' }
const number: AnySchemaObject = { type: 'integer', minimum: 1 }
const duration: AnySchemaObject = { type: 'string', pattern: '^[0-9]+(ms|[smhd])$' }

const fields = (properties: Record<string, AnySchemaObject>, required: readonly string[]): AnySchemaObject => ({
  type: 'object',
  properties,
  required,
  additionalProperties: false,
})

const ofPrometheus = fields(
  {
    httpMethod: { enum: ['GET', 'POST'] },
    timeInterval: duration,
    queryTimeout: duration,
    manageAlerts: yes,
    allowAsRecordingRulesTarget: yes,
    prometheusType: { enum: ['Prometheus', 'Cortex', 'Mimir', 'Thanos'] },
    prometheusVersion: text,
    cacheLevel: { enum: ['Low', 'Medium', 'High', 'None'] },
    disableMetricsLookup: yes,
    incrementalQuerying: yes,
    incrementalQueryOverlapWindow: duration,
    disableRecordingRules: yes,
    customQueryParameters: text,
    tlsAuth: yes,
    tlsAuthWithCACert: yes,
    tlsSkipVerify: yes,
    serverName: text,
  },
  [],
)

const schemas = {
  dataSources: fields(
    {
      apiVersion: { const: 1 },
      prune: yes,
      deleteDatasources: { type: 'array', items: fields({ name: text, orgId: number }, ['name', 'orgId']) },
      datasources: {
        type: 'array',
        minItems: 1,
        items: fields(
          {
            name: text,
            uid: { type: 'string', pattern: '^[a-zA-Z0-9_-]{1,40}$' },
            type: { const: 'prometheus' },
            access: { enum: ['proxy'] },
            orgId: number,
            url: { type: 'string', pattern: '^https?://' },
            basicAuth: yes,
            basicAuthUser: text,
            withCredentials: yes,
            isDefault: yes,
            editable: yes,
            version: number,
            jsonData: ofPrometheus,
            secureJsonData: { type: 'object' },
          },
          ['name', 'uid', 'type', 'access', 'url'],
        ),
      },
    },
    ['apiVersion', 'datasources'],
  ),
  dashboards: fields(
    {
      apiVersion: { const: 1 },
      providers: {
        type: 'array',
        minItems: 1,
        items: fields(
          {
            name: text,
            orgId: number,
            folder: { type: 'string' },
            folderUid: text,
            type: { const: 'file' },
            disableDeletion: yes,
            allowUiUpdates: yes,
            updateIntervalSeconds: number,
            options: fields({ path: { type: 'string', pattern: '^/' }, foldersFromFilesStructure: yes }, ['path']),
          },
          ['name', 'type', 'options'],
        ),
      },
    },
    ['apiVersion', 'providers'],
  ),
} as const satisfies Record<string, AnySchemaObject>

/** @returns what is wrong with a file that was read, each mistake with its path */
export function provisioningProblems(kind: keyof typeof schemas, file: unknown): string[] {
  const validate = new Ajv({ allErrors: true }).compile(schemas[kind])
  validate(file)
  return (validate.errors ?? []).map(({ instancePath, message, params }: ErrorObject) =>
    `${instancePath} ${message} ${params.additionalProperty ?? ''}`.trim(),
  )
}
