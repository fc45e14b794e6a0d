// Changes, and the record of each: who, from where, what, before and after. The intention is recorded before the first write to the
// topic; a request that writes nothing, such as registering a schema that is there, leaves no record.
import { contextOf, nameOf, type RegistryState, type Store, type Transaction } from '../store/index.ts'
import type { ChangeOrigin, RecordChange } from '../types.ts'

export interface ChangeEntry {
  /** `schemas.register` */
  readonly action: string
  /** A subject, or (null, `:.lab:`) a context. */
  readonly target: string | null
  readonly by: ChangeOrigin
}

/**
 * Runs an operation on a store whose writes are recorded.
 * @returns the operation's result. Its error is thrown on, and that of the recorder, which may refuse the change before it is made
 */
export async function recorded<Result>(
  record: RecordChange,
  store: Store,
  entry: ChangeEntry,
  operation: (store: Store) => Promise<Result>,
): Promise<Result> {
  const written: object[] = []
  const end = Promise.withResolvers<void>()
  end.promise.catch(() => {})
  let begun: Promise<void> | undefined
  let finished: Promise<void> | undefined

  /** @throws what the recorder throws when the change must not be made */
  function begin(state: RegistryState, first: object): Promise<void> {
    if (begun !== undefined) return begun
    const started = Promise.withResolvers<void>()
    const { action, target, by } = entry
    const resource =
      target !== null && nameOf(target) !== ''
        ? { type: 'subject', name: target }
        : { type: 'context', name: contextOf(target) }
    finished = record(
      { action, resources: [resource], before: facts(state, target), after: { records: [first] }, by },
      async (report) => {
        started.resolve()
        try {
          await end.promise
        } finally {
          // Also of a change that failed half-way: these were written.
          report.after({ records: written })
        }
      },
    )
    finished.catch(started.reject)
    begun = started.promise
    return begun
  }

  async function put(transaction: Transaction, change: object, write: () => Promise<boolean>): Promise<boolean> {
    // A slow trail must not use up the time of the writes.
    await transaction.waitFor(begin(transaction.state, change))
    const done = await write()
    if (done) written.push(change)
    return done
  }

  const recording: Store = {
    clusterId: store.clusterId,
    get state() {
      return store.state
    },
    close: () => store.close(),
    exclusively: (run) =>
      store.exclusively((transaction) =>
        run({
          get state() {
            return transaction.state
          },
          waitFor: (promise) => transaction.waitFor(promise),
          settle: (subject) => transaction.settle(subject),
          putSchema: (value) => put(transaction, { keytype: 'SCHEMA', ...value }, () => transaction.putSchema(value)),
          put: async (key, value) => {
            const change = { ...key, value: value === null ? null : JSON.parse(value.toString()) }
            await put(transaction, change, async () => {
              await transaction.put(key, value)
              return true
            })
          },
        } satisfies Transaction),
      ),
  }

  try {
    const result = await operation(recording)
    end.resolve()
    await finished
    return result
  } catch (error) {
    end.reject(error)
    // It throws the same error on, or, when the change was refused, has thrown it.
    await finished?.catch(() => {})
    throw error
  }
}

/** The subject or context before the change. */
function facts(state: RegistryState, target: string | null): object {
  const settings = { config: state.config(target)?.raw ?? null, mode: state.mode(target) ?? null }
  if (target === null || nameOf(target) === '') return settings
  const versions = state.versions(target, true)
  const latest = versions.findLast(({ deleted }) => !deleted)
  return {
    versions: versions.map(({ version, id, deleted }) => ({ version, id, ...(deleted ? { deleted } : {}) })),
    latest: latest === undefined ? null : { version: latest.version, id: latest.id, schema: latest.schema },
    ...settings,
  }
}
