// The rules of OpenSLO v1 for what we export, as a JSON schema: https://github.com/OpenSLO/OpenSLO (specification), and the limits that
// its Go SDK enforces (DNS labels, 63 characters of a display name, 1,050 of a description, one time window). The SDK itself cannot be had
// from the Go module proxy.
const dnsLabel = { type: 'string', pattern: '^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$' }
const strict = (properties: object, required: readonly string[]) => ({
  ...{ type: 'object', additionalProperties: false },
  ...{ properties, required },
})
const metadata = strict(
  {
    name: dnsLabel,
    displayName: { type: 'string', maxLength: 63 },
    labels: {
      type: 'object',
      propertyNames: { pattern: '^[a-zA-Z0-9]([-._a-zA-Z0-9]{0,61}[a-zA-Z0-9])?$' },
      additionalProperties: { anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }] },
    },
  },
  ['name'],
)
const description = { type: 'string', maxLength: 1_050 }
const metric = strict(
  {
    metricSource: strict({ type: { type: 'string' }, spec: { type: 'object', minProperties: 1 } }, ['spec']),
  },
  ['metricSource'],
)
const ratio = {
  ...strict({ counter: { type: 'boolean' }, good: metric, bad: metric, total: metric }, ['counter', 'total']),
  oneOf: [{ required: ['good'] }, { required: ['bad'] }],
}
const indicator = (kind: object) => strict({ metadata, spec: kind }, ['metadata', 'spec'])
const threshold = strict({ description, thresholdMetric: metric }, ['thresholdMetric'])
const target = { type: 'number', minimum: 0, exclusiveMaximum: 1 }
const displayName = { type: 'string' }
const operator = { enum: ['gt', 'lt', 'gte', 'lte'] }

const slo = (kind: object, objective: object) =>
  strict(
    {
      description,
      service: dnsLabel,
      indicator: indicator(kind),
      budgetingMethod: { enum: ['Occurrences', 'Timeslices', 'RatioTimeslices'] },
      timeWindow: {
        ...{ type: 'array', minItems: 1, maxItems: 1 },
        items: strict({ duration: { type: 'string', pattern: '^[1-9][0-9]*[mhdwMQY]$' }, isRolling: { const: true } }, [
          'duration',
          'isRolling',
        ]),
      },
      objectives: { type: 'array', minItems: 1, items: objective },
    },
    ['service', 'indicator', 'budgetingMethod', 'timeWindow', 'objectives'],
  )

const document = (kind: string, spec: object) =>
  strict({ apiVersion: { const: 'openslo/v1' }, kind: { const: kind }, metadata, spec }, [
    ...['apiVersion', 'kind', 'metadata', 'spec'],
  ])

/** A Service, or an SLO: with a threshold its objectives have an operator and a value, with a ratio they have neither. */
export const openSloSchema = {
  oneOf: [
    document('Service', strict({ description }, [])),
    document(
      'SLO',
      slo(
        threshold,
        strict({ displayName, target, op: operator, value: { type: 'number' } }, ['target', 'op', 'value']),
      ),
    ),
    document(
      'SLO',
      slo(strict({ description, ratioMetric: ratio }, ['ratioMetric']), strict({ displayName, target }, ['target'])),
    ),
  ],
}
