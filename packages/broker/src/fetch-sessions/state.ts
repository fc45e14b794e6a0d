// The state that is kept between fetches: the sessions of each presented broker, and the memory of answers that are not sent yet.
import { randomInt } from 'node:crypto'
import { createFetchSessions, type FetchSessions } from './sessions.ts'
import { createUnsentBudget, type UnsentBudget } from './unsent-budget.ts'

/** Room for a few consumers of default size (fetch.max.bytes is 55 MB) that are behind at the same time. */
const maxUnsentBytes = 256 * 1024 * 1024

export interface FetchState {
  /** By node id of the presented broker: a client opens a session with each broker that it fetches from. */
  readonly sessions: Map<number, FetchSessions>
  readonly unsent: UnsentBudget
}

export function createFetchState(): FetchState {
  return { sessions: new Map(), unsent: createUnsentBudget(maxUnsentBytes) }
}

/** @param maxSessions `max.incremental.fetch.session.cache.slots`, read when the broker's first session is opened */
export function sessionsOf({ sessions }: FetchState, brokerId: number, maxSessions: () => number): FetchSessions {
  const known = sessions.get(brokerId)
  if (known !== undefined) return known
  const created = createFetchSessions({ maxSessions: maxSessions(), randomId: () => randomInt(1, 0x7fffffff) })
  sessions.set(brokerId, created)
  return created
}
