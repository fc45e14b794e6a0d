// A registry's view of its topic: the state from its records, and the offset up to which they were read.
import type { Logger } from '../types.ts'
import type { Deadline } from './deadline.ts'
import type { TopicListener, TopicRecord } from './follow-topic.ts'
import { decodeRecord } from './records.ts'
import { createState, type RegistryState } from './state.ts'

/** A point in the order of events of this process: what happened later has a greater number. */
export type Moment = number

export class TopicView implements TopicListener {
  /** The state of the topic, as far as it has been read. */
  state: RegistryState = createState()
  /** Every record below this offset is in the state. */
  private position = 0n
  private waiters: readonly { readonly offset: bigint; readonly resolve: () => void }[] = []
  private lastMoment: Moment = 0
  /** Everything that was in the topic at this moment is in the state. */
  private completeUpTo: Moment = 0
  private readonly topic: string
  private readonly logger: Logger

  constructor(topic: string, logger: Logger) {
    this.topic = topic
    this.logger = logger
  }

  onRecord(record: TopicRecord): void {
    const decoded = decodeRecord(record.key, record.value)
    if ('ignored' in decoded) {
      const { topic } = this
      this.logger.warn({ topic, offset: record.offset.toString(), reason: decoded.ignored }, 'skipped a record')
      return
    }
    this.state.apply(decoded)
  }

  onPosition(next: bigint): void {
    this.position = next
    const due = this.waiters.filter(({ offset }) => offset < next)
    this.waiters = this.waiters.filter(({ offset }) => offset >= next)
    for (const waiter of due) waiter.resolve()
  }

  onReset(): void {
    this.state = createState()
    this.position = 0n
    this.completeUpTo = 0
  }

  /** Resolves when the record at `offset` is in the state. @throws StoreError at the deadline */
  async reach(offset: bigint, deadline: Deadline): Promise<void> {
    if (this.position > offset) return
    const reached = new Promise<void>((resolve) => {
      this.waiters = [...this.waiters, { offset, resolve }]
    })
    await deadline.race(reached, `reading ${this.topic} up to offset ${offset}`)
  }

  /** The present moment. */
  now(): Moment {
    return ++this.lastMoment
  }

  /** To be called when everything that was in the topic at `moment` has been read. */
  completed(moment: Moment): void {
    this.completeUpTo = moment
  }

  /** Whether the state has everything that was in the topic at `moment`. */
  isCompleteUpTo(moment: Moment): boolean {
    return this.completeUpTo >= moment
  }
}
