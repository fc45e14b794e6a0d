// The content model of objects and arrays: which schemas apply to a property or an item, and what may be beside those that
// are named. It is open where anything may be, closed where nothing may, else partially open.
import type { JsonSchemaObject, SchemaNode } from '../../json-schema/index.ts'
import { hasPattern } from './patterns.ts'
import { asNode, conjuncts, type Facts, subschemas } from './written.ts'

export interface Part {
  readonly node: SchemaNode
  /** Where it is in the schema: `['properties', 'name']`. */
  readonly place: readonly (string | number)[]
}

export interface ObjectModel {
  readonly properties: ReadonlyMap<string, Part>
  readonly patterns: ReadonlyMap<string, Part>
  /** The schema of all other properties; undefined where they may be anything. */
  readonly rest: Part | undefined
}

export interface ArrayModel {
  readonly prefix: readonly Part[]
  readonly rest: Part | undefined
  /** Items have schemas by their position. */
  readonly isTuple: boolean
}

/** Keywords with schemas that a value may satisfy, and then counts as evaluated by. */
const alternatives = ['anyOf', 'oneOf'] as const
const conditions = ['if', 'then', 'else'] as const

function entriesOf(value: unknown): [string, unknown][] {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : []
}

function partsOf(facts: Facts, keyword: string): Map<string, Part> {
  return new Map(
    entriesOf(facts.schema[keyword]).flatMap(([name, value]) => {
      const node = asNode(value, facts.document)
      return node === undefined ? [] : [[name, { node, place: [keyword, name] }]]
    }),
  )
}

function partOf(facts: Facts, keyword: string): Part | undefined {
  const node = asNode(facts.schema[keyword], facts.document)
  return node === undefined || node.schema === true ? undefined : { node, place: [keyword] }
}

const models = { reader: new WeakMap<object, ObjectModel>(), writer: new WeakMap<object, ObjectModel>() }

/**
 * @param side what `unevaluatedProperties` leaves open depends on the schemas beside it: a reader's counts for all that may be
 *   unevaluated, a writer's only for what certainly is
 */
export function objectModel(facts: Facts, side: 'reader' | 'writer'): ObjectModel {
  const known = models[side].get(facts.schema)
  if (known !== undefined) return known
  const own = {
    properties: partsOf(facts, 'properties'),
    patterns: partsOf(facts, 'patternProperties'),
    rest: partOf(facts, 'additionalProperties'),
  }
  const model = closedByUnevaluated(facts, own, side)
  models[side].set(facts.schema, model)
  return model
}

function closedByUnevaluated(facts: Facts, own: ObjectModel, side: 'reader' | 'writer'): ObjectModel {
  const rest = partOf(facts, 'unevaluatedProperties')
  if (rest === undefined || Object.hasOwn(facts.schema, 'additionalProperties')) return own
  const anything = (part: Part): Part => ({ node: { schema: true, document: facts.document }, place: part.place })
  const properties = new Map(own.properties)
  const patterns = new Map(own.patterns)
  for (const other of evaluating(facts, side)) {
    // It evaluates every property: nothing is left.
    if (Object.hasOwn(other.schema, 'additionalProperties') || Object.hasOwn(other.schema, 'unevaluatedProperties')) {
      return own
    }
    for (const [name, part] of partsOf(other, 'properties'))
      if (!properties.has(name)) properties.set(name, anything(part))
    for (const [name, part] of partsOf(other, 'patternProperties')) {
      if (!patterns.has(name)) patterns.set(name, anything(part))
    }
  }
  return { properties, patterns, rest }
}

/** The schemas for the same value that evaluate its properties: always, or (of a writer) possibly. */
function evaluating(facts: Facts, side: 'reader' | 'writer'): Facts[] {
  const found = new Map<JsonSchemaObject, Facts>()
  const visit = (node: SchemaNode): void => {
    const { schema, document } = node
    if (typeof schema === 'boolean' || found.has(schema)) return
    found.set(schema, { schema, document })
    const possible = [
      ...alternatives.flatMap((keyword) => subschemas(schema[keyword], document)),
      ...conditions.flatMap((keyword) => asNode(schema[keyword], document) ?? []),
      ...entriesOf(schema.dependentSchemas).flatMap(([, value]) => asNode(value, document) ?? []),
    ]
    for (const next of [...conjuncts(node), ...(side === 'writer' ? possible : [])]) visit(next)
  }
  visit(facts)
  found.delete(facts.schema)
  return [...found.values()]
}

/**
 * The schemas that apply to a property. A pattern that cannot be tried counts for a reader, not for a writer.
 * @param shared patterns that both have: a reader's is compared with the writer's, and does not count here when it cannot be tried
 */
export function partsFor(
  model: ObjectModel,
  name: string,
  side: 'reader' | 'writer',
  shared: ReadonlySet<string> = new Set(),
): Part[] {
  const own = model.properties.get(name)
  const matching: Part[] = []
  let isUnknown = false
  for (const [pattern, part] of model.patterns) {
    const matches = hasPattern(name, pattern)
    if (matches === true || (matches === null && side === 'reader' && !shared.has(pattern))) matching.push(part)
    if (matches === null) isUnknown = true
  }
  const named = own === undefined ? matching : [own, ...matching]
  const isRest = model.rest !== undefined && own === undefined && (matching.length === 0 || isUnknown)
  if (!isRest || (isUnknown && side === 'writer')) return named
  return [...named, model.rest]
}

/** Items by position and all others; draft 2020-12 has `prefixItems` for what is an array in `items` before. */
export function arrayModel(facts: Facts, side: 'reader' | 'writer'): ArrayModel {
  const { schema, document } = facts
  const [positions, others] =
    document.draft === '2020-12'
      ? (['prefixItems', 'items'] as const)
      : (['items', Array.isArray(schema.items) ? 'additionalItems' : 'items'] as const)
  const prefix = subschemas(schema[positions], document).map((node, index) => ({ node, place: [positions, index] }))
  const rest = partOf(facts, others) ?? (Object.hasOwn(schema, others) ? undefined : unevaluatedItems(facts, side))
  return { prefix, rest, isTuple: Array.isArray(schema[positions]) }
}

/** Where other schemas may evaluate items too, `unevaluatedItems` counts for all items of a reader, and for none of a writer. */
function unevaluatedItems(facts: Facts, side: 'reader' | 'writer'): Part | undefined {
  const part = partOf(facts, 'unevaluatedItems')
  const isAlone = !['$ref', 'allOf', 'anyOf', 'oneOf', 'if', 'contains'].some((key) => Object.hasOwn(facts.schema, key))
  return isAlone || side === 'reader' ? part : undefined
}
