// `/compatibility`: would this schema be accepted, and if not, why.
import {
  findVersion,
  incompatibilities,
  levelInScope,
  normalizeInScope,
  parseSent,
  parseVersion,
} from '../../registry/index.ts'
import { definitionOf, schemaBody } from './bodies.ts'
import { bodyAs, type Call, flag, type Route, type RouteContext, subjectOf } from './route.ts'

export function compatibilityRoutes({ store, fallbackLevel }: RouteContext): Route[] {
  function check(call: Call): unknown {
    const { state } = store
    const subject = subjectOf(call)
    const spec = call.params.version === undefined ? undefined : parseVersion(call.params.version)
    const live = state.versions(subject, false)
    // The latest version of a subject that has none is nothing that could be broken; a number must be there.
    const versions =
      spec === undefined || (spec === 'latest' && live.length === 0) ? live : [findVersion(state, subject, spec, false)]
    const parsed = parseSent(state, subject, definitionOf(bodyAs(schemaBody, call)), false)
    const schema = flag(call, 'normalize') || normalizeInScope(state, subject) ? parsed.normalize() : parsed
    const messages = incompatibilities(state, levelInScope(state, subject, fallbackLevel), schema, versions)
    const compatible = messages.length === 0
    return { is_compatible: compatible, ...(flag(call, 'verbose') && !compatible ? { messages } : {}) }
  }

  return [
    { method: 'POST', path: '/compatibility/subjects/:subject/versions', handle: check },
    { method: 'POST', path: '/compatibility/subjects/:subject/versions/:version', handle: check },
  ]
}
