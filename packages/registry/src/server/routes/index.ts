// The folder's one door: every route of the registry's REST API.
import { compatibilityRoutes } from './compatibility.ts'
import type { Route, RouteContext } from './route.ts'
import { schemaRoutes } from './schemas.ts'
import { rootRoutes, serverRoutes } from './server.ts'
import { settingRoutes } from './settings.ts'
import { subjectRoutes } from './subjects.ts'

export { RawText, type Route, type RouteContext } from './route.ts'

/** Everything but what the server says of itself is also there below `/contexts/<context>`. */
export function allRoutes(context: RouteContext): Route[] {
  const inContexts = [rootRoutes, schemaRoutes, subjectRoutes, compatibilityRoutes, settingRoutes].flatMap((routes) =>
    routes(context),
  )
  return [
    ...serverRoutes(context),
    ...inContexts,
    ...inContexts.map((route) => ({ ...route, path: `/contexts/:context${route.path}` })),
  ]
}
