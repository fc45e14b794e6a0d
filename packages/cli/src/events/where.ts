// `--where`: a CEL expression over decoded records.
import type { ReadRecord } from '@selfmonitor/cluster'
import type { LetterFacts } from '@selfmonitor/events/dead-letters'
import { withNumbers } from '@selfmonitor/events/exact-json'
import { type CelContext, CelError, createCelEvaluator } from '@selfmonitor/platform/cel'
import { usageError } from '../framework/errors.ts'
import { counted } from '../output/format.ts'
import type { Decoder } from './decode.ts'

/** A filter; records for which the expression fails do not match. */
export interface Where {
  /** @returns for each record whether it matches, in their order */
  matches(records: readonly WhereRecord[]): Promise<boolean[]>
  /** How many records the expression failed for, and why the first did; undefined when it never failed. */
  problem(): string | undefined
  close(): Promise<void>
}

export interface WhereRecord {
  readonly record: ReadRecord
  /** Of a dead letter. */
  readonly facts?: LetterFacts
}

const ofRecords = ['topic', 'partition', 'offset', 'timestamp', 'key', 'value', 'headers', 'size'] as const
const ofLetters = ['error', 'message', 'cause', 'attempts', 'by', 'origin'] as const

/** What `--where` can use, for help texts. */
export const whereVariables = { record: ofRecords.join(', '), letter: [...ofRecords, ...ofLetters].join(', ') }

/** @throws CliError USAGE when the expression is not valid */
export function createWhere(expression: string, kind: 'record' | 'letter', decoder: Decoder): Where {
  const variables = kind === 'record' ? ofRecords : [...ofRecords, ...ofLetters]
  const evaluator = evaluatorOf(expression, variables)
  let failures = 0
  let first: string | undefined
  return {
    async matches(records) {
      const contexts = await Promise.all(records.map((one) => contextOf(one, decoder)))
      return (await evaluator.evaluate(contexts)).map((outcome) => {
        if (outcome.kind === 'value' && typeof outcome.value === 'boolean') return outcome.value
        failures++
        first ??= outcome.kind === 'error' ? outcome.message : 'it gave neither true nor false'
        return false
      })
    },
    problem: () =>
      first === undefined
        ? undefined
        : `--where failed for ${counted(failures, 'record')}, which do not match: ${first}.`,
    close: () => evaluator.close(),
  }
}

function evaluatorOf(expression: string, variables: readonly string[]) {
  try {
    return createCelEvaluator(expression, { variables, isCondition: true })
  } catch (error) {
    if (!(error instanceof CelError)) throw error
    throw usageError(`--where: ${error.message}.`, `For example: --where 'value.amount > 100 && key != "test"'`)
  }
}

async function contextOf({ record, facts }: WhereRecord, decoder: Decoder): Promise<CelContext> {
  const decoded = await decoder.decode(record.value)
  const headers = Object.fromEntries(record.headers.map(({ key, value }) => [key, value?.toString('utf8') ?? null]))
  const context = {
    topic: record.topic,
    partition: BigInt(record.partition),
    offset: record.offset,
    timestamp: new Date(record.timestampMs),
    key: record.key?.toString('utf8') ?? null,
    value:
      decoded.kind === 'event'
        ? { ...decoded.envelope, data: withNumbers(decoded.data) }
        : decoded.kind === 'value'
          ? withNumbers(decoded.value)
          : record.value,
    headers,
    size: BigInt(record.value?.length ?? 0),
  }
  if (facts === undefined) return context
  return {
    ...context,
    error: facts.errorClass,
    message: facts.errorMessage,
    cause: facts.fingerprint,
    attempts: BigInt(facts.attempts ?? 0),
    by: facts.by,
    origin: facts.origin?.topic ?? null,
  }
}
