// A writer's schema as a list of facts: every object of keywords that its values satisfy, and the choices that they make.
import {
  ignoresBesideRef,
  type JsonSchema,
  type JsonSchemaObject,
  type SchemaDocument,
  type SchemaNode,
} from '../../json-schema/index.ts'
import type { JsonIncompatibility } from './problem.ts'
import { allTypes, typeOfValue, type ValueType, valueKey, valueTypes } from './values.ts'

/** A comparison that is running, for the rules that compare parts. */
export interface Comparing {
  /** @returns every reason why `reader` may refuse one of the values; `path` is the reader's */
  compare(reader: SchemaNode, written: Written, path: string): readonly JsonIncompatibility[]
}

export type ChoiceKind = 'anyOf' | 'oneOf'

export interface Choice {
  readonly kind: ChoiceKind
  readonly branches: readonly SchemaNode[]
}

/** An object of keywords, without those that are schemas for the same value: `$ref`, `allOf`, `anyOf`, `oneOf`. */
export interface Facts {
  readonly schema: JsonSchemaObject
  readonly document: SchemaDocument
}

const numbers = new WeakMap<object, number>()
let next = 0

/** A number for a schema object, by which pairs that were compared are found again. */
export function numberOf(schema: JsonSchema): number | boolean {
  if (typeof schema === 'boolean') return schema
  const known = numbers.get(schema)
  if (known !== undefined) return known
  numbers.set(schema, next)
  return next++
}

/** Values that satisfy all of some schemas. */
export class Written {
  readonly facts: readonly Facts[]
  readonly choices: readonly Choice[]
  /** No value satisfies them. */
  readonly isNever: boolean
  readonly key: string
  /** The number of members that `allOf` has in the first schema. */
  readonly members: number
  private known: { types: ReadonlySet<ValueType>; values: readonly unknown[] | undefined } | undefined

  private constructor(facts: readonly Facts[], choices: readonly Choice[], isNever: boolean, members: number) {
    this.facts = facts
    this.choices = choices
    this.isNever = isNever
    this.members = members
    const chosen = choices.map(({ branches }) => `(${branches.map(({ schema }) => numberOf(schema)).join('|')})`)
    this.key = isNever ? 'never' : [...facts.map(({ schema }) => numberOf(schema)), ...chosen].join('&')
  }

  static of(nodes: readonly SchemaNode[]): Written {
    return Written.none.and(nodes)
  }

  private static readonly none = new Written([], [], false, 0)

  /** The same values, as far as they satisfy more schemas. */
  and(nodes: readonly SchemaNode[]): Written {
    const facts = new Map<JsonSchemaObject, Facts>(this.facts.map((fact) => [fact.schema, fact]))
    const choices = [...this.choices]
    const seen = new Set<JsonSchema>(facts.keys())
    let isNever = this.isNever
    const add = ({ schema, document }: SchemaNode): void => {
      if (schema === false) isNever = true
      // A schema that leads back to itself says nothing more.
      if (typeof schema === 'boolean' || seen.has(schema)) return
      seen.add(schema)
      for (const node of conjuncts({ schema, document })) add(node)
      if (hasOnlyReference({ schema, document })) return
      const known = document.keywords(schema)
      facts.set(known, { schema: known, document })
      for (const kind of ['anyOf', 'oneOf'] as const) {
        const branches = subschemas(schema[kind], document)
        if (branches.length === 1) add(branches[0]!)
        else if (branches.length > 1) choices.push({ kind, branches })
      }
    }
    for (const node of nodes) add(node)
    const first = nodes[0]?.schema
    const members = typeof first === 'object' && Array.isArray(first.allOf) ? first.allOf.length : this.members
    return new Written([...facts.values()], choices, isNever || isEmpty(facts.values()), members)
  }

  /** The values that take one branch of a choice. */
  choosing(choice: Choice, branch: SchemaNode): Written {
    const rest = this.choices.filter((other) => other !== choice)
    return new Written(this.facts, rest, this.isNever, this.members).and([branch])
  }

  /** More values: without what the choices say. */
  get withoutChoices(): Written {
    return this.choices.length === 0 ? this : new Written(this.facts, [], this.isNever, this.members)
  }

  get types(): ReadonlySet<ValueType> {
    return this.knowledge().types
  }

  /** All values that there are, where `enum` or `const` lists them. */
  get values(): readonly unknown[] | undefined {
    return this.knowledge().values
  }

  private knowledge() {
    this.known ??= { types: typesOf(this.facts), values: valuesOf(this.facts) }
    return this.known
  }
}

function isEmpty(facts: Iterable<Facts>): boolean {
  return typesOf([...facts]).size === 0
}

/** The schemas that a value of a schema satisfies too: behind `$ref` and in `allOf`. */
export function conjuncts(node: SchemaNode): SchemaNode[] {
  const { schema, document } = node
  if (typeof schema === 'boolean') return []
  const references = [schema.$ref, schema.$dynamicRef, schema.$recursiveRef].filter((ref) => typeof ref === 'string')
  const followed = references.map((reference) => document.follow(reference, schema))
  return hasOnlyReference(node) ? followed : [...followed, ...subschemas(schema.allOf, document)]
}

export function hasOnlyReference({ schema, document }: SchemaNode): boolean {
  return typeof schema === 'object' && typeof schema.$ref === 'string' && ignoresBesideRef(document.draft)
}

export function subschemas(value: unknown, document: SchemaDocument): SchemaNode[] {
  return Array.isArray(value) ? value.flatMap((item) => asNode(item, document) ?? []) : []
}

/** @returns undefined for what is not a schema */
export function asNode(value: unknown, document: SchemaDocument): SchemaNode | undefined {
  if (typeof value === 'boolean') return { schema: value, document }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  return { schema: value as JsonSchemaObject, document }
}

/** The types that one object of keywords allows. */
export function declaredTypes(schema: JsonSchemaObject): ReadonlySet<ValueType> {
  const { type } = schema
  const names = type === undefined ? undefined : Array.isArray(type) ? type : [type]
  return new Set(names === undefined ? allTypes : names.flatMap(valueTypes))
}

/** The values that one object of keywords lists. */
export function listedValues(schema: JsonSchemaObject): readonly unknown[] | undefined {
  const listed = Array.isArray(schema.enum) ? schema.enum : undefined
  if (!Object.hasOwn(schema, 'const')) return listed
  const wanted = valueKey(schema.const)
  return listed === undefined ? [schema.const] : listed.filter((value) => valueKey(value) === wanted)
}

const keys = new WeakMap<object, ReadonlySet<string>>()

/** The keys of the values that one object of keywords lists, made once: an enum may have thousands. */
export function listedKeys(schema: JsonSchemaObject): ReadonlySet<string> | undefined {
  const known = keys.get(schema)
  if (known !== undefined) return known
  const listed = listedValues(schema)
  if (listed === undefined) return undefined
  const made = new Set(listed.map(valueKey))
  keys.set(schema, made)
  return made
}

function typesOf(facts: readonly Facts[]): ReadonlySet<ValueType> {
  const values = valuesOf(facts)
  const listed = new Set(values === undefined ? allTypes : values.map(typeOfValue))
  return new Set([...listed].filter((type) => facts.every(({ schema }) => declaredTypes(schema).has(type))))
}

function valuesOf(facts: readonly Facts[]): readonly unknown[] | undefined {
  let found: Map<string, unknown> | undefined
  for (const { schema } of facts) {
    const values = listedValues(schema)
    if (values === undefined) continue
    const entries = new Map(values.map((value) => [valueKey(value), value]))
    found = found === undefined ? entries : new Map([...found].filter(([key]) => entries.has(key)))
  }
  if (found === undefined) return undefined
  return [...found.values()].filter((value) =>
    facts.every(({ schema }) => declaredTypes(schema).has(typeOfValue(value))),
  )
}
