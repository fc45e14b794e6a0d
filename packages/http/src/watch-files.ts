// Files that are replaced while a server runs: certificates, keys, who may do what.
//
// They are looked at on a timer. Kubernetes replaces a mounted Secret by moving a symbolic link, and editors by moving a file, which
// notifications of the file system miss; a read of a few small files costs nothing.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'

export interface WatchOptions {
  readonly files: readonly string[]
  /** What they contained when they were read: `contentOf`, taken before. */
  readonly since: string
  /** In milliseconds. */
  readonly everyMs: number
  /** The content of a file is another one than when it was looked at last. A file that is missing is one without content. */
  changed(): void | Promise<void>
}

/** Does not keep the process alive. One call of `changed` ends before the next look. */
export function watchFiles({ files, since, everyMs, changed }: WatchOptions): { close(): void } {
  let before = since
  let timer: NodeJS.Timeout | undefined
  let closed = false

  async function look(): Promise<void> {
    const now = contentOf(files)
    if (now !== before) {
      before = now
      await changed()
    }
    if (!closed) timer = setTimeout(look, everyMs).unref()
  }

  timer = setTimeout(look, everyMs).unref()
  return {
    close() {
      closed = true
      clearTimeout(timer)
    },
  }
}

/** A hash of what the files contain. */
export function contentOf(files: readonly string[]): string {
  const hash = createHash('sha256')
  for (const file of files) {
    const content = contentOrNothing(file)
    hash.update(`${content.length}:`).update(content)
  }
  return hash.digest('hex')
}

function contentOrNothing(file: string): Buffer {
  try {
    return readFileSync(file)
  } catch {
    return Buffer.alloc(0)
  }
}
