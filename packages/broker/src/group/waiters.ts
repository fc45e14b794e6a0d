// The requests that wait for an answer from a group: a number in the state machine, a promise outside it.
import type { Waiter } from './classic-group.ts'
import type { JoinResult, SyncResult } from './types.ts'

export interface Waiters {
  join(): { readonly waiter: Waiter; readonly answer: Promise<JoinResult> }
  sync(): { readonly waiter: Waiter; readonly answer: Promise<SyncResult> }
  answerJoin(waiter: Waiter, result: JoinResult): void
  answerSync(waiter: Waiter, result: SyncResult): void
}

export function createWaiters(): Waiters {
  const joins = new Map<Waiter, (result: JoinResult) => void>()
  const syncs = new Map<Waiter, (result: SyncResult) => void>()
  let next = 0
  return {
    join: () => park(joins, next++),
    sync: () => park(syncs, next++),
    answerJoin: (waiter, result) => release(joins, waiter, result),
    answerSync: (waiter, result) => release(syncs, waiter, result),
  }
}

function park<Result>(parked: Map<Waiter, (result: Result) => void>, waiter: Waiter) {
  const answer = new Promise<Result>((resolve) => {
    parked.set(waiter, resolve)
  })
  return { waiter, answer }
}

function release<Result>(parked: Map<Waiter, (result: Result) => void>, waiter: Waiter, result: Result): void {
  parked.get(waiter)?.(result)
  parked.delete(waiter)
}
