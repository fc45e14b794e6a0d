// Lets tests wait for the progress of a group: every acknowledged commit is reported here.
import type { CommitNotice } from './types.ts'

/** Thrown by `waitForCommit`; `code` is `COMMIT_WAIT_TIMEOUT` or `COORDINATOR_CLOSED`. */
export class GroupWaitError extends Error {
  readonly code: 'COMMIT_WAIT_TIMEOUT' | 'COORDINATOR_CLOSED'
  constructor(code: GroupWaitError['code'], message: string) {
    super(message)
    this.name = 'GroupWaitError'
    this.code = code
  }
}

export interface CommitWaits {
  notify(notice: CommitNotice): void
  subscribe(listener: (notice: CommitNotice) => void): () => void
  /** @param current the last acknowledged offset, for the message of a timeout */
  wait(wanted: CommitNotice, current: () => bigint | undefined, timeoutMs: number): Promise<void>
  close(): void
}

export function createCommitWaits(): CommitWaits {
  const listeners = new Set<(notice: CommitNotice) => void>()
  const closers = new Set<() => void>()
  return {
    notify(notice) {
      for (const listener of listeners) listener(notice)
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    wait(wanted, current, timeoutMs) {
      return new Promise((resolve, reject) => {
        const listener = (notice: CommitNotice) => {
          const { groupId, topic, partition } = wanted
          if (notice.groupId !== groupId || notice.topic !== topic || notice.partition !== partition) return
          if (notice.offset >= wanted.offset) finish(resolve)
        }
        const fail = (code: GroupWaitError['code'], why: string) => {
          const what = `group ${wanted.groupId} to commit ${wanted.topic}-${wanted.partition} up to ${wanted.offset}`
          const last = current()
          const seen = last === undefined ? 'it has committed nothing there' : `its last offset is ${last}`
          finish(() => reject(new GroupWaitError(code, `waited for ${what}: ${why}, ${seen}`)))
        }
        const close = () => fail('COORDINATOR_CLOSED', 'the broker was closed')
        const timer = setTimeout(() => fail('COMMIT_WAIT_TIMEOUT', `not within ${timeoutMs} ms`), timeoutMs)
        const finish = (how: () => void) => {
          clearTimeout(timer)
          listeners.delete(listener)
          closers.delete(close)
          how()
        }
        listeners.add(listener)
        closers.add(close)
      })
    },
    close() {
      for (const close of [...closers]) close()
      listeners.clear()
    },
  }
}
