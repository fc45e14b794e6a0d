// What happens at a fintech in a day, in small: people sign up, log in, pay, and now and then look like fraudsters.
// Pure: the same random numbers and the same clock tell the same story.

export interface StoryEvent {
  readonly topic: string
  readonly eventType: string
  readonly userId: string
  readonly data: Readonly<Record<string, unknown>>
}

export interface StorySources {
  /** In [0, 1). */
  readonly random: () => number
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** Topics that the story writes to. */
export const storyTopics = ['user.events', 'transaction.events', 'fraud.alerts', 'notification.events'] as const

interface User {
  readonly id: string
  readonly name: string
  readonly email: string
  readonly country: string
  readonly currency: string
  balanceCents: number
}

const firstNames = ['Anna', 'Oleg', 'Mei', 'Tom', 'Sofia', 'Ravi', 'Lena', 'Karim', 'Ines', 'Noah', 'Yuki', 'Olu']
const lastNames = ['Petrova', 'Smith', 'Tanaka', 'Garcia', 'Okafor', 'Mueller', 'Rossi', 'Novak', 'Ali', 'Larsen']
const homes = [
  ['GB', 'GBP', 'en-GB'],
  ['DE', 'EUR', 'de-DE'],
  ['FR', 'EUR', 'fr-FR'],
  ['PL', 'PLN', 'pl-PL'],
  ['SE', 'SEK', 'sv-SE'],
] as const
const merchants = [
  ['Tesco', '5411'],
  ['IKEA', '5712'],
  ['Shell', '5541'],
  ['Spotify', '5815'],
  ['Zara', '5651'],
  ['Deliveroo', '5812'],
] as const

const firstUsers = 25
/** Known users are kept to this many, so that a demo that runs for a week does not grow. */
const maxUsers = 5000
const signUpShare = 0.06
const loginShare = 0.3
const transferShare = 0.1
const loginFailureShare = 0.08
const paymentFailureShare = 0.05
const fraudShare = 0.04
const fraudConfirmedShare = 0.25
const largePaymentCents = 90_000

/** An endless story: each call tells the next event. What follows from an event comes after it, in order. */
export function createStory({ random, now }: StorySources): () => StoryEvent {
  const users: User[] = []
  const told: StoryEvent[] = []
  let people = 0

  const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)]!
  const id = (prefix: string): string =>
    `${prefix}-${Math.floor(random() * 2 ** 40)
      .toString(36)
      .padStart(8, '0')}`
  const money = (cents: number): string => (cents / 100).toFixed(2)
  const timeText = (): string => new Date(now()).toISOString()
  const ip = (): string =>
    [81, 1 + Math.floor(random() * 254), Math.floor(random() * 256), 1 + Math.floor(random() * 254)].join('.')
  const tell = (topic: (typeof storyTopics)[number], eventType: string, user: User, data: StoryEvent['data']): void => {
    told.push({ topic, eventType, userId: user.id, data })
  }

  const signUp = (): void => {
    people += 1
    const [country, currency, locale] = pick(homes)
    const first = pick(firstNames)
    const last = pick(lastNames)
    const user: User = {
      id: id('user'),
      name: `${first} ${last}`,
      email: `${first}.${last}.${people}@example.com`.toLowerCase(),
      country,
      currency,
      balanceCents: 50_000 + Math.floor(random() * 400_000),
    }
    if (users.length < maxUsers) users.push(user)
    else users[Math.floor(random() * users.length)] = user
    tell('user.events', 'user_created', user, {
      email: user.email,
      full_name: user.name,
      country,
      locale,
      channel: pick(['web', 'ios', 'android', 'partner']),
      marketing_consent: random() < 0.4,
    })
    tell('notification.events', 'email_requested', user, {
      notification_id: id('ntf'),
      to: user.email,
      template: 'welcome',
      variables: { name: first },
      priority: 'normal',
    })
    if (random() < 0.8)
      tell('user.events', 'user_verified', user, { channel: pick(['email', 'phone']), verified_at: timeText() })
  }

  const logIn = (user: User): void => {
    const method = pick(['password', 'passkey', 'biometric', 'sso'])
    const from = ip()
    if (random() < loginFailureShare) {
      tell('user.events', 'user_login_failed', user, {
        method,
        reason: 'wrong_credentials',
        attempts: 1 + Math.floor(random() * 3),
        ip: from,
      })
    }
    tell('user.events', 'user_logged_in', user, {
      method,
      mfa: random() < 0.5,
      session_id: id('ses'),
      ip: from,
      device: { id: id('dev'), os: pick(['ios', 'android', 'windows', 'macos']), known: random() < 0.9 },
    })
  }

  const pay = (user: User): void => {
    const [merchant, category] = pick(merchants)
    // Most payments are small, few are large.
    const cents = 150 + Math.floor(random() ** 6 * 200_000)
    const payment = { transaction_id: id('txn'), amount: money(cents), currency: user.currency }
    const method = pick(['card', 'card', 'card', 'wallet', 'direct_debit'])
    tell('transaction.events', 'payment_initiated', user, { ...payment, payee: { name: merchant }, method })
    const suspicious = cents > largePaymentCents || random() < fraudShare
    if (suspicious) suspect(user, payment.transaction_id, cents)
    if (cents > user.balanceCents || random() < paymentFailureShare) {
      const reason = cents > user.balanceCents ? 'insufficient_funds' : 'declined'
      tell('transaction.events', 'payment_failed', user, {
        ...payment,
        reason,
        retriable: reason === 'insufficient_funds',
      })
      user.balanceCents += 150_000
      return
    }
    user.balanceCents -= cents
    tell('transaction.events', 'payment_processed', user, {
      ...payment,
      method,
      merchant: { name: merchant, category_code: category, country: user.country },
      processed_at: timeText(),
    })
  }

  const suspect = (user: User, transactionId: string, cents: number): void => {
    const score = 0.55 + random() * 0.45
    const severity = score > 0.95 ? 'critical' : score > 0.85 ? 'high' : score > 0.7 ? 'medium' : 'low'
    const alertId = id('alert')
    tell('fraud.alerts', 'fraud_suspected', user, {
      alert_id: alertId,
      transaction_id: transactionId,
      score: Math.round(score * 1000) / 1000,
      severity,
      reasons: [cents > largePaymentCents ? 'amount' : pick(['velocity', 'new_device', 'geography', 'new_payee'])],
      model_version: '2026.11',
      action: severity === 'critical' ? 'block' : severity === 'high' ? 'hold' : 'step_up',
    })
    if (random() < fraudConfirmedShare) {
      tell('fraud.alerts', 'fraud_confirmed', user, {
        alert_id: alertId,
        confirmed_by: 'analyst',
        loss: { amount: money(cents), currency: user.currency },
      })
      tell('fraud.alerts', 'account_frozen', user, {
        account_id: `acc-${user.id}`,
        alert_id: alertId,
        scope: 'outgoing',
      })
    } else {
      tell('fraud.alerts', 'fraud_dismissed', user, { alert_id: alertId, dismissed_by: 'customer' })
    }
  }

  const transfer = (user: User): void => {
    const to = pick(users)
    const cents = 1000 + Math.floor(random() ** 3 * 80_000)
    tell('transaction.events', 'transfer_completed', user, {
      transfer_id: id('trf'),
      amount: money(cents),
      currency: user.currency,
      from: { name: user.name, account_id: `acc-${user.id}` },
      to: { name: to.name, account_id: `acc-${to.id}` },
      scheme: 'internal',
      completed_at: timeText(),
    })
    tell('notification.events', 'push_requested', to, {
      notification_id: id('ntf'),
      title: `${user.name} sent you ${money(cents)} ${user.currency}`,
    })
  }

  return () => {
    if (told.length === 0) {
      const chance = random()
      if (users.length < firstUsers || chance < signUpShare) signUp()
      else if (chance < signUpShare + loginShare) logIn(pick(users))
      else if (chance < signUpShare + loginShare + transferShare) transfer(pick(users))
      else pay(pick(users))
    }
    return told.shift()!
  }
}
