// Simulates the users of a fintech: they sign up, log in, pay, and are sometimes suspected of fraud. Pure: the same random numbers
// and the same clock give the same events.

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

/** An endless sequence: each call returns the next event. Consequences of an event follow it, in order. */
export function createStory(sources: StorySources): () => StoryEvent {
  const story = new Story(sources)
  return () => story.next()
}

const money = (cents: number): string => (cents / 100).toFixed(2)

class Story {
  private readonly sources: StorySources
  private readonly users: User[] = []
  /** Consequences of earlier events that were not returned yet. */
  private readonly pending: StoryEvent[] = []
  private people = 0

  constructor(sources: StorySources) {
    this.sources = sources
  }

  next(): StoryEvent {
    if (this.pending.length === 0) {
      const chance = this.random()
      if (this.users.length < firstUsers || chance < signUpShare) this.signUp()
      else if (chance < signUpShare + loginShare) this.logIn(this.pick(this.users))
      else if (chance < signUpShare + loginShare + transferShare) this.transfer(this.pick(this.users))
      else this.pay(this.pick(this.users))
    }
    return this.pending.shift()!
  }

  private signUp(): void {
    this.people += 1
    const [country, currency, locale] = this.pick(homes)
    const first = this.pick(firstNames)
    const last = this.pick(lastNames)
    const user: User = {
      id: this.id('user'),
      name: `${first} ${last}`,
      email: `${first}.${last}.${this.people}@example.com`.toLowerCase(),
      country,
      currency,
      balanceCents: 50_000 + Math.floor(this.random() * 400_000),
    }
    if (this.users.length < maxUsers) this.users.push(user)
    else this.users[Math.floor(this.random() * this.users.length)] = user
    this.tell('user.events', 'user_created', user, {
      email: user.email,
      full_name: user.name,
      country,
      locale,
      channel: this.pick(['web', 'ios', 'android', 'partner']),
      marketing_consent: this.random() < 0.4,
    })
    this.tell('notification.events', 'email_requested', user, {
      notification_id: this.id('ntf'),
      to: user.email,
      template: 'welcome',
      variables: { name: first },
      priority: 'normal',
    })
    if (this.random() < 0.8) {
      this.tell('user.events', 'user_verified', user, {
        channel: this.pick(['email', 'phone']),
        verified_at: this.timeText(),
      })
    }
  }

  private logIn(user: User): void {
    const method = this.pick(['password', 'passkey', 'biometric', 'sso'])
    const from = this.ip()
    if (this.random() < loginFailureShare) {
      this.tell('user.events', 'user_login_failed', user, {
        method,
        reason: 'wrong_credentials',
        attempts: 1 + Math.floor(this.random() * 3),
        ip: from,
      })
    }
    this.tell('user.events', 'user_logged_in', user, {
      method,
      mfa: this.random() < 0.5,
      session_id: this.id('ses'),
      ip: from,
      device: { id: this.id('dev'), os: this.pick(['ios', 'android', 'windows', 'macos']), known: this.random() < 0.9 },
    })
  }

  private pay(user: User): void {
    const [merchant, category] = this.pick(merchants)
    // Most payments are small, few are large.
    const cents = 150 + Math.floor(this.random() ** 6 * 200_000)
    const payment = { transaction_id: this.id('txn'), amount: money(cents), currency: user.currency }
    const method = this.pick(['card', 'card', 'card', 'wallet', 'direct_debit'])
    this.tell('transaction.events', 'payment_initiated', user, { ...payment, payee: { name: merchant }, method })
    const suspicious = cents > largePaymentCents || this.random() < fraudShare
    if (suspicious) this.suspect(user, payment.transaction_id, cents)
    if (cents > user.balanceCents || this.random() < paymentFailureShare) {
      const reason = cents > user.balanceCents ? 'insufficient_funds' : 'declined'
      this.tell('transaction.events', 'payment_failed', user, {
        ...payment,
        reason,
        retriable: reason === 'insufficient_funds',
      })
      user.balanceCents += 150_000
      return
    }
    user.balanceCents -= cents
    this.tell('transaction.events', 'payment_processed', user, {
      ...payment,
      method,
      merchant: { name: merchant, category_code: category, country: user.country },
      processed_at: this.timeText(),
    })
  }

  private suspect(user: User, transactionId: string, cents: number): void {
    const score = 0.55 + this.random() * 0.45
    const severity = score > 0.95 ? 'critical' : score > 0.85 ? 'high' : score > 0.7 ? 'medium' : 'low'
    const alertId = this.id('alert')
    this.tell('fraud.alerts', 'fraud_suspected', user, {
      alert_id: alertId,
      transaction_id: transactionId,
      score: Math.round(score * 1000) / 1000,
      severity,
      reasons: [cents > largePaymentCents ? 'amount' : this.pick(['velocity', 'new_device', 'geography', 'new_payee'])],
      model_version: '2026.11',
      action: severity === 'critical' ? 'block' : severity === 'high' ? 'hold' : 'step_up',
    })
    if (this.random() < fraudConfirmedShare) {
      this.tell('fraud.alerts', 'fraud_confirmed', user, {
        alert_id: alertId,
        confirmed_by: 'analyst',
        loss: { amount: money(cents), currency: user.currency },
      })
      this.tell('fraud.alerts', 'account_frozen', user, {
        account_id: `acc-${user.id}`,
        alert_id: alertId,
        scope: 'outgoing',
      })
    } else {
      this.tell('fraud.alerts', 'fraud_dismissed', user, { alert_id: alertId, dismissed_by: 'customer' })
    }
  }

  private transfer(user: User): void {
    const to = this.pick(this.users)
    const cents = 1000 + Math.floor(this.random() ** 3 * 80_000)
    this.tell('transaction.events', 'transfer_completed', user, {
      transfer_id: this.id('trf'),
      amount: money(cents),
      currency: user.currency,
      from: { name: user.name, account_id: `acc-${user.id}` },
      to: { name: to.name, account_id: `acc-${to.id}` },
      scheme: 'internal',
      completed_at: this.timeText(),
    })
    this.tell('notification.events', 'push_requested', to, {
      notification_id: this.id('ntf'),
      title: `${user.name} sent you ${money(cents)} ${user.currency}`,
    })
  }

  private tell(topic: (typeof storyTopics)[number], eventType: string, user: User, data: StoryEvent['data']): void {
    this.pending.push({ topic, eventType, userId: user.id, data })
  }

  private random(): number {
    return this.sources.random()
  }

  private pick<Item>(items: readonly Item[]): Item {
    return items[Math.floor(this.random() * items.length)]!
  }

  private id(prefix: string): string {
    const drawn = Math.floor(this.random() * 2 ** 40)
    return `${prefix}-${drawn.toString(36).padStart(8, '0')}`
  }

  private ip(): string {
    const below = (limit: number): number => Math.floor(this.random() * limit)
    return [81, 1 + below(254), below(256), 1 + below(254)].join('.')
  }

  private timeText(): string {
    return new Date(this.sources.now()).toISOString()
  }
}
