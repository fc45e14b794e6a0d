// The time that one operation has, which all of its requests share.
import { ClusterError, outcomeUnknown } from '../errors.ts'

export interface Deadline {
  readonly timeoutMs: number
  /** Milliseconds that are left, at least 0. */
  left(): number
  /** The changes that are under way and not answered yet. */
  readonly unanswered: Set<string>
}

/**
 * Runs one operation within a time.
 *
 * @param name the operation, for people: `listTopics`
 * @param servers the cluster that it concerns, for people
 * @throws ClusterError OUTCOME_UNKNOWN when a change was sent and not answered in time, else TIMEOUT
 */
export async function withinDeadline<T>(
  name: string,
  servers: string,
  timeoutMs: number,
  body: (deadline: Deadline) => Promise<T>,
): Promise<T> {
  const startedAt = performance.now()
  const deadline: Deadline = {
    timeoutMs,
    left: () => Math.max(0, Math.ceil(timeoutMs - (performance.now() - startedAt))),
    unanswered: new Set(),
  }
  let timer: NodeJS.Timeout | undefined
  const timedOut = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(timeoutError(name, servers, deadline)), timeoutMs)
  })
  try {
    return await Promise.race([body(deadline), timedOut])
  } finally {
    clearTimeout(timer)
  }
}

function timeoutError(name: string, servers: string, { timeoutMs, unanswered }: Deadline): ClusterError {
  if (unanswered.size > 0) {
    return outcomeUnknown([...unanswered].join(' and '), `no answer came within ${timeoutMs} ms`)
  }
  return new ClusterError('TIMEOUT', `${name} on ${servers} took longer than ${timeoutMs} ms`, {
    reason: 'timeout',
    resource: servers,
    hint: 'Raise the timeout, or look at the health of the brokers.',
  })
}
