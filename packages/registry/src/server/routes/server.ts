// About the server itself: is it there, what is it, which contexts and cluster does it have.
import { deleteContext } from '../../operations/index.ts'
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
