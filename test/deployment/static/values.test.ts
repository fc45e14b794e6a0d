// What the chart refuses, and what it says instead: by values.schema.json, and by the templates where no schema can tell.
import { describe, expect, it } from 'vitest'
import { orMissing } from './fetch.ts'
import { fetchHelm } from './helm.ts'
import type { Json } from './objects.ts'
import { renderChart } from './render.ts'

const tools = await orMissing(async () => ({ '3': await fetchHelm('3'), '4': await fetchHelm('4') }))

/** What Helm prints, empty when it renders. */
async function refusal(values: Json, major: '3' | '4' = '4'): Promise<string> {
  const helm = 'value' in tools ? tools.value[major] : ''
  return renderChart({ helm, values }).then(
    () => '',
    (error: Error) => error.message,
  )
}

describe.skipIf('missing' in tools)('values', () => {
  it.each(['3', '4'] as const)(
    'that are misspelt or of another type are refused by name with Helm %s',
    async (major) => {
      expect(await refusal({ kafka: { replicaCont: 3 } }, major)).toMatch(/kafka.*replicaCont.*not allowed/s)
      expect(await refusal({ kafka: { replicaCount: 'three' } }, major)).toMatch(/kafka[./]replicaCount.*integer/s)
      expect(await refusal({ environment: 'prod' }, major)).toMatch(/environment.*production.*staging.*development/s)
      expect(await refusal({ kafka: { persistence: { size: '500GB' } } }, major)).toMatch(
        /persistence[./]size.*pattern/s,
      )
    },
  )

  it('at every depth are known to the schema: nothing may be added anywhere but where names are free', async () => {
    for (const values of [
      { nope: 1 },
      { schemaRegistry: { resources: { requests: { cpus: 1 } } } },
      { networkPolicy: { dns: { nope: 1 } } },
      { connect: { access: { read: [{ topic: 'a', patern: 'prefixed' }] } } },
      { clientAccess: { secretReaders: [{ account: 'user-service', namespace: 'a' }] } },
    ])
      expect(await refusal(values), JSON.stringify(values)).toContain('schema')
  })

  const cases: readonly (readonly [string, Json, RegExp])[] = [
    ['production without security', { security: { enabled: false } }, /security\.acceptInsecure to true/],
    [
      'two brokers where topics have three replicas',
      { kafka: { replicaCount: 2 } },
      /set it to 3 or more, or environment to development/,
    ],
    [
      'an even number of controllers',
      { controller: { replicaCount: 2 } },
      /controller\.replicaCount is 2: set it to 1, 3 or 5/,
    ],
    ['combined controllers in production', { controller: { mode: 'combined' } }, /set it to dedicated/],
    [
      'own certificates without their names',
      { security: { tls: { mode: 'existing', brokerSecret: '' } } },
      /set security\.tls\.brokerSecret/,
    ],
    [
      'an issuer that nothing would ask',
      { credentials: { certManager: { issuerRef: { name: 'ours' } } } },
      /set security\.tls\.mode to cert-manager/,
    ],
    [
      'a broker with too little memory',
      { kafka: { resources: { requests: { memory: '256Mi' } } } },
      /kafka\.resources\.requests\.memory is 256Mi: set it to/,
    ],
    ['a heap that does not fit', { connect: { heap: '2g' } }, /connect\.heap is 2g, of 2Gi memory/],
    [
      'more replicas than brokers',
      { setup: { replicationFactor: 5 } },
      /set it to 3 or less, or kafka\.replicaCount to 5/,
    ],
    [
      'a setting that the chart owns',
      { connect: { config: { 'sasl.jaas.config': 'x' } } },
      /connect\.config has "sasl\.jaas\.config"/,
    ],
    [
      'a secret for an account that is not there',
      { clientAccess: { secretReaders: [{ account: 'nobody', namespace: 'a', serviceAccount: 'b' }] } },
      /choose one of .*user-service/,
    ],
    [
      "a super user's secret for others",
      { clientAccess: { secretReaders: [{ account: 'admin', namespace: 'a', serviceAccount: 'b' }] } },
      /super user/,
    ],
  ]
  it.each(cases)('for %s are refused with what to set instead', async (_, values, message) => {
    expect(await refusal(values)).toMatch(message)
  })

  it('say yes to production without security when they say so twice', async () => {
    expect(await refusal({ security: { enabled: false, acceptInsecure: true } })).toBe('')
  })
})
