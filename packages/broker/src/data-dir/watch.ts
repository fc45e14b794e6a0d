// Notices that the data directory of a running broker was deleted, moved or replaced. Open files still take writes then, which
// can never be read: a broker that acknowledges them loses them. Apache Kafka also stops when its last log directory has failed.
import { type Stats, statSync } from 'node:fs'
import { stat } from 'node:fs/promises'

const intervalMs = 1000

/**
 * @param file one that is in the directory for as long as the directory is this broker's
 * @param onGone called once
 * @returns a function that ends the watch
 */
export function watchFile(file: string, onGone: () => void, everyMs = intervalMs): () => void {
  const opened = statSync(file)
  let ended = false
  const timer = setInterval(async () => {
    if (ended || !(await isGone(file, opened)) || ended) return
    end()
    onGone()
  }, everyMs)
  timer.unref()
  function end(): void {
    ended = true
    clearInterval(timer)
  }
  return end
}

/** A file that cannot be examined for another reason may become readable again, for example on a network file system. */
async function isGone(file: string, opened: Stats): Promise<boolean> {
  try {
    const now = await stat(file)
    return now.ino !== opened.ino || now.dev !== opened.dev
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return code === 'ENOENT' || code === 'ENOTDIR'
  }
}

/**
 * The same calls, all of which fail after a failure: a directory that took the place of this one must not be written to.
 * Descriptors can still be closed.
 */
export function failingWhen<Calls extends { close(fd: number): Promise<void> }>(
  calls: Calls,
  failure: () => Error | undefined,
): Calls {
  return new Proxy(calls, {
    get(target, name) {
      const error = failure()
      return error === undefined || name === 'close' ? Reflect.get(target, name) : () => Promise.reject(error)
    },
  })
}
