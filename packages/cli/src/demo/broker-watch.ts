// Reports when the broker of a steady stream is lost, and when it answers again.

/** The broker is lost after this time without an acknowledgement and a connection; before that, a leader may have moved. */
const quietMs = 1000

export interface BrokerWatch {
  /** Called repeatedly with the current counters; `nowMs` counts from the start of the stream. */
  look(seen: { readonly nowMs: number; readonly connected: boolean; readonly acknowledged: number }): void
}

/**
 * Reports once that the broker is lost, and once that it answers again. As long as any event is acknowledged, it reports nothing,
 * even if one of several brokers is down.
 */
export function createBrokerWatch(say: (text: string) => void): BrokerWatch {
  let away = false
  let acknowledgedBefore = 0
  let acknowledgedAtMs = 0
  return {
    look({ nowMs, connected, acknowledged }) {
      if (acknowledged > acknowledgedBefore) {
        acknowledgedBefore = acknowledged
        acknowledgedAtMs = nowMs
        if (away) say('The broker answers again.')
        away = false
      } else if (!away && !connected && nowMs - acknowledgedAtMs >= quietMs) {
        away = true
        say('Lost the broker, waiting for it.')
      }
    },
  }
}
