// The chart's objects for clients must not conflict with objects that client teams create themselves.
import { describe, expect, it } from 'vitest'
import { orMissing } from './fetch.ts'
import { fetchHelm } from './helm.ts'
import { nameOf, ofKind } from './objects.ts'
import { renderChart } from './render.ts'

const helm = await orMissing(() => fetchHelm('4'))

/** As client teams have it in their own manifests, in the namespace of Kafka. */
const ofTheClientTeam = ['Role kafka-client', 'RoleBinding kafka-client']

describe.skipIf('missing' in helm)('client access', () => {
  it.each([
    ['by default', {}],
    [
      'with readers of Secrets',
      { clientAccess: { secretReaders: [{ account: 'user-service', namespace: 'a', serviceAccount: 'b' }] } },
    ],
    ['with another ServiceAccount', { clientAccess: { serviceAccount: 'clients' } }],
  ])('has no Role and no RoleBinding by the name that client teams use: %s', async (_, values) => {
    const { objects } = await renderChart({ helm: 'value' in helm ? helm.value : '', values })
    const names = [...ofKind(objects, 'Role'), ...ofKind(objects, 'RoleBinding')].map(nameOf)
    expect(names.filter((name) => ofTheClientTeam.includes(name))).toEqual([])
    // Which is no wonder when there is none at all.
    expect(names).toEqual(expect.arrayContaining(['Role kafka-ca-bundle-reader', 'RoleBinding kafka-ca-bundle-reader']))
  })
})
