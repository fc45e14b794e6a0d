// The shape of what a platform file says about objectives, and about who gets an alert when one is missed.
import { z } from 'zod'

const text = (description: string, error = 'must be text') => z.string({ error }).meta({ description })

const freshnessExample = "such as 'lag 30s, 99.5 % over 30d'"
const freshness = text(
  'How old the next unread message may be, and in which share of the time: lag 30s, 99.5 % over 30d.',
  `must be text ${freshnessExample}`,
)

export const topicObjectives = z
  .strictObject({ freshness }, { error: `must be a map such as { freshness: "lag 30s, 99.5 % over 30d" }` })
  .partial()
  .meta({ description: 'Objectives of every service that consumes the topic and has none of its own for it.' })

export const serviceObjectives = z
  .strictObject(
    {
      freshness: z
        .union([z.string(), z.record(z.string(), z.string())], {
          error: `must be text ${freshnessExample}, or a map of such texts by topic`,
        })
        .meta({
          description:
            'How old the next unread message may be, and in which share of the time: lag 30s, 99.5 % over 30d. Or a map with such a text for each topic.',
        }),
      processing: text(
        'Share of the consumed messages that do not become dead letters: 99.9 % over 30d.',
        "must be text such as '99.9 % over 30d'",
      ),
    },
    { error: 'must be a map such as { freshness: "lag 30s, 99.5 % over 30d" }' },
  )
  .partial()
  .meta({ description: 'What the service promises.' })

export const clusterObjectives = z
  .strictObject(
    {
      availability: text(
        'Share of the messages of the end-to-end probe that come back: 99.9 % over 30d.',
        "must be text such as '99.9 % over 30d'",
      ),
      latency: text(
        'Share of the messages of the probe that come back in time: 500ms, 99 % over 30d.',
        "must be text such as '500ms, 99 % over 30d'",
      ),
    },
    { error: 'must be a map such as { availability: 99.9 % over 30d }' },
  )
  .partial()
  .meta({ description: 'What the cluster promises, as the end-to-end probe of the exporter measures it.' })

const owner = z
  .strictObject(
    {
      slack: text('Channel, in quotes: "#payments".', 'must be a channel in quotes, such as "#payments"'),
      pagerduty: text('Name of the PagerDuty service. Its key is in the file pagerduty-<name>, never here.'),
      email: z
        .union([z.string(), z.array(z.string())], { error: 'must be an address, or a list of addresses' })
        .meta({ description: 'Addresses.' }),
    },
    { error: 'must be a map such as { slack: "#payments" }' },
  )
  .partial()

export const owners = z.record(z.string(), owner, { error: 'must be a map of owners by name' }).meta({
  description: 'Teams by name, and where their alerts are sent. If it is set, every `owner` must be one of them.',
})

export const alerting = z
  .strictObject(
    {
      owner: text('Owner of the cluster, who also gets alerts about topics and services without an owner.'),
      smtp: z
        .strictObject(
          {
            smarthost: text('Mail server, host:port.'),
            from: text('Sender of the mails.'),
            username: text('Account on the mail server. Its password is in the file smtp-password.'),
          },
          { error: 'must be a map such as { smarthost: "mail:587", from: kafka@example.com }' },
        )
        .partial()
        .meta({ description: 'Mail server, needed by owners with email.' }),
    },
    { error: 'must be a map such as { owner: platform }' },
  )
  .partial()
  .meta({ description: 'How alerts are sent.' })
