// `/schemas`: by id, without naming a subject.

import { supportedSchemaTypes } from '../../formats/index.ts'
import { errors } from '../../registry/index.ts'
import { contextOf, type SchemaValue } from '../../store/index.ts'
import { textOf, typeAnswer, versionAnswer } from './answers.ts'
import { type Call, flag, page, RawText, type Route, type RouteContext } from './route.ts'

export function schemaRoutes({ store }: RouteContext): Route[] {
  /** @throws {RegistryRefusal} 40403 */
  function holders(call: Call): readonly SchemaValue[] {
    const id = /^\d{1,10}$/.test(call.params.id ?? '') ? Number(call.params.id) : -1
    const found = store.state.withId(contextOf(call.query.subject ?? ''), id)
    if (found.length === 0) throw errors.schemaNotFound(id < 0 ? undefined : id)
    return found
  }

  function visibleHolders(call: Call): SchemaValue[] {
    return holders(call)
      .filter((value) => flag(call, 'deleted') || !value.deleted)
      .filter(
        (value) =>
          call.query.subject === undefined || call.query.subject === '' || value.subject === call.query.subject,
      )
      .toSorted((a, b) => (a.subject < b.subject ? -1 : a.subject > b.subject ? 1 : a.version - b.version))
  }

  function list(call: Call): unknown {
    const { state } = store
    const prefix = subjectPrefix(call)
    const deleted = flag(call, 'deleted')
    const found = state
      .subjects(deleted)
      .filter((subject) => subject.startsWith(prefix))
      .flatMap((subject) => {
        const versions = state.versions(subject, deleted)
        return flag(call, 'latestOnly') ? versions.slice(-1) : versions
      })
    return page(call, found).map(versionAnswer)
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
        return {
          ...typeAnswer(value),
          schema: textOf(store.state, value, call.query.format),
          ...(flag(call, 'fetchMaxId') ? { maxId } : {}),
        }
      },
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

/** `:*:` (every context) is the default. */
export function subjectPrefix(call: Call): string {
  const prefix = call.query.subjectPrefix ?? ''
  return prefix === ':*:' ? '' : prefix
}
