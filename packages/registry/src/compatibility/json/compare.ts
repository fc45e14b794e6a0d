// Whether every value of a writer's JSON Schema is a value of a reader's, as Confluent's registry compares them: a problem for
// each change that takes values away, with the place in the reader's schema.
// https://docs.confluent.io/platform/current/schema-registry/fundamentals/serdes-develop/serdes-json.html#json-schema-compatibility-rules
//
// A reader's schema is a conjunction: of each object of keywords in it, behind `$ref` and in `allOf`, the writer's values must
// satisfy every keyword. They do where the writer's schema has a keyword that is at least as strict (written.ts), or where each
// branch of its `anyOf` or `oneOf` does. A pair that is met again inside itself counts as compatible.
import type { JsonSchema, JsonSchemaObject, SchemaDocument, SchemaNode } from '../../json-schema/index.ts'
import { arrayProblems } from './arrays.ts'
import { objectProblems } from './objects.ts'
import { startPatterns } from './patterns.ts'
import { inside, type JsonIncompatibility, problem } from './problem.ts'
import { isSame } from './same.ts'
import { acceptsScalar, scalarProblems } from './scalars.ts'
import { isDisjoint, isSubset, valueKey } from './values.ts'
import {
  asNode,
  type Choice,
  type ChoiceKind,
  type Comparing,
  conjuncts,
  declaredTypes,
  type Facts,
  hasOnlyReference,
  listedKeys,
  numberOf,
  subschemas,
  Written,
} from './written.ts'

/** Two schemas that would take too long to compare. */
export class TooComplexError extends Error {
  readonly code = 'TOO_COMPLEX'

  constructor(steps: number) {
    super(
      `the schemas have too many combinations of oneOf, anyOf and allOf to be compared in ${steps} steps: split them, or register this version under the level NONE`,
    )
  }
}

const mostSteps = 20_000
/** A demand looks at all facts of the writer; so many of such looks, of a long allOf, take as long as one pair of schemas. */
const factsPerStep = 100

/**
 * Every reason why a reader may refuse a value that the writer's schema allows; none when it never does.
 * @param steps how many pairs of schemas are compared at most
 * @throws {JsonSchemaError} a `$ref` leads nowhere
 * @throws {TooComplexError}
 */
export function checkJsonReader(
  reader: SchemaNode,
  writer: SchemaNode,
  steps = mostSteps,
): readonly JsonIncompatibility[] {
  startPatterns()
  return new Comparison(steps).compare(reader, Written.of([writer]), '#')
}

/** A part of the reader's schema that the values must satisfy, and where it is. */
interface Demand {
  readonly node: SchemaNode
  readonly path: string
  /** It is a member of `allOf`, of which the schema has so many. */
  readonly members: number
}

interface Known {
  readonly path: string
  readonly problems: readonly JsonIncompatibility[]
}

/** One comparison: the pairs that are being compared and those that were. */
class Comparison implements Comparing {
  private readonly limit: number
  private steps = 0
  /** Pairs by reader and writer, with how deep the comparison is that they are part of. */
  private readonly open = new Map<string, number>()
  private readonly known = new Map<string, Known>()
  /** The outermost open pair that the result so far assumes to be compatible. */
  private assumed = Infinity

  constructor(limit: number) {
    this.limit = limit
  }

  /** @param path of the reader's schema */
  compare(reader: SchemaNode, written: Written, path: string): readonly JsonIncompatibility[] {
    if (reader.schema === true || written.isNever) return []
    const key = `${numberOf(referenced(reader).schema)}<${written.key}`
    const known = this.known.get(key)
    if (known) return known.problems.map((found) => moved(found, known.path, path))
    const depth = this.open.get(key)
    if (depth !== undefined) {
      this.assumed = Math.min(this.assumed, depth)
      return []
    }
    this.count(1)
    const outer = this.assumed
    this.assumed = Infinity
    const own = this.open.size
    this.open.set(key, own)
    const problems = this.calculate(reader, written, path)
    this.open.delete(key)
    // A result that rests on an outer pair being compatible is not known until that pair is.
    if (problems.length > 0 || this.assumed >= own) this.known.set(key, { path, problems })
    this.assumed = Math.min(outer, this.assumed >= own ? Infinity : this.assumed)
    return problems
  }

  private count(steps: number): void {
    this.steps += steps
    if (this.steps > this.limit) throw new TooComplexError(this.limit)
  }

  private calculate(reader: SchemaNode, written: Written, path: string): readonly JsonIncompatibility[] {
    const demands = demandsOf(reader, path)
    this.count(Math.floor((demands.length * written.facts.length) / factsPerStep))
    const problems = demands.flatMap((demand) => this.demandProblems(demand, written))
    if (problems.length === 0 || written.choices.length === 0) return unique(problems)
    return this.byChoice(reader, written, path, unique(problems), demands)
  }

  /** What the conjunction does not have, each branch of a choice may have. */
  private byChoice(
    reader: SchemaNode,
    written: Written,
    path: string,
    problems: readonly JsonIncompatibility[],
    demands: readonly Demand[],
  ): readonly JsonIncompatibility[] {
    const kinds = demands.flatMap(({ node }) => choicesOf(node).map(({ kind }) => kind))
    for (const choice of written.choices) {
      // Two branches of an anyOf may be true at once, of a oneOf not.
      if (choice.kind === 'anyOf' && kinds.includes('oneOf')) continue
      this.count(choice.branches.length)
      const results = choice.branches.map((branch) => this.compare(reader, written.choosing(choice, branch), path))
      const failing = results.filter((found) => found.length > 0)
      if (failing.length === 0) return []
      if (kinds.length > 0) continue
      return failing.length < results.length ? [problem('SUM_TYPE_NARROWED', path)] : unique(failing.flat())
    }
    return problems
  }

  private demandProblems({ node, path, members }: Demand, written: Written): readonly JsonIncompatibility[] {
    const { schema, document } = node
    if (schema === false) return [problem('TYPE_NARROWED', path)]
    if (schema === true) return []
    const facts: Facts = { schema: document.keywords(schema), document }
    const problems = [
      ...this.keywordProblems(facts, written, path),
      ...choicesOf(facts).flatMap((choice) => this.choiceProblems(choice, written, inside(path, choice.kind))),
    ]
    const isExtended = problems.length > 0 && members > written.members && written.members > 0
    return isExtended ? [problem('PRODUCT_TYPE_EXTENDED', path.replace(/\/\d+$/, ''))] : problems
  }

  private keywordProblems(reader: Facts, written: Written, path: string): JsonIncompatibility[] {
    const { schema } = reader
    if (written.facts.some((facts) => facts.schema === schema || isSame(reader, facts))) return []
    if (written.values?.every((value) => acceptsScalar(schema, value) === true)) return []
    const types = typeProblems(reader, written, path)
    if (types[0]?.type === 'TYPE_CHANGED') return types
    return [
      ...types,
      ...enumProblems(reader, written, path),
      ...scalarProblems(schema, written, path),
      ...(written.types.has('object') ? objectProblems(this, reader, written, path) : []),
      ...(written.types.has('array') ? arrayProblems(this, reader, written, path) : []),
      ...this.notProblems(reader, written, path),
      ...this.conditionProblems(reader, written, path),
    ]
  }

  private choiceProblems(choice: Choice, written: Written, path: string): JsonIncompatibility[] {
    const kinds = written.choices.map(({ kind }) => kind)
    // Two branches of an anyOf may be true at once, of a oneOf not: then one branch has to accept all.
    const wasAnyOf = choice.kind === 'oneOf' && kinds.includes('anyOf') && !kinds.includes('oneOf')
    if (wasAnyOf) {
      const isAccepted = choice.branches.some((branch) => this.compare(branch, written, path).length === 0)
      return isAccepted ? [] : [problem('COMBINED_TYPE_CHANGED', path)]
    }
    if (this.accepts(choice, written)) return []
    const same = written.choices.find(({ kind }) => kind === choice.kind) ?? written.choices[0]
    if (same === undefined) return [problem(written.types.size > 1 ? 'TYPE_NARROWED' : 'TYPE_CHANGED', path)]
    const isNarrowed = choice.branches.length < same.branches.length
    return [problem(isNarrowed ? 'SUM_TYPE_NARROWED' : 'COMBINED_TYPE_SUBSCHEMAS_CHANGED', path)]
  }

  /** One branch accepts all values; or values of different branches, types or lists are accepted by different branches. */
  private accepts(choice: Choice, written: Written): boolean {
    if (this.anyAccepts(choice, written.withoutChoices)) return true
    for (const parts of splits(written)) {
      this.count(parts.length)
      if (parts.every((part) => part.isNever || this.accepts(choice, part))) return true
    }
    return false
  }

  private anyAccepts({ branches }: Choice, written: Written): boolean {
    // Of a hundred branches, the same one comes first, and those with another `type: { const }` are not compared.
    const texts = new Set(written.facts.map(({ schema }) => textOf(schema)))
    const possible = branches.filter((branch) => !isOtherKind(branch, written))
    const [same, others] = [possible.filter(({ schema }) => texts.has(textOf(schema))), possible]
    return [...same, ...others].some((branch) => this.compare(branch, written, '#').length === 0)
  }

  /** Nothing that the reader excludes may be written: the writer excludes it too, or has values of other types alone. */
  private notProblems(reader: Facts, written: Written, path: string): JsonIncompatibility[] {
    const excluded = asNode(reader.schema.not, reader.document)
    if (excluded === undefined || excluded.schema === false) return []
    if (isDisjoint(written.types, Written.of([excluded]).types) || Written.of([excluded]).isNever) return []
    const isExcluded = written.facts.some(({ schema, document }) => {
      const other = asNode(schema.not, document)
      return other !== undefined && this.compare(other, Written.of([excluded]), path).length === 0
    })
    return isExcluded ? [] : [problem('NOT_TYPE_NARROWED', inside(path, 'not'))]
  }

  /** `if` has to be the same, or both consequences have to hold for all that is written. */
  private conditionProblems(reader: Facts, written: Written, path: string): JsonIncompatibility[] {
    const [condition, ...branches] = ['if', 'then', 'else'].map((keyword) =>
      asNode(reader.schema[keyword], reader.document),
    )
    if (condition === undefined || reader.document.draft === 'draft-04' || reader.document.draft === 'draft-06')
      return []
    const same = written.facts.filter(({ schema, document }) => {
      const other = asNode(schema.if, document)
      return (
        other !== undefined &&
        this.compare(condition, Written.of([other]), path).length === 0 &&
        this.compare(other, Written.of([condition]), path).length === 0
      )
    })
    return branches.flatMap((branch, index) => {
      if (branch === undefined) return []
      const keyword = index === 0 ? 'then' : 'else'
      const kept = same.flatMap(({ schema, document }) => asNode(schema[keyword], document) ?? [])
      const known = keyword === 'then' ? [...kept, condition] : kept
      const problems = this.compare(branch, written.and(known), inside(path, keyword))
      return problems.length > 0 && kept.length === 0 ? [problem('CONDITION_CHANGED', inside(path, keyword))] : problems
    })
  }
}

/** The reader's schema, what its `$ref`s lead to and the members of its `allOf`s. */
function demandsOf(reader: SchemaNode, path: string): Demand[] {
  const found = new Map<unknown, Demand>()
  const add = (node: SchemaNode, at: string, members: number): void => {
    if (found.has(node.schema)) return
    found.set(node.schema, { node, path: at, members })
    if (typeof node.schema === 'boolean') return
    const all = hasOnlyReference(node) ? [] : subschemas(node.schema.allOf, node.document)
    for (const next of conjuncts(node)) {
      const index = all.findIndex(({ schema }) => schema === next.schema)
      if (index < 0) add(next, at, members)
      else add(next, inside(at, 'allOf', index), all.length)
    }
    if (hasOnlyReference(node)) found.delete(node.schema)
    for (const { kind, branches } of singleChoices(node)) add(branches[0]!, inside(at, kind, 0), members)
  }
  add(reader, path, 0)
  return [...found.values()]
}

function allChoices({ schema, document }: SchemaNode): Choice[] {
  if (typeof schema === 'boolean' || hasOnlyReference({ schema, document })) return []
  return (['anyOf', 'oneOf'] as const satisfies readonly ChoiceKind[])
    .map((kind) => ({ kind, branches: subschemas(schema[kind], document) }))
    .filter(({ branches }) => branches.length > 0)
}

function choicesOf(node: SchemaNode): Choice[] {
  return allChoices(node).filter(({ branches }) => branches.length > 1)
}

function singleChoices(node: SchemaNode): Choice[] {
  return allChoices(node).filter(({ branches }) => branches.length === 1)
}

/** The schema that a schema without other keywords refers to, so that a pair is the same through any `$ref`. */
function referenced(node: SchemaNode): SchemaNode {
  const seen = new Set<unknown>()
  let found = node
  while (hasOnlyReference(found) && !seen.has(found.schema)) {
    seen.add(found.schema)
    found = conjuncts(found)[0]!
  }
  return found
}

const texts = new WeakMap<object, string>()

function textOf(schema: JsonSchema): string {
  if (typeof schema === 'boolean') return String(schema)
  const text = texts.get(schema) ?? valueKey(schema)
  texts.set(schema, text)
  return text
}

/** Whether a branch lists other values for a property than the writer does: the property that tells the kinds of objects apart. */
function isOtherKind(branch: SchemaNode, written: Written): boolean {
  const { schema, document } = referenced(branch)
  if (typeof schema === 'boolean' || !written.types.has('object')) return false
  return Object.entries(propertiesOf({ schema, document })).some(([name, property]) => {
    const accepted = valuesOf(property)
    if (accepted === undefined) return false
    const kept = written.facts.flatMap((facts) => [...(valuesOf(propertiesOf(facts)[name]) ?? [])])
    return kept.length > 0 && isDisjoint(kept, accepted) && isRequired(written, name)
  })
}

function isRequired(written: Written, name: string): boolean {
  return written.facts.some(({ schema }) => Array.isArray(schema.required) && schema.required.includes(name))
}

function propertiesOf({ schema }: Facts): Readonly<Record<string, unknown>> {
  const { properties } = schema
  return typeof properties === 'object' && properties !== null ? (properties as Record<string, unknown>) : {}
}

function valuesOf(property: unknown): ReadonlySet<string> | undefined {
  if (typeof property !== 'object' || property === null) return undefined
  return listedKeys(property as JsonSchemaObject)
}

const mostListed = 100

/** The ways to divide values into parts that are compared one by one. */
function* splits(written: Written): Generator<readonly Written[]> {
  for (const choice of written.choices) yield choice.branches.map((branch) => written.choosing(choice, branch))
  const document = written.facts[0]?.document
  if (document === undefined) return
  const { values, types } = written
  if (values !== undefined) {
    if (values.length < 2 || values.length > mostListed) return
    yield values.map((value) => written.and([only({ enum: [value] }, document)]))
    return
  }
  const names = new Set([...types].map((type) => (type === 'fraction' ? 'number' : type)))
  if (names.has('number')) names.delete('integer')
  if (names.size < 2 || !written.facts.some(({ schema }) => schema.type !== undefined)) return
  yield [...names].map((type) => written.and([only({ type }, document)]))
}

const made = new WeakMap<SchemaDocument, Map<string, SchemaNode>>()

/** A schema for a part of the values; the same one again for the same part, so that a pair is compared once. */
function only(schema: JsonSchemaObject, document: SchemaDocument): SchemaNode {
  const nodes = made.get(document) ?? new Map<string, SchemaNode>()
  made.set(document, nodes)
  const key = valueKey(schema)
  const node = nodes.get(key) ?? { schema, document }
  nodes.set(key, node)
  return node
}

function typeProblems({ schema }: Facts, written: Written, path: string): JsonIncompatibility[] {
  const accepted = declaredTypes(schema)
  if (isSubset(written.types, accepted)) return []
  return [problem(isDisjoint(written.types, accepted) ? 'TYPE_CHANGED' : 'TYPE_NARROWED', path)]
}

function enumProblems({ schema }: Facts, written: Written, path: string): JsonIncompatibility[] {
  const keys = listedKeys(schema)
  if (keys === undefined) return []
  const at = inside(path, Object.hasOwn(schema, 'const') ? 'const' : 'enum')
  const { values } = written
  if (values === undefined) {
    const finite = [...written.types].every((type) => type === 'null' || type === 'boolean')
    const possible = [...written.types].flatMap((type) => (type === 'null' ? ['null'] : ['true', 'false']))
    return finite && possible.every((key) => keys.has(key)) ? [] : [problem('ENUM_ARRAY_NARROWED', at)]
  }
  const missing = values.filter((value) => !keys.has(valueKey(value)))
  if (missing.length === 0) return []
  const isNarrowed = keys.size < values.length || missing.length < values.length
  return [problem(isNarrowed ? 'ENUM_ARRAY_NARROWED' : 'ENUM_ARRAY_CHANGED', at, missing.map(valueKey).join(', '))]
}

function moved(found: JsonIncompatibility, from: string, to: string): JsonIncompatibility {
  return found.path.startsWith(from) ? { ...found, path: to + found.path.slice(from.length) } : found
}

function unique(problems: readonly JsonIncompatibility[]): JsonIncompatibility[] {
  return [...new Map(problems.map((found) => [`${found.type} ${found.path}`, found])).values()]
}
