// Client quotas: how much of a broker a user, a client id or an address may use (KIP-546, KIP-612 for addresses).
import { apis } from './apis.ts'
import { chunks } from './batch.ts'
import { brokerError, several } from './errors.ts'
import { quotaText } from './quota-text.ts'
import { settle, throwFirst } from './topics.ts'
import type { Deadline } from './transport/deadline.ts'
import type { Transport } from './transport/transport.ts'
import type { ClientQuota, Cluster } from './types.ts'

/** A controller takes at most 10,000 changes in one request. */
const entitiesPerRequest = 1_000

const order = ['user', 'client-id', 'ip']

export const clientQuotas =
  (transport: Transport): Cluster['clientQuotas'] =>
  () =>
    transport.operation('clientQuotas', (deadline) => readQuotas(transport, deadline))

async function readQuotas(transport: Transport, deadline: Deadline): Promise<ClientQuota[]> {
  return transport.retrying(deadline, async () => {
    // Without a condition and not strict: every entity.
    const { errorCode, errorMessage, entries } = await transport.send('any', apis.describeClientQuotas, [], false)
    if (errorCode !== 0) throw brokerError(errorCode, 'client quotas', errorMessage)
    const found = (entries ?? []).map(({ entity, values }): ClientQuota => {
      const parts = entity.map(({ entityType, entityName }) => ({ type: entityType, name: entityName ?? null }))
      return {
        entity: parts.sort((a, b) => order.indexOf(a.type) - order.indexOf(b.type)),
        values: Object.fromEntries(values.map(({ key, value }) => [key, value]).sort()),
      }
    })
    return found.sort((a, b) => (quotaText(a.entity) < quotaText(b.entity) ? -1 : 1))
  })
}

export const alterClientQuotas =
  (transport: Transport): Cluster['alterClientQuotas'] =>
  (changes, { validateOnly = false } = {}) =>
    transport.operation('alterClientQuotas', async (deadline) => {
      for (const part of chunks(changes, entitiesPerRequest)) {
        const response = await transport.change(
          deadline,
          validateOnly ? null : `changing quotas of ${several('entity', part, ({ entity }) => quotaText(entity))}`,
          'controller',
          apis.alterClientQuotas,
          part.map(({ entity, set }) => ({
            entities: entity.map(({ type, name }) => ({ entityType: type, entityName: name })),
            ops: Object.entries(set).map(([key, value]) =>
              value === null
                ? ({ key: key as never, remove: true } as const)
                : ({ key: key as never, value, remove: false } as const),
            ),
          })),
          validateOnly,
        )
        throwFirst(
          response.entries.map((entry, at) => ({ ...entry, resource: `quota of ${quotaText(part[at]!.entity)}` })),
          ({ resource }) => resource,
        )
      }
      if (validateOnly || changes.length === 0) return
      await settle(deadline, async () => {
        const live = new Map((await readQuotas(transport, deadline)).map((one) => [quotaText(one.entity), one.values]))
        return changes.every(({ entity, set }) => {
          const values = live.get(quotaText(entity)) ?? {}
          return Object.entries(set).every(([key, value]) => (values[key] ?? null) === value)
        })
      })
    })
