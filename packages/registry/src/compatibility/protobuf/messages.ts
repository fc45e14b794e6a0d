// A problem of Protobuf as Confluent's registry words it in `messages` and `details`.
import type { Side } from '../messages.ts'
import type { ProtobufIncompatibility } from './check.ts'

/** `{errorType:"…", description:"…"}` */
export function describeProtobufProblem(problem: ProtobufIncompatibility, reader: Side, writer: Side): string {
  return `{errorType:"${problem.type}", description:"${descriptionOf(problem, reader, writer)}"}`
}

function descriptionOf({ type, path }: ProtobufIncompatibility, reader: Side, writer: Side): string {
  const [to, from] = [`in the ${reader} schema`, `in the ${writer} schema`]
  switch (type) {
    case 'PACKAGE_CHANGED':
      return `The package ${to} does not match the package ${from}`
    case 'MESSAGE_REMOVED':
      return `The ${reader} schema is missing a field of type MESSAGE at path '${path}' ${from}`
    case 'FIELD_KIND_CHANGED':
      return `The type of a field at path '${path}' ${to} does not match its type ${from}`
    case 'FIELD_SCALAR_KIND_CHANGED':
      return `The kind of a SCALAR field at path '${path}' ${to} does not match its kind ${from}`
    case 'FIELD_NAMED_TYPE_CHANGED':
      return `The type of a MESSAGE field at path '${path}' ${to} does not match its type ${from}`
    case 'FIELD_NUMERIC_LABEL_CHANGED':
      return `The label of a numeric field at path '${path}' ${to} does not match its label ${from}`
    case 'REQUIRED_FIELD_ADDED':
      return `The ${reader} schema has a required field at path '${path}' that is not required ${from}`
    case 'REQUIRED_FIELD_REMOVED':
      return `The ${reader} schema is missing a required field at path '${path}' ${from}`
    case 'ONEOF_FIELD_REMOVED':
      return `The ${reader} schema is missing a oneof field at path '${path}' ${from}`
    case 'MULTIPLE_FIELDS_MOVED_TO_ONEOF':
      return `The ${reader} schema has a oneof at path '${path}' to which multiple fields ${from} are moved`
  }
}
