// The folder's one door: every route of the registry's REST API.
import { compatibilityRoutes } from './compatibility.ts'
import type { Route, RouteContext } from './route.ts'
import { schemaRoutes } from './schemas.ts'
import { serverRoutes } from './server.ts'
import { settingRoutes } from './settings.ts'
import { subjectRoutes } from './subjects.ts'

export { RawText, type Route, type RouteContext } from './route.ts'

export function allRoutes(context: RouteContext): Route[] {
  return [serverRoutes, schemaRoutes, subjectRoutes, compatibilityRoutes, settingRoutes].flatMap((routes) =>
    routes(context),
  )
}
