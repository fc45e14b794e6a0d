// An error as a plain value, kept beside what could be read.
import { errorName, kafkaErrorByCode } from '@selfmonitor/protocol/errors'
import { asClusterError } from './errors.ts'
import type { Problem } from './survey-types.ts'

/** @throws what is not a ClusterError: a mistake of this package */
export function problemOf(error: unknown): Problem {
  const { code, message } = asClusterError(error)
  return { code, message }
}

/** @param code Kafka's number of the error @param said the broker's own words */
export function problemOfCode(code: number, said?: string | null): Problem | null {
  if (code === 0) return null
  const name = errorName(code)
  return { code: name, message: said || kafkaErrorByCode(code)?.meaning || name }
}
