// Metrics as text, for tests.
import { type Family, type Format, families, head, tail } from '../families.ts'
import type { View } from '../view.ts'

export const linesOf = ({ lines }: Family): string => Buffer.concat(lines).toString()

/** Every metric, with the granularity `partition`. */
export const pageOf = (view: View, format: Format): string =>
  [...families(view, 'partition')].map((family) => head(family.metric, format) + linesOf(family)).join('') +
  tail[format]
