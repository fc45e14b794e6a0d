// What a running broker counts of itself. Plain numbers that their owners add to, so that a request costs no allocation; they are read
// when somebody asks for the metrics (`table.ts`).
import type { ApiName } from '@selfmonitor/protocol'
import { RecentTimes } from './recent-times.ts'

/** Bytes and messages of one topic, or of all. */
export interface Traffic {
  bytesIn: number
  bytesOut: number
  messagesIn: number
}

/** Requests of one API. */
export interface RequestCounters {
  /** By version. */
  readonly byVersion: Float64Array
  /** Answers by error code, 0 for none: one for each error field that Kafka counts. */
  readonly errors: Map<number, number>
  /** From the parsed frame to the last byte of the answer that the system has taken. */
  readonly total: RecentTimes
  /** Of it, before the handler starts. */
  readonly queue: RecentTimes
}

/** More versions than any API has. */
const versions = 64

export class BrokerCounters {
  /** Of all topics, deleted ones included. */
  readonly all: Traffic = { bytesIn: 0, bytesOut: 0, messagesIn: 0 }
  readonly topics = new Map<string, Traffic>()
  readonly requests = new Map<ApiName, RequestCounters>()
  readonly produce = { total: 0, failed: 0, bytesRejected: 0 }
  readonly fetch = { total: 0, failed: 0 }
  /** Syncs of partition logs to the disk. */
  readonly flushes = new RecentTimes()
  readonly groups = { offsetCommits: 0, offsetDeletions: 0, offsetExpirations: 0, completedRebalances: 0 }

  topic(name: string): Traffic {
    const known = this.topics.get(name)
    if (known !== undefined) return known
    const none = { bytesIn: 0, bytesOut: 0, messagesIn: 0 }
    this.topics.set(name, none)
    return none
  }

  request(api: ApiName): RequestCounters {
    const known = this.requests.get(api)
    if (known !== undefined) return known
    const none = {
      byVersion: new Float64Array(versions),
      errors: new Map(),
      total: new RecentTimes(),
      queue: new RecentTimes(),
    }
    this.requests.set(api, none)
    return none
  }

  appended(topic: Traffic, bytes: number, messages: number): void {
    topic.bytesIn += bytes
    topic.messagesIn += messages
    this.all.bytesIn += bytes
    this.all.messagesIn += messages
  }

  sent(topic: Traffic, bytes: number): void {
    topic.bytesOut += bytes
    this.all.bytesOut += bytes
  }
}

/** Adds to a count by error code. */
export function countError({ errors }: RequestCounters, code: number): void {
  errors.set(code, (errors.get(code) ?? 0) + 1)
}
