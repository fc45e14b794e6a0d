// How much memory the requests of all connections may hold, from their first byte to their answer.
//
// A request takes memory as its bytes arrive. Once the limit is reached, incomplete requests wait, and their connections are not
// read. Only the first one that waits may exceed the limit until it is complete, so that there is always progress. While requests
// wait, one that arrives more slowly than `minBytesPerSecond` ends its connection.
import type { Clock } from '../types.ts'

export interface RequestOwner {
  onGranted(): void
  /** The request arrives too slowly while others wait. */
  onStalled(reason: string): void
}

const graceMs = 30_000
const minBytesPerSecond = 64 * 1024
const stallCheckMs = 5000

/** @param limitBytes the limit, apart from small requests and the one that may exceed it */
export function createRequestMemory(limitBytes: number, clock: Clock): RequestMemory {
  return new RequestMemory(limitBytes, clock)
}

export class RequestMemory {
  readonly limitBytes: number
  readonly clock: Clock
  /** In the order in which they began to wait. */
  readonly waiting = new Set<RequestAccount>()
  /** The account whose request may exceed the limit until it is complete. */
  privileged: RequestAccount | undefined
  /** Memory of complete requests. */
  heldBytes = 0
  /** Memory of incomplete requests. */
  arrivingBytes = 0
  private readonly accounts = new Set<RequestAccount>()
  private cancelStallCheck: (() => void) | undefined

  constructor(limitBytes: number, clock: Clock) {
    this.limitBytes = limitBytes
    this.clock = clock
  }

  /** Whether connections should stop reading while they have requests to handle. */
  get isShort(): boolean {
    return this.usedBytes >= this.limitBytes
  }

  get usedBytes(): number {
    return this.heldBytes + this.arrivingBytes
  }

  open(owner: RequestOwner): RequestAccount {
    const account = new RequestAccount(this, owner)
    this.accounts.add(account)
    return account
  }

  remove(account: RequestAccount): void {
    this.accounts.delete(account)
    this.waiting.delete(account)
  }

  close(): void {
    this.cancelStallCheck?.()
    this.cancelStallCheck = undefined
  }

  /** Lets an account wait, and checks for stalled requests as long as any wait. */
  wait(account: RequestAccount): void {
    this.waiting.add(account)
    this.cancelStallCheck ??= this.clock.setTimer(stallCheckMs, () => this.checkStalled())
  }

  /** Lets waiting requests continue: all while there is room; else the first, unless complete requests already hold too much. */
  wake(): void {
    for (const account of [...this.waiting]) {
      if (this.isShort) {
        if (this.privileged !== undefined || this.heldBytes > this.limitBytes / 2) break
        this.privileged = account
      }
      this.waiting.delete(account)
      account.sinceMs = this.clock.now()
      account.owner.onGranted()
    }
    if (this.waiting.size === 0) this.close()
  }

  private checkStalled(): void {
    this.cancelStallCheck = this.clock.setTimer(stallCheckMs, () => this.checkStalled())
    for (const account of [...this.accounts]) {
      if (account.arrivingBytes === 0 || this.waiting.has(account)) continue
      const lateMs = this.clock.now() - account.sinceMs - graceMs
      if (lateMs <= 0 || account.arrivingBytes >= (lateMs / 1000) * minBytesPerSecond) continue
      account.owner.onStalled(
        `a request arrived too slowly (${account.arrivingBytes} bytes in ${Math.round((lateMs + graceMs) / 1000)} s) ` +
          `while others waited for the memory that requests may take (${this.limitBytes} bytes)`,
      )
    }
  }
}

/** The memory of one connection. */
export class RequestAccount {
  readonly owner: RequestOwner
  /** Memory of the request that is arriving; 0 when there is none. */
  arrivingBytes = 0
  /** When the request began to arrive, or last continued. */
  sinceMs = 0
  private readonly memory: RequestMemory

  constructor(memory: RequestMemory, owner: RequestOwner) {
    this.memory = memory
    this.owner = owner
  }

  /**
   * Asks for memory for the request that is arriving.
   * @param sizeBytes how much more
   * @param exempt small requests never wait, nor do those that would otherwise wait for themselves
   * @returns false when it has to wait: `onGranted` is called when it can ask again
   */
  grow(sizeBytes: number, exempt: boolean): boolean {
    const { memory } = this
    const fits = memory.usedBytes + sizeBytes <= memory.limitBytes
    if (!fits && !exempt && memory.privileged === undefined && memory.heldBytes <= memory.limitBytes / 2) {
      memory.privileged = this
    }
    if (!fits && !exempt && memory.privileged !== this) {
      memory.wait(this)
      return false
    }
    if (this.arrivingBytes === 0) this.sinceMs = memory.clock.now()
    this.arrivingBytes += sizeBytes
    memory.arrivingBytes += sizeBytes
    return true
  }

  /** Sets how much memory the arriving request has now; 0 when there is none, or it is complete. */
  arriving(sizeBytes: number): void {
    const { memory } = this
    const before = this.arrivingBytes
    memory.arrivingBytes += sizeBytes - before
    this.arrivingBytes = sizeBytes
    if (sizeBytes >= before) return
    // Another request may have begun to arrive in the same chunk.
    this.sinceMs = memory.clock.now()
    if (memory.privileged === this) memory.privileged = undefined
    if (memory.waiting.size > 0) memory.wake()
  }

  /** A complete request takes this much, until `free`. */
  hold(sizeBytes: number): void {
    this.memory.heldBytes += sizeBytes
  }

  free(sizeBytes: number): void {
    const { memory } = this
    memory.heldBytes -= sizeBytes
    if (memory.waiting.size > 0) memory.wake()
  }

  /** The connection has closed: nothing arrives or waits any more. Its memory must still be freed. */
  close(): void {
    const { memory } = this
    memory.remove(this)
    this.arriving(0)
    if (memory.privileged === this) memory.privileged = undefined
    memory.wake()
  }
}
