// Runs a route for a caller: on the part of the registry that the caller may see, and recorded where it is a change.
import { type Caller, type Grant, mayOnSubject, type Need, visibleStore } from '../access/index.ts'
import type { RecordChange } from '../types.ts'
import { recorded } from './changes.ts'
import { targetOf } from './gate.ts'
import { allRoutes, type Call, type Route, type RouteContext } from './routes/index.ts'

export interface On {
  readonly need: Need
  /** undefined: no access file, the caller may do everything. */
  readonly caller: Caller | undefined
  /** Of the caller. */
  readonly address: string | null
}

/** @param index of the route in `allRoutes` */
export type Perform = (index: number, call: Call, on: On) => Promise<unknown>

export function createPerformer(context: RouteContext, recordChange: RecordChange | undefined): Perform {
  const whole = allRoutes(context)
  /** By the grants of a caller, of which those with the same roles have the same array. */
  const stores = new WeakMap<readonly Grant[], { readonly own: RouteContext; readonly routes: readonly Route[] }>()

  function seenBy(caller: Caller | undefined) {
    if (caller === undefined) return { own: context, routes: whole }
    const known = stores.get(caller.grants)
    if (known !== undefined) return known
    const { grants } = caller
    const own: RouteContext = {
      ...context,
      store: visibleStore(context.store, grants),
      mayRead: (subject) => mayOnSubject(grants, 'read', subject),
    }
    const seen = { own, routes: allRoutes(own) }
    stores.set(grants, seen)
    return seen
  }

  return async (index, call, { need, caller, address }) => {
    const { own, routes } = seenBy(caller)
    if (!('action' in need) || recordChange === undefined) return await routes[index]!.handle(call)
    const by = { principal: caller?.principal ?? 'User:ANONYMOUS', address }
    const entry = { action: need.action, target: targetOf(need, call, context.store.state), by }
    return await recorded(recordChange, own.store, entry, async (recording) => {
      return await allRoutes({ ...own, store: recording })[index]!.handle(call)
    })
  }
}
