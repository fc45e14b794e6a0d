// The exports of this folder: all routes of the registry's REST API.
import { compatibilityRoutes } from './compatibility.ts'
import type { Route, RouteContext } from './route.ts'
import { schemaRoutes } from './schemas.ts'
import { contextRoutes, missingRoutes, serverRoutes } from './server.ts'
import { settingRoutes } from './settings.ts'
import { subjectRoutes } from './subjects.ts'
import { tagRoutes } from './tags.ts'

export { contractFields } from './bodies.ts'
export { type Call, RawText, type Route, type RouteContext } from './route.ts'

/** Every route is also there below `/contexts/<context>`: clients are given that as the address of a registry. */
export function allRoutes(context: RouteContext): Route[] {
  const routes = [
    serverRoutes,
    schemaRoutes,
    subjectRoutes,
    tagRoutes,
    compatibilityRoutes,
    settingRoutes,
    missingRoutes,
  ].flatMap((routesOf) => routesOf(context))
  const inContexts = routes.map((route) => ({ ...route, path: `/contexts/:context${route.path}`.replace(/\/$/, '') }))
  return [...routes, ...contextRoutes(context), ...inContexts]
}
