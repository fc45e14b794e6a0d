// One record's place, as people write it: three words, or as `events tail` prints it.
import { usageError } from '../framework/errors.ts'

export interface RecordPlace {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
}

/** `orders[3]@17`, `[3]@17` behind a topic, `orders-3@17`, `orders/3/17`, `orders:3:17` */
const forms = [/^(.*)\[(\d+)\]@(\d+)$/, /^(.+)-(\d+)@(\d+)$/, /^(.+)[/:](\d+)[/:](\d+)$/]

const largestPartition = 2 ** 31 - 1
const largestOffset = 2n ** 63n - 1n

/** @throws CliError USAGE, also of numbers that Kafka's protocol cannot hold */
export function recordPlace(words: readonly string[]): RecordPlace {
  const place = parsePlace(words)
  if (place === undefined || place.partition > largestPartition || place.offset > largestOffset) throw notAPlace(words)
  return place
}

function parsePlace(words: readonly string[]): RecordPlace | undefined {
  const [first = '', second, third] = words
  if (third !== undefined) {
    if (!/^\d+$/.test(second!) || !/^\d+$/.test(third)) return undefined
    return { topic: first, partition: Number(second), offset: BigInt(third) }
  }
  for (const form of forms) {
    const match = form.exec(second ?? first)
    if (match === null) continue
    const topic = match[1] || (second === undefined ? '' : first)
    if (topic !== '' && (second === undefined || match[1] === '' || match[1] === first)) {
      return { topic, partition: Number(match[2]), offset: BigInt(match[3]!) }
    }
  }
  return undefined
}

function notAPlace(words: readonly string[]) {
  return usageError(
    `"${words.join(' ')}" is not the place of a record.`,
    'Write topic, partition and offset: `user.events 3 17`, or `user.events[3]@17` as `events tail` prints it.',
  )
}
