// A registry as one caller sees it: it has only what the caller may read. Routes ask it instead of the whole one, so that no list and
// no look-up by id can show more, and nothing can be written to a subject on which the caller may change nothing.
import {
  contextOf,
  nameOf,
  type RegistryState,
  type SchemaValue,
  type Store,
  type Transaction,
} from '../store/index.ts'
import { type Grant, mayOnContext, mayOnSubject, type Right, seesContext } from './rights.ts'

/** The right that a caller lacks. */
export class DeniedError extends Error {
  readonly code = 'ACCESS_DENIED'

  /** @param on `Subject: orders-value`, `Context: .` */
  constructor(right: Right, on: string) {
    // The sentence that clients of Confluent's registry know.
    super(`User is denied operation ${right[0]!.toUpperCase()}${right.slice(1)} on ${on}`)
  }
}

/** Every method is named: one that is added to the state is decided on here, or does not compile. */
export function visibleState(all: () => RegistryState, grants: readonly Grant[]): RegistryState {
  const mayRead = (subject: string): boolean => mayOnSubject(grants, 'read', subject)
  /** What a schema refers to is part of it: without, its resolved text could not be shown, nor another version compared with it. */
  function isPartOfVisible(value: SchemaValue, seen = new Set<SchemaValue>()): boolean {
    if (mayRead(value.subject)) return true
    if (seen.has(value)) return false
    seen.add(value)
    return all()
      .referrers(value.subject, value.version, true)
      .some((referrer) => isPartOfVisible(referrer, seen))
  }
  return {
    apply() {
      throw new Error('a view of the state takes no records')
    },
    subjects: (deleted) => all().subjects(deleted).filter(mayRead),
    versions: (subject, deleted) => (mayRead(subject) ? all().versions(subject, deleted) : []),
    version(subject, version) {
      const value = all().version(subject, version)
      return value !== undefined && isPartOfVisible(value) ? value : undefined
    },
    withContent: (subject, identity) => (mayRead(subject) ? all().withContent(subject, identity) : []),
    hasReferences: (subject) => mayRead(subject) && all().hasReferences(subject),
    withGuid: (guid) =>
      all()
        .withGuid(guid)
        .filter((value) => mayRead(value.subject)),
    withMode: (context) => all().withMode(context),
    aliases: () =>
      new Map(
        [...all().aliases()]
          .filter(([subject]) => mayRead(subject))
          .map(([subject, aliases]) => [subject, aliases.filter(mayRead)]),
      ),
    withId: (context, id) =>
      all()
        .withId(context, id)
        .filter((value) => mayRead(value.subject)),
    referrers: (subject, version, deleted) =>
      all()
        .referrers(subject, version, deleted)
        .filter((value) => mayRead(value.subject)),
    maxId: (context) => (seesContext(grants, context) ? all().maxId(context) : 0),
    nextVersion: (subject) => all().nextVersion(subject),
    nextId: (context, schema) => all().nextId(context, schema),
    get reservations() {
      return all().reservations
    },
    // Settings of a context apply to its subjects; routes that show them ask for the right to.
    config: (subject) => all().config(subject),
    mode: (subject) => all().mode(subject),
    contexts: () =>
      all()
        .contexts()
        .filter((context) => seesContext(grants, context)),
    hasContextRecord: (context) => all().hasContextRecord(context),
  }
}

/** Operations that change something decide on the whole state: a hidden version keeps its number. */
export function visibleStore(store: Store, grants: readonly Grant[]): Store {
  const state = visibleState(() => store.state, grants)
  return {
    clusterId: store.clusterId,
    state,
    exclusively: (operation) =>
      store.exclusively((transaction) =>
        operation({
          get state() {
            return transaction.state
          },
          waitFor: (promise) => transaction.waitFor(promise),
          settle: (subject) => transaction.settle(subject),
          async putSchema(value) {
            requireChange(grants, value.subject)
            return await transaction.putSchema(value)
          },
          async put(key, value) {
            if ('subject' in key) requireChange(grants, key.subject)
            if (key.keytype === 'CLEAR_SUBJECT') requireClearing(grants, key.subject, transaction.state)
            await transaction.put(key, value)
          },
        } satisfies Transaction),
      ),
    close: () => store.close(),
  }
}

const changing: readonly Right[] = ['write', 'delete', 'configure']

/**
 * The last line behind the table of routes, for routes that reach another subject than the one in their path.
 * @throws {DeniedError}
 */
function requireChange(grants: readonly Grant[], subject: string | null): void {
  const may =
    subject === null || nameOf(subject) === ''
      ? changing.some((right) => mayOnContext(grants, right, contextOf(subject)))
      : changing.some((right) => mayOnSubject(grants, right, subject))
  if (!may) throw new DeniedError('write', subject === null ? 'Context: .' : `Subject: ${subject}`)
}

/**
 * IMPORT mode removes soft-deleted versions permanently: where there are some, that takes the right to delete.
 * @throws {DeniedError}
 */
function requireClearing(grants: readonly Grant[], target: string | null, state: RegistryState): void {
  const context = contextOf(target)
  const isContext = target === null || nameOf(target) === ''
  const cleared = isContext ? state.subjects(true).filter((subject) => contextOf(subject) === context) : [target]
  if (!cleared.some((subject) => state.versions(subject, true).some(({ deleted }) => deleted))) return
  const may = isContext ? mayOnContext(grants, 'delete', context) : mayOnSubject(grants, 'delete', target)
  if (!may) throw new DeniedError('delete', isContext ? `Context: ${context}` : `Subject: ${target}`)
}
