// `/schemas`: by id, without naming a subject.

import { supportedSchemaTypes } from '../../formats/index.ts'
import { errors } from '../../operations/index.ts'
import { contextOf, guidOf, nameOf, qualify, type SchemaValue } from '../../store/index.ts'
import { contractAnswer, tagsAnswer, textOf, typeAnswer, versionAnswer } from './answers.ts'
import {
  type Call,
  contextOfPath,
  flag,
  page,
  RawText,
  type Route,
  type RouteContext,
  subjectFilter,
  withoutAlias,
} from './route.ts'

export function schemaRoutes({ store }: RouteContext): Route[] {
  /** The subject that the query names, or (`:.lab:`, empty in the default one) a whole context. */
  const wantedSubject = (call: Call) =>
    withoutAlias(qualify(call.query.subject ?? '', contextOfPath(call)), store.state)

  /** @throws {RegistryRefusal} 404 where the id is not a number, 40403 */
  function holders(call: Call): readonly SchemaValue[] {
    const id = Number(/^-?\d{1,10}$/.exec(call.params.id ?? '')?.[0])
    if (!(Math.abs(id) <= 0x7fffffff)) throw errors.noSuchPath()
    const found = store.state.withId(contextOf(wantedSubject(call)), id)
    if (found.length === 0) throw errors.schemaNotFound(id)
    return found
  }

  function visibleHolders(call: Call): SchemaValue[] {
    const subject = wantedSubject(call)
    return holders(call)
      .filter((value) => flag(call, 'deleted') || !value.deleted)
      .filter((value) => nameOf(subject) === '' || value.subject === subject)
      .toSorted((a, b) => compare(a.subject, b.subject) || a.version - b.version)
  }

  function list(call: Call): unknown {
    const { state } = store
    const deleted = flag(call, 'deleted')
    const found = state
      .subjects(deleted)
      .filter(subjectFilter(call))
      .flatMap((subject) => {
        const versions = state.versions(subject, deleted)
        return flag(call, 'latestOnly') ? versions.slice(-1) : versions
      })
    if (!flag(call, 'aliases')) return page(call, found).map((value) => versionAnswer(value, call))
    const aliases = state.aliases()
    return page(call, found).map((value) => ({
      ...versionAnswer(value, call),
      aliases: aliases.get(value.subject) ?? [],
    }))
  }

  /** One version for each id and context, in order: those of the default context come first, because `.` is the least name. */
  function withGuid(call: Call): SchemaValue[] {
    const found = store.state.withGuid(call.params.guid ?? '')
    const byPlace = new Map(found.map((value) => [JSON.stringify([contextOf(value.subject), value.id]), value]))
    return [...byPlace.values()].toSorted((a, b) => compare(contextOf(a.subject), contextOf(b.subject)) || b.id - a.id)
  }

  function schemaAnswer(value: SchemaValue, call: Call): Record<string, unknown> {
    return {
      ...typeAnswer(value, call),
      ...contractAnswer(value),
      schema: textOf(store.state, value, call.query.format),
      guid: guidOf(value),
      ...tagsAnswer(store.state, value, call),
    }
  }

  return [
    { method: 'GET', path: '/schemas', handle: list },
    { method: 'GET', path: '/schemas/types', handle: () => supportedSchemaTypes },
    {
      method: 'GET',
      path: '/schemas/ids/:id',
      handle(call) {
        const value = holders(call)[0]!
        const maxId = store.state.maxId(contextOf(value.subject))
        return { ...schemaAnswer(value, call), ...(flag(call, 'fetchMaxId') ? { maxId } : {}) }
      },
    },
    {
      method: 'GET',
      path: '/schemas/guids/:guid',
      handle(call) {
        const [value] = withGuid(call)
        if (!value) throw errors.guidNotFound(call.params.guid ?? '')
        return schemaAnswer(value, call)
      },
    },
    {
      method: 'GET',
      path: '/schemas/guids/:guid/ids',
      handle: (call) => withGuid(call).map(({ subject, id }) => ({ context: contextOf(subject), id })),
    },
    {
      method: 'GET',
      path: '/schemas/ids/:id/schema',
      handle: (call) => new RawText(textOf(store.state, holders(call)[0]!, call.query.format)),
    },
    {
      method: 'GET',
      path: '/schemas/ids/:id/subjects',
      handle: (call) => page(call, [...new Set(visibleHolders(call).map((value) => value.subject))]),
    },
    {
      method: 'GET',
      path: '/schemas/ids/:id/versions',
      handle: (call) =>
        page(
          call,
          visibleHolders(call).map(({ subject, version }) => ({ subject, version })),
        ),
    },
  ]
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
