// CEL expressions over records: https://github.com/google/cel-spec. Compiling is here, evaluating in a thread of its own (evaluator.ts).
import { TypeError as CelTypeError, Environment, EvaluationError, type ParseError } from '@marcbachmann/cel-js'
import { registerDecimals, revive } from './decimal.ts'

/** An expression that is not valid. `code` is stable; the message says where. */
export class CelError extends Error {
  override readonly name = 'CelError'
  readonly code = 'INVALID_EXPRESSION'
}

/** The values of the variables. Numbers are CEL's double, bigints its int, dates its timestamp, bytes its bytes. */
export type CelContext = Readonly<Record<string, unknown>>

export type CelOutcome =
  | { readonly kind: 'value'; readonly value: unknown }
  /** `code` is the library's (`no_such_key`, `no_such_overload`), or `deadline` or `out_of_memory`. */
  | { readonly kind: 'error'; readonly code: string; readonly message: string }

export interface CelOptions {
  /** The names that the expression may use, each of any type. */
  readonly variables: readonly string[]
  /** The expression must give true or false, as far as its type can be told beforehand. Default false. */
  readonly isCondition?: boolean
  /** Numbers with a fraction are `Decimal`s, and computed exactly. Default false: they are doubles. */
  readonly decimals?: boolean
}

/** Far more than people write; they bound the time that parsing takes. */
const limits = {
  maxAstNodes: 10_000,
  maxDepth: 200,
  maxListElements: 10_000,
  maxMapEntries: 1_000,
  maxCallArguments: 32,
}

/** JSON has one kind of number: `value.amount + 1` adds an int to a double. CEL compares them, but leaves arithmetic to the user. */
const mixedArithmetic: Readonly<Record<string, (a: number, b: number) => number>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '%': (a, b) => a % b,
}

function environmentFor({ variables, decimals = false }: CelOptions): Environment {
  const environment = new Environment({ enableOptionalTypes: true, homogeneousAggregateLiterals: false, limits })
  for (const name of variables) environment.registerVariable(name, 'dyn')
  for (const [operator, apply] of Object.entries(mixedArithmetic)) {
    const mixed = (a: number | bigint, b: number | bigint): number => apply(Number(a), Number(b))
    environment.registerOperator(`double ${operator} int`, mixed)
    environment.registerOperator(`int ${operator} double`, mixed)
  }
  environment.registerOperator('double % double', mixedArithmetic['%']!)
  if (decimals) registerDecimals(environment)
  return environment
}

/**
 * Compiles an expression.
 * @returns a function that never throws: what fails is an outcome, because one record may lack a field that others have
 * @throws CelError when the expression is not valid, or uses an unknown variable
 */
export function compileCel(expression: string, options: CelOptions): (context: CelContext) => CelOutcome {
  const environment = environmentFor(options)
  const checked = environment.check(expression)
  if (!checked.valid) throw invalid(expression, checked.error, options)
  const type = String(checked.type)
  if (options.isCondition === true && type !== 'bool' && type !== 'dyn') {
    throw new CelError(`"${expression}" gives ${article(type)}, and must give true or false`)
  }
  const evaluate = environment.parse(expression)
  return (context) => {
    try {
      const known = options.decimals === true ? (revive(context) as CelContext) : context
      return { kind: 'value', value: evaluate(known) as unknown }
    } catch (error) {
      if (!(error instanceof EvaluationError || error instanceof CelTypeError)) {
        return { kind: 'error', code: 'failed', message: (error as Error).message }
      }
      return { kind: 'error', code: error.code, message: error.summary }
    }
  }
}

function article(type: string): string {
  return `${/^[aeiou]/.test(type) ? 'an' : 'a'} ${type}`
}

function invalid(expression: string, error: unknown, { variables }: CelOptions): CelError {
  const { code, summary, range } = error as Partial<ParseError> & { summary?: string }
  const at = range === undefined ? '' : ` at character ${range.start + 1}`
  const known = code === 'unknown_variable' ? `; the variables are ${variables.join(', ')}` : ''
  const said = summary ?? (error as Error).message.split('\n')[0]
  return new CelError(`"${expression}" is not a CEL expression: ${said}${at}${known}`)
}
