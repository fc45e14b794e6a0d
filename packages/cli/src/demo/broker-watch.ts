// Tells when the broker of a steady stream has gone away, and when it is back.

/** Nothing acknowledged for so long, and no connection: short of that, a leader has only moved. */
const quietMs = 1000

export interface BrokerWatch {
  /** Told again and again what is known; `nowMs` counts from the start of the stream. */
  look(seen: { readonly nowMs: number; readonly connected: boolean; readonly acknowledged: number }): void
}

/**
 * Says once that the broker is lost, and once that it answers again. Of several brokers one may be away for long: as
 * long as anything is acknowledged, nothing is said.
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
