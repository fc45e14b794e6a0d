// The exports of this folder: JSON as Jackson reads and prints it, which the texts of Avro and JSON Schema depend on.
export {
  formatDouble,
  integer,
  isArray,
  isNumber,
  isObject,
  type JsonNumber,
  type JsonObject,
  JsonSyntaxError,
  type JsonValue,
  jsonProblem,
  parseJson,
  quote,
  writeJson,
} from './json.ts'
