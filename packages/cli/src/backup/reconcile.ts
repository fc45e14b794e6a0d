// The reconciliations of platform.yaml, over the records that a drill's client reads back.
import type { ClientRecord, DrillNotes, RecordCheck } from '@selfmonitor/backup/drill'
import { assertVariables, foldVariables, type Reconciliation } from '@selfmonitor/platform'
import type * as Cel from '@selfmonitor/platform/cel'
import type { DecodeValue } from './drill-values.ts'

type CelModule = typeof Cel
type Total = bigint | Cel.Decimal

/** Given to the thread in one piece; the second bound is for large records. */
const maxWaiting = 500
const maxWaitingBytes = 4 * 1024 * 1024

interface Waiting {
  readonly context: Cel.CelContext
  readonly place: string
}

/**
 * Sums each expression of `fold` up, exactly, and asserts over the sums.
 * @param cel is loaded by the caller, because few commands need it
 */
export function reconciliation(
  check: Reconciliation,
  cel: CelModule,
  decode: DecodeValue,
  note: Pick<typeof import('@selfmonitor/backup/drill'), 'noteCheck' | 'noteSkipped' | 'counted'>,
): RecordCheck {
  const names = Object.keys(check.fold)
  const source = `{${names.map((name) => `"${name}": (${check.fold[name]})`).join(', ')}}`
  const evaluator = cel.createCelEvaluator(source, { variables: foldVariables, decimals: true })
  const totals = new Map<string, Total>(names.map((name) => [name, 0n]))
  let records = 0n
  let waiting: Waiting[] = []
  let waitingBytes = 0
  let problem: string | null = null

  function add(outcome: Cel.CelOutcome, place: string): void {
    if (problem !== null) return
    if (outcome.kind === 'error') {
      problem = `${place}: ${outcome.message}`
      return
    }
    const sums = cel.revive(outcome.value) as Readonly<Record<string, unknown>>
    for (const name of names) {
      const amount = numberOf(sums[name], cel)
      if (amount !== null) totals.set(name, sum(totals.get(name)!, amount, cel))
      else problem ??= `${place}: ${name} is ${shown(sums[name])}, and must be a number, or true or false`
    }
  }

  async function flush(): Promise<void> {
    const batch = waiting
    waiting = []
    waitingBytes = 0
    const outcomes = await evaluator.evaluate(batch.map(({ context }) => context))
    for (const [at, outcome] of outcomes.entries()) add(outcome, batch[at]!.place)
  }

  async function take(topic: string, partition: number, record: ClientRecord): Promise<void> {
    const place = `topic ${topic} partition ${partition} offset ${record.offset} of the target`
    let decoded: Awaited<ReturnType<DecodeValue>>
    try {
      decoded = await decode(record.value)
    } catch (error) {
      problem ??= `${place} cannot be decoded: ${(error as Error).message}`
      return
    }
    records++
    const { offset, timestampMs, key, headers } = record
    const context = {
      ...decoded,
      ...{ topic, partition: BigInt(partition), offset, timestamp: BigInt(timestampMs) },
      key: key?.toString('utf8') ?? null,
      headers: Object.fromEntries(headers.map((one) => [one.key, one.value?.toString('utf8') ?? null])),
    }
    waiting.push({ context, place })
    waitingBytes += record.value?.length ?? 0
    if (waiting.length >= maxWaiting || waitingBytes >= maxWaitingBytes) await flush()
  }

  return {
    wants: (topic) => check.topics.includes(topic),
    onRecord: (topic, partition, record) => (problem === null ? take(topic, partition, record) : undefined),
    async finish(notes: DrillNotes, restored) {
      const entry = {
        id: `reconciliation:${check.name}`,
        title: check.name,
        method: `CEL over the decoded records of ${check.topics.join(', ')}: ${check.assert}`,
      }
      try {
        if (restored === null) {
          note.noteSkipped(notes, { ...entry, detail: 'The records could not be read back.' })
          return
        }
        if (waiting.length > 0) await flush()
        const found = [...totals].map(([name, total]) => `${name} = ${total}`).join(', ')
        const detail = `${found}, over ${note.counted(records, 'record')}`
        const absent = check.topics.filter((topic) => !restored.has(topic))
        if (absent.length > 0) problem ??= `the backup does not have ${absent.join(', ')}`
        const wrong = problem ?? (await assertion(check, cel, totals, records))
        note.noteCheck(notes, { ...entry, detail }, wrong === null ? [] : [{ subject: check.name, message: wrong }])
      } finally {
        await evaluator.close()
      }
    },
  }
}

/** @returns why it does not hold; null when it does */
async function assertion(
  check: Reconciliation,
  cel: CelModule,
  totals: ReadonlyMap<string, Total>,
  records: bigint,
): Promise<string | null> {
  const evaluator = cel.createCelEvaluator(check.assert, {
    variables: assertVariables,
    isCondition: true,
    decimals: true,
  })
  try {
    const [outcome] = await evaluator.evaluate([{ totals: Object.fromEntries(totals), records }])
    if (outcome!.kind === 'error') return `${check.assert}: ${outcome!.message}`
    if (outcome!.value === true) return null
    return `${check.assert} does not hold: ${[...totals].map(([name, total]) => `${name} = ${total}`).join(', ')}`
  } finally {
    await evaluator.close()
  }
}

function numberOf(value: unknown, { Decimal, parseDecimal }: CelModule): Total | null {
  if (typeof value === 'boolean') return value ? 1n : 0n
  if (typeof value === 'bigint' || value instanceof Decimal) return value
  return typeof value === 'number' ? parseDecimal(String(value)) : null
}

const [minInt, maxInt] = [-(2n ** 63n), 2n ** 63n - 1n]

/** An int as long as it is one: CEL's own has 64 bits. */
function sum(a: Total, b: Total, { addDecimals }: CelModule): Total {
  const whole = typeof a === 'bigint' && typeof b === 'bigint' ? a + b : null
  return whole !== null && whole >= minInt && whole <= maxInt ? whole : addDecimals(a, b)
}

const shown = (value: unknown): string => (typeof value === 'string' ? JSON.stringify(value) : String(value))
