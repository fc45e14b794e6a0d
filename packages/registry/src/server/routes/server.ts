// About the server itself: is it there, what is it, which contexts and cluster does it have.
import { deleteContext, errors } from '../../operations/index.ts'
import { version } from '../version.ts'
import { type Call, contextOfPath, page, type Route, type RouteContext } from './route.ts'

/** Contexts are deleted by their own name, not inside another one. */
export function contextRoutes({ store }: RouteContext): Route[] {
  return [{ method: 'DELETE', path: '/contexts/:context', handle: (call) => deleteContext(store, contextOfPath(call)) }]
}

export function serverRoutes({ store }: RouteContext): Route[] {
  function contexts(call: Call): string[] {
    const prefix = call.query.contextPrefix ?? ''
    return store.state.contexts().filter((context) => context.startsWith(prefix))
  }

  return [
    { method: 'GET', path: '/', handle: () => ({}) },
    { method: 'POST', path: '/', handle: () => ({}) },
    { method: 'GET', path: '/contexts', handle: (call) => page(call, contexts(call)) },
    {
      method: 'GET',
      path: '/v1/metadata/id',
      handle: () => ({
        scope: {
          path: [],
          clusters: { 'kafka-cluster': store.clusterId, 'schema-registry-cluster': 'schema-registry' },
        },
        id: '',
      }),
    },
    { method: 'GET', path: '/v1/metadata/version', handle: () => ({ version, commitId: '' }) },
  ]
}

/** Parts of Confluent's API that this registry does not have, with what serves in their place. */
const missing: Readonly<Record<string, readonly [feature: string, instead: string]>> = {
  exporters: [
    'exporters (Schema Linking)',
    'copy schemas to another registry with `selfmonitor backup` and `selfmonitor restore`',
  ],
  associations: ['associations of schemas and topics', 'name subjects after their topics, as in orders-value'],
}

export function missingRoutes(): Route[] {
  return Object.entries(missing).flatMap(([name, [feature, instead]]) =>
    (['GET', 'POST', 'PUT', 'DELETE'] as const).flatMap((method) =>
      [`/${name}`, `/${name}/*`].map((path) => ({
        method,
        path,
        handle: () => {
          throw errors.notSupported(feature, instead)
        },
      })),
    ),
  )
}
