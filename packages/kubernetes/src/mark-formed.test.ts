import { afterEach, describe, expect, it } from 'vitest'
import { connectKubernetes, type KubernetesClient } from './api/client.ts'
import type { KubernetesObject } from './api/types.ts'
import { markFormed } from './mark-formed.ts'
import { type ApiServer, type ApiServerOptions, startApiServer } from './test-support/api-server.ts'
import { namespace, role } from './test-support/contract.ts'

const opened: { close(): unknown }[] = []
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close()
})

function identity(data: Record<string, string>, name = 'kafka-identity'): KubernetesObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, ...{ data } }
}

/** The setup Job: it may read and patch the identity, and nothing else. */
async function setup(
  objects: readonly KubernetesObject[],
  options: ApiServerOptions = {},
): Promise<{ server: ApiServer; client: KubernetesClient }> {
  const rule = {
    apiGroups: [''],
    resources: ['configmaps'],
    resourceNames: ['kafka-identity'],
    verbs: ['get', 'patch'],
  }
  const server = await startApiServer({ ...options, objects: [...role('setup', [rule]), ...objects] })
  const token = server.token(namespace, 'setup')
  const client = connectKubernetes({ server: server.url, ca: server.ca, token: async () => token, namespace })
  opened.push(server, client)
  return { server, client }
}

describe('marking a cluster as formed', () => {
  it('adds one key and leaves the others', async () => {
    const { server, client } = await setup([identity({ 'cluster-id': 'x', 'controller-0.directory-id': 'y' })])
    expect(await markFormed(client, 'kafka-identity')).toBe(true)
    expect(server.object('ConfigMap', 'kafka-identity', namespace)?.data).toEqual({
      'cluster-id': 'x',
      'controller-0.directory-id': 'y',
      formed: 'true',
    })
  })

  it('does nothing the second time', async () => {
    const { server, client } = await setup([identity({ 'cluster-id': 'x', formed: 'true' })])
    expect(await markFormed(client, 'kafka-identity')).toBe(false)
    expect(server.requests.map(({ verb }) => verb)).toEqual(['get'])
  })

  it('tries again when another client changed the identity at the same moment', async () => {
    let meddled = false
    const { server, client } = await setup([identity({ 'cluster-id': 'x' })], {
      onRequest: ({ verb }) => {
        if (verb === 'patch' && !meddled) {
          meddled = true
          server.put(identity({ 'cluster-id': 'x', 'controller-9.directory-id': 'z' }))
        }
        return undefined
      },
    })
    expect(await markFormed(client, 'kafka-identity')).toBe(true)
    expect(server.object('ConfigMap', 'kafka-identity', namespace)?.data).toEqual({
      'cluster-id': 'x',
      'controller-9.directory-id': 'z',
      formed: 'true',
    })
  })

  it('refuses an identity that is not there, or has no cluster id, or is not its own', async () => {
    const { client } = await setup([])
    await expect(markFormed(client, 'kafka-identity')).rejects.toThrow(
      /There is no ConfigMap kafka-identity in namespace kafka/,
    )
    const { client: second } = await setup([identity({})])
    await expect(markFormed(second, 'kafka-identity')).rejects.toThrow(/has no cluster-id/)
    const { client: third } = await setup([identity({ 'cluster-id': 'x' }, 'other')])
    await expect(markFormed(third, 'other')).rejects.toThrow(/may not get configmaps "other"/)
  })
})
