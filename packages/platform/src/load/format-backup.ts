// The shape of what a platform file says about backups.
import { z } from 'zod'

const text = (description: string, error = 'must be text') => z.string({ error }).meta({ description })

/** From the most to the least; the names are those of common schemes of incident and data classes. */
export const criticalities = ['critical', 'high', 'medium', 'low'] as const
export const classifications = ['public', 'internal', 'confidential', 'restricted'] as const
export const lockModes = ['governance', 'compliance'] as const

const lock = z
  .strictObject(
    {
      days: z
        .int({ error: 'must be a whole number of days' })
        .min(1, { error: 'must be ≥ 1' })
        .max(36_500, { error: 'must be ≤ 36500' })
        .meta({ description: 'How long the store refuses to delete what a backup writes of the topic.' }),
      mode: z.enum(lockModes, { error: 'must be governance or compliance' }).meta({
        description:
          'governance: accounts with s3:BypassGovernanceRetention may delete all the same; compliance: no account may.',
      }),
    },
    { error: 'must be a map such as { days: 366, mode: compliance }, or null for none' },
  )
  .partial()
  .nullable()
  .meta({ description: 'Object Lock of the objects in a bucket.' })

/** Of a topic, and the default of all topics. */
export const backup = z
  .strictObject(
    {
      frequency: text(
        'How often the topic is backed up: a duration (1h), a cron expression of five fields with a time zone ("0 2 * * * Europe/Berlin", else UTC), or continuously.',
        'must be text such as 1h, or "0 2 * * * Europe/Berlin"',
      ),
      rpo: text(
        'Recovery point objective: records may be this old before they are in a backup.',
        'must be a duration such as 1h',
      ),
      rto: text('Recovery time objective: how long a restore may take.', 'must be a duration such as 4h'),
      criticality: z
        .enum(criticalities, { error: `must be ${criticalities.join(', ').replace(/, (\w+)$/, ' or $1')}` })
        .meta({ description: 'How much depends on the topic.' }),
      classification: z
        .enum(classifications, { error: `must be ${classifications.join(', ').replace(/, (\w+)$/, ' or $1')}` })
        .meta({ description: 'Who may know its records.' }),
      lock,
      none: z
        .string({ error: 'must be the reason, as text' })
        .nullable()
        .meta({ description: 'The topic is left out of backups, and why; null takes back what a default says.' }),
    },
    { error: 'must be a map such as { frequency: 1h, rpo: 2h }' },
  )
  .partial()
  .refine(({ none, ...others }) => typeof none !== 'string' || Object.keys(others).length === 0, {
    path: ['none'],
    error: 'leaves the topic out of backups, and more is said beside it: keep one',
  })
