import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../../../test/support/random.ts'
import { createStory, type StoryEvent, storyTopics } from './story.ts'

function tell(amount: number, seed = 1): StoryEvent[] {
  const next = createStory({ random: seededRandom(seed), now: () => 1_795_352_400_000 })
  return Array.from({ length: amount }, next)
}

describe('the story of the demo', () => {
  const events = tell(20_000)

  it('is the same for the same random numbers, and another for others', () => {
    expect(tell(500)).toEqual(tell(500))
    expect(tell(500, 2)).not.toEqual(tell(500))
  })

  it('names only event types that the platform has a payload schema for, with what those require', () => {
    const seen = new Set<string>()
    for (const { topic, eventType, data } of events) {
      const key = `${topic}/${eventType}`
      seen.add(key)
      const schema = JSON.parse(readSchema(key)) as { required: string[]; properties: Record<string, unknown> }
      expect(Object.keys(data), key).toEqual(expect.arrayContaining(schema.required))
      expect(Object.keys(schema.properties), key).toEqual(expect.arrayContaining(Object.keys(data)))
    }
    expect([...seen].sort()).toEqual([
      'fraud.alerts/account_frozen',
      'fraud.alerts/fraud_confirmed',
      'fraud.alerts/fraud_dismissed',
      'fraud.alerts/fraud_suspected',
      'notification.events/email_requested',
      'notification.events/push_requested',
      'transaction.events/payment_failed',
      'transaction.events/payment_initiated',
      'transaction.events/payment_processed',
      'transaction.events/transfer_completed',
      'user.events/user_created',
      'user.events/user_logged_in',
      'user.events/user_login_failed',
      'user.events/user_verified',
    ])
    expect(new Set(events.map(({ topic }) => topic))).toEqual(new Set(storyTopics))
  })

  it('has no action of a user before signing up', () => {
    const known = new Set<string>()
    for (const { eventType, userId } of events) {
      if (eventType === 'user_created') known.add(userId)
      expect(known.has(userId), `${eventType} of ${userId}`).toBe(true)
    }
  })

  it('suspects fraud only of payments that were begun, and settles each alert', () => {
    const begun = new Set(
      events.filter(({ eventType }) => eventType === 'payment_initiated').map(({ data }) => data.transaction_id),
    )
    const alerts = events.filter(({ eventType }) => eventType === 'fraud_suspected')
    const settled = new Set(
      events
        .filter(({ eventType }) => /^fraud_(confirmed|dismissed)$/.test(eventType))
        .map(({ data }) => data.alert_id),
    )
    expect(alerts.length).toBeGreaterThan(50)
    for (const { data } of alerts.slice(0, -1)) {
      expect(begun.has(data.transaction_id)).toBe(true)
      expect(settled.has(data.alert_id)).toBe(true)
    }
  })
})

const schemas = new Map<string, string>()

function readSchema(key: string): string {
  const text = schemas.get(key) ?? readFileSync(new URL(`../../../../schemas/${key}.json`, import.meta.url), 'utf8')
  schemas.set(key, text)
  return text
}
