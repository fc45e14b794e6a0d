// `/compatibility`: would this schema be accepted, and if not, why.
import { registryErrorCodes } from '../../error-codes.ts'
import {
  errors,
  incompatibilities,
  mergedContract,
  normalizeInScope,
  parseSent,
  parseVersion,
  RegistryRefusal,
} from '../../operations/index.ts'
import type { SchemaValue } from '../../store/index.ts'
import { definitionOf, schemaBody } from './bodies.ts'
import { bodyAs, type Call, flag, type Route, type RouteContext, subjectOf } from './route.ts'

export function compatibilityRoutes({ store, fallbackLevel }: RouteContext): Route[] {
  function check(call: Call): unknown {
    const { state } = store
    const subject = subjectOf(call, store.state)
    const spec = call.params.version === undefined ? undefined : parseVersion(call.params.version)
    const live = state.versions(subject, false)
    // A subject without versions has nothing that could be broken; a version that is named must be there.
    const versions =
      spec === undefined ? live : spec === 'latest' ? live.slice(-1) : live.filter(({ version }) => version === spec)
    if (typeof spec === 'number' && versions.length === 0) throw errors.versionNotFound(spec)
    const messages = problems(call, subject, versions)
    const compatible = messages.length === 0
    return { is_compatible: compatible, ...(flag(call, 'verbose') && !compatible ? { messages } : {}) }
  }

  /** @throws {RegistryRefusal} 42201 not a schema; with `verbose` that is one of the problems */
  function problems(call: Call, subject: string, versions: readonly SchemaValue[]): readonly string[] {
    const { state } = store
    const definition = definitionOf(bodyAs(schemaBody, call))
    try {
      const parsed = parseSent(state, subject, definition, false)
      const schema = flag(call, 'normalize') || normalizeInScope(state, subject) ? parsed.normalize() : parsed
      // That of a registration: with what it would inherit, and with the defaults and overrides of the configuration.
      const contract = mergedContract(state, subject, definition)
      return incompatibilities(state, { subject, schema, contract, versions }, fallbackLevel)
    } catch (error) {
      const isUnparsable =
        error instanceof RegistryRefusal &&
        error.errorCode === registryErrorCodes.invalidSchema &&
        definition.schema !== ''
      if (isUnparsable && flag(call, 'verbose')) return [error.message]
      throw error
    }
  }

  return [
    { method: 'POST', path: '/compatibility/subjects/:subject/versions', handle: check },
    { method: 'POST', path: '/compatibility/subjects/:subject/versions/:version', handle: check },
  ]
}
