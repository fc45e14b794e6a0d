// The declaration of a command: a row of data, which program.ts reads.
import type { OutputFormat } from '../output/data.ts'
import type { Context } from './context.ts'

/** One option; `Value` is what the action gets. */
export interface OptionSpec<Value> {
  readonly flags: string
  readonly description: string
  readonly parse?: (text: string, previous?: never) => unknown
  readonly fallback?: Value
  readonly choices?: readonly string[]
  readonly hidden?: boolean
  readonly complete?: Completion
}

/** The candidates from the live cluster that the shell offers for a word. */
export type Completion = 'topics' | 'groups' | 'users' | 'subjects' | 'event-types'

export interface ArgumentSpec<Value> {
  readonly form: 'required' | 'optional' | 'variadic' | 'rest'
  readonly description: string
  readonly complete?: Completion
  /** Never set; carries the type. */
  readonly value?: Value
}

type Values<Specs> = { readonly [Key in keyof Specs]: Specs[Key] extends OptionSpec<infer Value> ? Value : never }
type Arguments<Specs> = { readonly [Key in keyof Specs]: Specs[Key] extends ArgumentSpec<infer Value> ? Value : never }

export interface Verb {
  /** One word, or two: `compatibility get`. */
  readonly name: string
  readonly summary: string
  readonly details?: string
  readonly examples: readonly string[]
  /** In the order of the command line. */
  readonly args: Readonly<Record<string, ArgumentSpec<unknown>>>
  readonly options: Readonly<Record<string, OptionSpec<unknown>>>
  /** Formats that `-o` takes, the default first; none, no `-o`. */
  readonly output: readonly OutputFormat[]
  /** A verb that changes something takes `--yes` and `--confirm`. `files`: only local files, which the audit trail leaves out. */
  readonly mutates: boolean | 'files'
  readonly hidden: boolean
  /** The verb that is meant where a noun stands alone. */
  readonly isDefault: boolean
  /** Returns an exit code, or nothing for 0. */
  run(
    context: Context,
    input: { args: Record<string, unknown>; options: Record<string, unknown> },
  ): Promise<number | undefined>
}

/** A noun with verbs (`topics list`), or a command of its own (`up`) whose only verb has the same name. */
export interface Noun {
  readonly name: string
  readonly summary: string
  readonly verbs: readonly Verb[]
}

/** Declares a verb; the types of its arguments and options follow from their specs. */
export function defineVerb<
  const A extends Readonly<Record<string, ArgumentSpec<unknown>>> = Record<never, never>,
  const O extends Readonly<Record<string, OptionSpec<unknown>>> = Record<never, never>,
>(spec: {
  name: string
  summary: string
  details?: string
  examples?: readonly string[]
  args?: A
  options?: O
  output?: readonly OutputFormat[]
  mutates?: boolean | 'files'
  hidden?: boolean
  isDefault?: boolean
  run(context: Context, input: { args: Arguments<A>; options: Values<O> }): Promise<number | undefined>
}): Verb {
  return {
    ...spec,
    args: spec.args ?? {},
    options: spec.options ?? {},
    examples: spec.examples ?? [],
    output: spec.output ?? [],
    mutates: spec.mutates ?? false,
    hidden: spec.hidden ?? false,
    isDefault: spec.isDefault ?? false,
    run: spec.run as Verb['run'],
  }
}

/** An on/off option. */
export function flag(flags: string, description: string): OptionSpec<boolean> {
  return { flags, description, fallback: false }
}

/** A text option. */
export function text(
  flags: string,
  description: string,
  more: { complete?: Completion; hidden?: boolean } = {},
): OptionSpec<string | undefined> {
  return { flags, description, ...more }
}

/** An option whose value is read by `parse`, with or without a default. */
export function value<Value>(
  flags: string,
  description: string,
  parse: (text: string, previous?: never) => Value,
): OptionSpec<Value | undefined>
export function value<Value>(
  flags: string,
  description: string,
  parse: (text: string, previous?: never) => Value,
  fallback: Value,
): OptionSpec<Value>
export function value<Value>(
  flags: string,
  description: string,
  parse: (text: string, previous?: never) => Value,
  fallback?: Value,
): OptionSpec<Value | undefined> {
  return { flags, description, parse, fallback }
}

/** An option that takes one of a few words. */
export function choice<const Value extends string, Fallback extends Value | undefined = undefined>(
  flags: string,
  description: string,
  choices: readonly Value[],
  fallback?: Fallback,
): OptionSpec<Fallback extends undefined ? Value | undefined : Value> {
  return { flags, description, choices, ...(fallback === undefined ? {} : { fallback }) }
}

export function required(description: string, complete?: Completion): ArgumentSpec<string> {
  return { form: 'required', description, complete }
}

export function optional(description: string, complete?: Completion): ArgumentSpec<string | undefined> {
  return { form: 'optional', description, complete }
}

/** One or more words. */
export function variadic(description: string, complete?: Completion): ArgumentSpec<readonly string[]> {
  return { form: 'variadic', description, complete }
}

/** Any number of words, also none. */
export function rest(description: string, complete?: Completion): ArgumentSpec<readonly string[]> {
  return { form: 'rest', description, complete }
}
