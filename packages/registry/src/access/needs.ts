// What each route needs: a row for every route of the REST API, whether it is asked in a context or not. A registry whose routes and
// rows differ does not start.
import type { Right } from './rights.ts'

export type Need =
  /** Every caller who has logged in: nothing of a subject is shown. */
  | { readonly on: 'nothing' }
  /** The answer has only what the caller may read, see visible-store.ts. */
  | { readonly on: 'visible' }
  /** Of the subject in the path. */
  | { readonly on: 'subject'; readonly right: 'read' }
  /** Of the subject in the path, or of the context where the path has none. */
  | { readonly on: 'settings'; readonly right: 'read' }
  /** A change, with the name that the audit trail has for it. */
  | {
      readonly on: 'subject' | 'settings' | 'context'
      readonly right: Exclude<Right, 'read'>
      readonly action: string
    }

const nothing: Need = { on: 'nothing' }
const visible: Need = { on: 'visible' }
const readSubject: Need = { on: 'subject', right: 'read' }
const readSettings: Need = { on: 'settings', right: 'read' }
const configure = (action: string): Need => ({ on: 'settings', right: 'configure', action })
const register: Need = { on: 'subject', right: 'write', action: 'schemas.register' }
const remove: Need = { on: 'subject', right: 'delete', action: 'schemas.delete' }

const version = '/subjects/:subject/versions/:version'

export const needs: Readonly<Record<string, Need>> = {
  'GET /': nothing,
  'POST /': nothing,
  'GET /contexts': visible,
  'DELETE /contexts/:context': { on: 'context', right: 'delete', action: 'schemas.context-delete' },
  'GET /v1/metadata/id': nothing,
  'GET /v1/metadata/version': nothing,
  'GET /schemas': visible,
  'GET /schemas/types': nothing,
  'GET /schemas/ids/:id': visible,
  'GET /schemas/ids/:id/schema': visible,
  'GET /schemas/ids/:id/subjects': visible,
  'GET /schemas/ids/:id/versions': visible,
  'GET /schemas/guids/:guid': visible,
  'GET /schemas/guids/:guid/ids': visible,
  'GET /subjects': visible,
  'POST /subjects/:subject': readSubject,
  'DELETE /subjects/:subject': remove,
  'GET /subjects/:subject/metadata': readSubject,
  'GET /subjects/:subject/versions': readSubject,
  'POST /subjects/:subject/versions': register,
  [`GET ${version}`]: readSubject,
  [`DELETE ${version}`]: remove,
  [`GET ${version}/schema`]: readSubject,
  [`GET ${version}/referencedby`]: readSubject,
  // It registers a version that has other tags.
  [`POST ${version}/tags`]: register,
  'POST /compatibility/subjects/:subject/versions': readSubject,
  'POST /compatibility/subjects/:subject/versions/:version': readSubject,
  'GET /config': readSettings,
  'PUT /config': configure('schemas.compatibility-set'),
  'DELETE /config': configure('schemas.compatibility-delete'),
  'GET /config/:subject': readSettings,
  'PUT /config/:subject': configure('schemas.compatibility-set'),
  'DELETE /config/:subject': configure('schemas.compatibility-delete'),
  'GET /mode': readSettings,
  'PUT /mode': configure('schemas.mode-set'),
  'DELETE /mode': configure('schemas.mode-delete'),
  'GET /mode/:subject': readSettings,
  'PUT /mode/:subject': configure('schemas.mode-set'),
  'DELETE /mode/:subject': configure('schemas.mode-delete'),
  ...notSupported('exporters'),
  ...notSupported('associations'),
}

/** Parts of Confluent's API that are answered with 404. */
function notSupported(name: string): Record<string, Need> {
  const routes = ['GET', 'POST', 'PUT', 'DELETE'].flatMap((method) => [`${method} /${name}`, `${method} /${name}/*`])
  return Object.fromEntries(routes.map((route) => [route, nothing]))
}

/** @throws Error when the route has no row: the program is wrong */
export function needOf(route: { readonly method: string; readonly path: string }): Need {
  const found = needs[rowOf(route)]
  if (found === undefined) {
    throw new Error(
      `the route ${route.method} ${route.path} has no row in the table of packages/registry/src/access/needs.ts`,
    )
  }
  return found
}

/** The row of a route; the one in a context has that of the route itself. */
export function rowOf({ method, path }: { readonly method: string; readonly path: string }): string {
  const inContext = /^\/contexts\/:context(\/.*)?$/.exec(path)
  if (inContext === null || (inContext[1] === undefined && method === 'DELETE')) return `${method} ${path}`
  return `${method} ${inContext[1] ?? '/'}`
}
