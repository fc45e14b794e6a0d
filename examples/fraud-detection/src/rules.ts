// Which payments look like fraud. A pure function of a payment and of what is known about the user.
import type { FraudSuspected, PaymentProcessed } from '../../events.generated.ts'

/** The service's state of a user. */
export interface UserHistory {
  readonly homeCountry: string | null
  /** Times of the latest payments, milliseconds since the epoch, oldest first. */
  readonly paymentTimesMs: readonly number[]
}

export type Suspicion = Pick<FraudSuspected, 'score' | 'severity' | 'reasons' | 'action'>

const largeAmount = 5000
const velocityWindowMs = 60_000
const velocityLimit = 5

/** @returns null for a payment that looks like any other */
export function assess(payment: PaymentProcessed, timestampMs: number, history: UserHistory): Suspicion | null {
  const reasons: Suspicion['reasons'] = []
  let score = 0
  if (Number(payment.amount) >= largeAmount) {
    reasons.push('amount')
    score += 0.5
  }
  const country = payment.merchant?.country
  if (country !== undefined && history.homeCountry !== null && country !== history.homeCountry) {
    reasons.push('geography')
    score += 0.3
  }
  const recent = history.paymentTimesMs.filter((time) => timestampMs - time < velocityWindowMs)
  if (recent.length >= velocityLimit) {
    reasons.push('velocity')
    score += 0.4
  }
  if (score < 0.4) return null
  if (score < 0.7) return { score, severity: 'medium', reasons, action: 'step_up' }
  return { score: Math.min(score, 1), severity: 'high', reasons, action: 'hold' }
}
