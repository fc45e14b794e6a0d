// `/subjects`: what is registered under which name, in which versions.
import { propertyOf } from '../../contract/index.ts'
import {
  deleteSubject,
  deleteVersion,
  errors,
  findSchema,
  findVersion,
  normalizeInScope,
  parseSent,
  parseVersion,
  type RegisterRequest,
  register,
} from '../../operations/index.ts'
import { registrationAnswer, tagsAnswer, textOf, versionAnswer } from './answers.ts'
import { definitionOf, entitiesOf, schemaBody } from './bodies.ts'
import {
  bodyAs,
  type Call,
  flag,
  page,
  RawText,
  type Route,
  type RouteContext,
  subjectFilter,
  subjectOf,
} from './route.ts'

export function subjectRoutes(context: RouteContext): Route[] {
  const { store, fallbackLevel } = context

  function listSubjects(call: Call): unknown {
    const { state } = store
    const live = new Set(state.subjects(false))
    const deletedOnly = flag(call, 'deletedOnly')
    const names = state
      .subjects(deletedOnly || flag(call, 'deleted'))
      .filter((subject) => !deletedOnly || !live.has(subject))
      .filter(subjectFilter(call))
    return page(call, names)
  }

  function listVersions(call: Call): unknown {
    const subject = subjectOf(call, store.state)
    const deletedOnly = flag(call, 'deletedOnly')
    const asNegative = flag(call, 'deletedAsNegative')
    const found = store.state
      .versions(subject, deletedOnly || flag(call, 'deleted'))
      .filter((value) => !deletedOnly || value.deleted)
    if (found.length === 0) throw errors.subjectNotFound(subject)
    return page(
      call,
      found.map((value) => (asNegative && value.deleted ? -value.version : value.version)),
    )
  }

  async function registerSchema(call: Call): Promise<unknown> {
    const body = bodyAs(schemaBody, call)
    const tags = { add: entitiesOf(body.schemaTagsToAdd), remove: entitiesOf(body.schemaTagsToRemove) }
    const version = body.version != null && body.version !== 0 ? Math.max(body.version, -1) : undefined
    const request: RegisterRequest = {
      subject: subjectOf(call, store.state),
      definition: definitionOf(body),
      normalize: flag(call, 'normalize'),
      // Confluent's clients send an id of -1, and 0 for the version, where they mean nothing.
      id: body.id != null && body.id >= 0 ? body.id : undefined,
      version: tags.add.length + tags.remove.length > 0 ? (version ?? -1) : version,
      tags,
      propagateTags: body.propagateSchemaTags ?? undefined,
    }
    return registrationAnswer(context, request.subject, call, () => register(store, request, fallbackLevel))
  }

  function lookUp(call: Call): unknown {
    const subject = subjectOf(call, store.state)
    const { state } = store
    const deleted = flag(call, 'deleted')
    const definition = definitionOf(bodyAs(schemaBody, call))
    const isThere = state.versions(subject, deleted).length > 0
    const missing = isThere ? errors.schemaNotFound() : errors.subjectNotFound(subject)
    if (definition.schema.trim() === '') throw missing
    const schema = parseSent(state, subject, definition, true)
    const normalize = flag(call, 'normalize') || normalizeInScope(state, subject)
    const found = findSchema(state, subject, normalize ? schema.normalize() : schema, definition, deleted)
    if (!found) throw missing
    return versionAnswer(found, call, textOf(state, found, call.query.format))
  }

  function versionOf(call: Call) {
    const spec = parseVersion(call.params.version ?? '')
    return findVersion(store.state, subjectOf(call, store.state), spec, flag(call, 'deleted'))
  }

  /** The latest version whose metadata has every property that the query names: `?key=owner&value=a&key=tier&value=1`. */
  function latestWithMetadata(call: Call): unknown {
    const { state } = store
    const subject = subjectOf(call, store.state)
    const versions = state.versions(subject, flag(call, 'deleted'))
    if (versions.length === 0) throw errors.subjectNotFound(subject)
    const { key = [], value: values = [] } = call.queries
    const wanted = key.slice(0, values.length).map((name, index) => [name, values[index]] as const)
    const found = versions.findLast(({ metadata }) =>
      wanted.every(([name, text]) => propertyOf(metadata, name) === text),
    )
    if (!found) throw errors.schemaNotFound()
    return versionAnswer(found, call, textOf(state, found, call.query.format))
  }

  function referencedBy(call: Call): unknown {
    const { subject, version } = versionOf(call)
    const ids = store.state.referrers(subject, version, false).map((value) => value.id)
    return page(
      call,
      [...new Set(ids)].toSorted((a, b) => a - b),
    )
  }

  const one = '/subjects/:subject/versions/:version'
  return [
    { method: 'GET', path: '/subjects', handle: listSubjects },
    { method: 'POST', path: '/subjects/:subject', handle: lookUp },
    {
      method: 'DELETE',
      path: '/subjects/:subject',
      handle: (call) => deleteSubject(store, subjectOf(call, store.state), flag(call, 'permanent')),
    },
    { method: 'GET', path: '/subjects/:subject/metadata', handle: latestWithMetadata },
    { method: 'GET', path: '/subjects/:subject/versions', handle: listVersions },
    { method: 'POST', path: '/subjects/:subject/versions', handle: registerSchema },
    {
      method: 'GET',
      path: one,
      handle(call) {
        const value = versionOf(call)
        const { state } = store
        const text = textOf(state, value, call.query.format)
        return { ...versionAnswer(value, call, text), ...tagsAnswer(state, value, call) }
      },
    },
    {
      method: 'DELETE',
      path: one,
      handle: (call) =>
        deleteVersion(
          store,
          subjectOf(call, store.state),
          parseVersion(call.params.version ?? ''),
          flag(call, 'permanent'),
        ),
    },
    {
      method: 'GET',
      path: `${one}/schema`,
      handle: (call) => new RawText(textOf(store.state, versionOf(call), call.query.format)),
    },
    { method: 'GET', path: `${one}/referencedby`, handle: referencedBy },
  ]
}
