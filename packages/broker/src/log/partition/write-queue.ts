// Runs jobs of one partition log one after the other, and hands all waiting appends to the writer together, so that appends which
// arrive during one write are written with the next one.

/** A job's permission to change what only one job at a time may change. It ends with the job. */
export interface Turn {
  /** @param what the change that is about to be made @throws Error when the turn is over: a mistake in our code */
  check(what: string): void
}

/** The turn of code that runs before the log is used by anything else. */
export const loading: Turn = { check() {} }

export interface WriteQueue<Append> {
  push(append: Append): void
  /** Runs `job` when nothing else writes. */
  exclusive<T>(job: (turn: Turn) => Promise<T>): Promise<T>
  /** Resolves when everything queued so far is done. */
  drain(): Promise<void>
}

/**
 * @param write takes one or more elements from the front of `waiting` and settles them; it must not reject
 */
export function createWriteQueue<Append>(write: (waiting: Append[], turn: Turn) => Promise<void>): WriteQueue<Append> {
  const appends: Append[] = []
  const jobs: (() => Promise<void>)[] = []
  let running = false

  async function inTurn<T>(job: (turn: Turn) => Promise<T>): Promise<T> {
    let over = false
    const turn: Turn = {
      check(what) {
        if (over) throw new Error(`${what} outside the turn of the log's queue`)
      },
    }
    try {
      return await job(turn)
    } finally {
      over = true
    }
  }

  const writeWaiting = () => inTurn((turn) => write(appends, turn))

  async function run(): Promise<void> {
    running = true
    // Waits one microtask, because the partitions of one request, and requests that came in one read, arrive together.
    await undefined
    for (;;) {
      const job = jobs.shift()
      if (job !== undefined) await job()
      else if (appends.length > 0) await writeWaiting()
      else break
    }
    running = false
  }

  function exclusive<T>(job: (turn: Turn) => Promise<T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    // Appends that came before are written first.
    jobs.push(async () => {
      while (appends.length > 0) await writeWaiting()
      await inTurn(job).then(resolve, reject)
    })
    if (!running) void run()
    return promise
  }

  return {
    push(append) {
      appends.push(append)
      if (!running) void run()
    },
    exclusive,
    drain: () => exclusive(async () => {}),
  }
}
