// `error.type`: Kafka's name of the error where a broker gave one, the class of what a handler threw, else `_OTHER`.
import { EmitError } from '../errors.ts'
import { kafkaErrorName } from '../kafka/index.ts'

/** OpenTelemetry's value for an error without a name of low cardinality. */
export const otherError = '_OTHER'

/** Of a request to Kafka. */
export function clientErrorType(error: unknown): string {
  if (error instanceof EmitError) return error.kafkaError ?? otherError
  return kafkaErrorName(error) ?? otherError
}

/** More names than this are not classes of errors: a handler makes them up. */
const maxHandlerErrors = 50
const handlerErrors = new Set<string>()

/** Of a handler: the name of the error's class (`TypeError`). At most fifty names in a process; any other is `_OTHER`. */
export function handlerErrorType(error: unknown): string {
  const name = error instanceof Error ? error.name : otherError
  if (!/^[A-Za-z_$][\w$.]{0,79}$/.test(name)) return otherError
  if (handlerErrors.has(name)) return name
  if (handlerErrors.size >= maxHandlerErrors) return otherError
  handlerErrors.add(name)
  return name
}
