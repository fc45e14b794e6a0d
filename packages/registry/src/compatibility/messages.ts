// A problem of Avro as Confluent's registry words it in `messages` and `details`: scripts and people search for these texts.
import type { AvroIncompatibility } from './avro.ts'

/** Which of the two schemas reads: `new` under BACKWARD, `old` under FORWARD. */
export type Side = 'new' | 'old'

/** `{errorType:'…', description:'…', additionalInfo:'…'}` */
export function describeAvroProblem(problem: AvroIncompatibility, reader: Side, writer: Side): string {
  const description = descriptionOf(problem, reader, writer)
  return `{errorType:'${problem.type}', description:'${description}', additionalInfo:'${problem.message}'}`
}

function descriptionOf({ type, path, message }: AvroIncompatibility, reader: Side, writer: Side): string {
  switch (type) {
    case 'FIXED_SIZE_MISMATCH':
      return `The size of FIXED type field at path '${path}' in the ${reader} schema does not match with the ${writer} schema`
    case 'TYPE_MISMATCH':
      return `The type (path '${path}') of a field in the ${reader} schema does not match with the ${writer} schema`
    case 'NAME_MISMATCH':
      return `The name of the schema has changed (path '${path}')`
    case 'MISSING_ENUM_SYMBOLS':
      return `The ${reader} schema is missing enum symbols '${message}' at path '${path}' in the ${writer} schema`
    case 'MISSING_UNION_BRANCH':
      return `The ${reader} schema is missing a type inside a union field at path '${path}' in the ${writer} schema`
    case 'READER_FIELD_MISSING_DEFAULT_VALUE':
      return `The field '${message}' at path '${path}' in the ${reader} schema has no default value and is missing in the ${writer} schema`
  }
}
