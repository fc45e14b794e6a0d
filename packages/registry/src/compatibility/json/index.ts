// The exports of this folder: which JSON Schemas accept what others allow, and how Confluent's registry words it.
export { checkJsonReader, TooComplexError } from './compare.ts'
export { describeJsonProblem } from './messages.ts'
export type { JsonIncompatibility, JsonProblemType } from './problem.ts'
