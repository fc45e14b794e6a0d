// The exports of this folder: CEL expressions, compiled and evaluated with a deadline.
export { type CelContext, CelError, type CelOptions, type CelOutcome, compileCel } from './compile.ts'
export { addDecimals, Decimal, exactValue, parseDecimal, parseExactJson, revive } from './decimal.ts'
export { type CelEvaluator, type CelEvaluatorOptions, createCelEvaluator } from './evaluator.ts'
