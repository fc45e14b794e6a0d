// The shape of what a platform file says about drills.
import { z } from 'zod'

const expression = (description: string) =>
  z.string({ error: 'must be a CEL expression, as text' }).meta({ description })

const check = z
  .strictObject(
    {
      topics: z
        .array(z.string({ error: 'must be text' }), { error: 'must be a list, such as [orders]' })
        .meta({ description: 'Topics whose records are folded.' }),
      fold: z
        .record(z.string(), expression('What a record adds to the total: a number, or true for 1.'), {
          error: 'must be a map of CEL expressions by name',
        })
        .meta({ description: 'Totals by name; each is the exact sum of a CEL expression over all records.' }),
      assert: expression('CEL expression over `totals`, which has to be true.'),
    },
    { error: 'must be a map such as { topics: [orders], fold: { … }, assert: … }' },
  )
  .partial()

export const drills = z
  .strictObject(
    {
      checks: z
        .record(z.string(), check, { error: 'must be a map of checks by name' })
        .meta({ description: 'Reconciliations of the business, over what a drill has restored.' }),
    },
    { error: 'must be a map such as { checks: { … } }' },
  )
  .partial()
