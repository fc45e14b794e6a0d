// How much memory the requests of all connections may hold, from their first byte to their answer.
//
// A request takes memory as its bytes arrive. Once the limit is reached, incomplete requests wait, and their connections are not
// read. Only the first one that waits may exceed the limit until it is complete, so that there is always progress. While requests
// wait, one that arrives more slowly than `minBytesPerSecond` ends its connection.
import type { Clock } from '../types.ts'

/** The memory of one connection. */
export interface RequestAccount {
  /**
   * Asks for memory for the request that is arriving.
   * @param sizeBytes how much more
   * @param exempt small requests never wait, nor do those that would otherwise wait for themselves
   * @returns false when it has to wait: `onGranted` is called when it can ask again
   */
  grow(sizeBytes: number, exempt: boolean): boolean
  /** Sets how much memory the arriving request has now; 0 when there is none, or it is complete. */
  arriving(sizeBytes: number): void
  /** A complete request takes this much, until `free`. */
  hold(sizeBytes: number): void
  free(sizeBytes: number): void
  /** The connection has closed: nothing arrives or waits any more. What it holds must still be freed. */
  close(): void
}

export interface RequestMemory {
  /** Whether connections should stop reading while they have requests to handle. */
  readonly isShort: boolean
  readonly usedBytes: number
  open(owner: RequestOwner): RequestAccount
  close(): void
}

export interface RequestOwner {
  onGranted(): void
  /** The request arrives too slowly while others wait. */
  onStalled(reason: string): void
}

interface State extends RequestAccount {
  readonly owner: RequestOwner
  arrivingBytes: number
  /** When the request began to arrive, or last continued. */
  sinceMs: number
}

const graceMs = 30_000
const minBytesPerSecond = 64 * 1024
const stallCheckMs = 5000

/** @param limitBytes the limit, apart from small requests and the one that may exceed it */
export function createRequestMemory(limitBytes: number, clock: Clock): RequestMemory {
  const accounts = new Set<State>()
  /** In the order in which they began to wait. */
  const waiting = new Set<State>()
  let privileged: State | undefined
  let heldBytes = 0
  let arrivingBytes = 0
  let cancelStallCheck: (() => void) | undefined

  const isShort = () => heldBytes + arrivingBytes >= limitBytes

  /** Lets waiting requests continue: all while there is room; else the first, unless complete requests already hold too much. */
  function wake(): void {
    for (const account of [...waiting]) {
      if (isShort()) {
        if (privileged !== undefined || heldBytes > limitBytes / 2) break
        privileged = account
      }
      waiting.delete(account)
      account.sinceMs = clock.now()
      account.owner.onGranted()
    }
    if (waiting.size > 0) return
    cancelStallCheck?.()
    cancelStallCheck = undefined
  }

  function checkStalled(): void {
    cancelStallCheck = clock.setTimer(stallCheckMs, checkStalled)
    for (const account of [...accounts]) {
      if (account.arrivingBytes === 0 || waiting.has(account)) continue
      const lateMs = clock.now() - account.sinceMs - graceMs
      if (lateMs > 0 && account.arrivingBytes < (lateMs / 1000) * minBytesPerSecond) {
        account.owner.onStalled(
          `a request arrived too slowly (${account.arrivingBytes} bytes in ${Math.round((lateMs + graceMs) / 1000)} s) ` +
            `while others waited for the memory that requests may take (${limitBytes} bytes)`,
        )
      }
    }
  }

  return {
    get isShort() {
      return isShort()
    },
    get usedBytes() {
      return heldBytes + arrivingBytes
    },
    open(owner) {
      const account: State = {
        owner,
        arrivingBytes: 0,
        sinceMs: 0,
        grow(sizeBytes, exempt) {
          const fits = heldBytes + arrivingBytes + sizeBytes <= limitBytes
          if (!fits && !exempt && privileged === undefined && heldBytes <= limitBytes / 2) privileged = account
          if (!fits && !exempt && privileged !== account) {
            waiting.add(account)
            cancelStallCheck ??= clock.setTimer(stallCheckMs, checkStalled)
            return false
          }
          if (account.arrivingBytes === 0) account.sinceMs = clock.now()
          account.arrivingBytes += sizeBytes
          arrivingBytes += sizeBytes
          return true
        },
        arriving(sizeBytes) {
          const before = account.arrivingBytes
          arrivingBytes += sizeBytes - before
          account.arrivingBytes = sizeBytes
          if (sizeBytes >= before) return
          // Another request may have begun to arrive in the same chunk.
          account.sinceMs = clock.now()
          if (privileged === account) privileged = undefined
          if (waiting.size > 0) wake()
        },
        hold(sizeBytes) {
          heldBytes += sizeBytes
        },
        free(sizeBytes) {
          heldBytes -= sizeBytes
          if (waiting.size > 0) wake()
        },
        close() {
          accounts.delete(account)
          waiting.delete(account)
          account.arriving(0)
          if (privileged === account) privileged = undefined
          wake()
        },
      }
      accounts.add(account)
      return account
    },
    close() {
      cancelStallCheck?.()
      cancelStallCheck = undefined
    },
  }
}
