// Rules of keywords that compare a number or a text: bounds, lengths, counts, multiples, patterns.
import type { JsonSchemaObject } from '../../json-schema/index.ts'
import { hasPattern } from './patterns.ts'
import { inside, type JsonIncompatibility, type JsonProblemType, problem } from './problem.ts'
import { isMultiple, isNumeric, type Numeric, typeOfValue, type ValueType, valueKey } from './values.ts'
import { declaredTypes, type Facts, listedKeys, type Written } from './written.ts'

/** A bound that the reader has and the writer must keep. */
interface BoundRule {
  readonly keyword: string
  readonly of: readonly ValueType[]
  readonly side: 'lower' | 'upper'
  readonly added: JsonProblemType
  readonly tightened: JsonProblemType
}

const sizes: readonly BoundRule[] = [
  { keyword: 'maxLength', of: ['string'], side: 'upper', added: 'MAX_LENGTH_ADDED', tightened: 'MAX_LENGTH_DECREASED' },
  { keyword: 'minLength', of: ['string'], side: 'lower', added: 'MIN_LENGTH_ADDED', tightened: 'MIN_LENGTH_INCREASED' },
  { keyword: 'maxItems', of: ['array'], side: 'upper', added: 'MAX_ITEMS_ADDED', tightened: 'MAX_ITEMS_DECREASED' },
  { keyword: 'minItems', of: ['array'], side: 'lower', added: 'MIN_ITEMS_ADDED', tightened: 'MIN_ITEMS_INCREASED' },
  {
    keyword: 'maxProperties',
    of: ['object'],
    side: 'upper',
    added: 'MAX_PROPERTIES_ADDED',
    tightened: 'MAX_PROPERTIES_DECREASED',
  },
  {
    keyword: 'minProperties',
    of: ['object'],
    side: 'lower',
    added: 'MIN_PROPERTIES_ADDED',
    tightened: 'MIN_PROPERTIES_INCREASED',
  },
]

const numberBounds: readonly (BoundRule & { readonly exclusive: boolean })[] = [
  {
    keyword: 'maximum',
    of: ['integer', 'fraction'],
    side: 'upper',
    exclusive: false,
    added: 'MAXIMUM_ADDED',
    tightened: 'MAXIMUM_DECREASED',
  },
  {
    keyword: 'exclusiveMaximum',
    of: ['integer', 'fraction'],
    side: 'upper',
    exclusive: true,
    added: 'MAXIMUM_EXCLUSIVE_ADDED',
    tightened: 'MAXIMUM_EXCLUSIVE_DECREASED',
  },
  {
    keyword: 'minimum',
    of: ['integer', 'fraction'],
    side: 'lower',
    exclusive: false,
    added: 'MINIMUM_ADDED',
    tightened: 'MINIMUM_INCREASED',
  },
  {
    keyword: 'exclusiveMinimum',
    of: ['integer', 'fraction'],
    side: 'lower',
    exclusive: true,
    added: 'MINIMUM_EXCLUSIVE_ADDED',
    tightened: 'MINIMUM_EXCLUSIVE_INCREASED',
  },
]

interface Bound {
  readonly at: Numeric
  readonly exclusive: boolean
}

/** A bound of an object of keywords; in draft 4 `exclusiveMinimum: true` makes `minimum` exclusive. */
function boundOf(schema: JsonSchemaObject, keyword: string): Bound | undefined {
  const value = schema[keyword]
  if (!isNumeric(value)) return undefined
  const exclusive = keyword.startsWith('exclusive')
  return {
    at: value,
    exclusive: exclusive || schema[`exclusive${keyword[0]!.toUpperCase()}${keyword.slice(1)}`] === true,
  }
}

function isTighter(side: 'lower' | 'upper', a: Bound, b: Bound): boolean {
  if (a.at !== b.at && !(a.at <= b.at && a.at >= b.at)) return side === 'lower' ? a.at > b.at : a.at < b.at
  return a.exclusive && !b.exclusive
}

function tightest(facts: readonly Facts[], side: 'lower' | 'upper', keywords: readonly string[]): Bound | undefined {
  const bounds = facts.flatMap(({ schema }) => keywords.flatMap((keyword) => boundOf(schema, keyword) ?? []))
  return bounds.reduce<Bound | undefined>(
    (best, bound) => (best === undefined || isTighter(side, bound, best) ? bound : best),
    undefined,
  )
}

/** Lengths, counts, bounds, multiples and patterns of the reader that the writer does not keep. */
export function scalarProblems(reader: JsonSchemaObject, written: Written, path: string): JsonIncompatibility[] {
  const applies = ({ of }: BoundRule) => of.some((type) => written.types.has(type))
  const found: JsonIncompatibility[] = []
  for (const rule of sizes.filter(applies)) {
    const bound = boundOf(reader, rule.keyword)
    // Every size is at least 0.
    if (bound === undefined || (rule.side === 'lower' && bound.at <= 0)) continue
    const kept = tightest(written.facts, rule.side, [rule.keyword])
    if (kept === undefined) found.push(problem(rule.added, inside(path, rule.keyword)))
    else if (isTighter(rule.side, bound, kept)) found.push(problem(rule.tightened, inside(path, rule.keyword)))
  }
  for (const rule of numberBounds.filter(applies)) {
    const bound = boundOf(reader, rule.keyword)
    if (bound === undefined) continue
    const keywords = rule.side === 'lower' ? ['minimum', 'exclusiveMinimum'] : ['maximum', 'exclusiveMaximum']
    const kept = tightest(written.facts, rule.side, keywords)
    if (kept === undefined) found.push(problem(rule.added, inside(path, rule.keyword)))
    else if (isTighter(rule.side, bound, kept)) found.push(problem(rule.tightened, inside(path, rule.keyword)))
  }
  return [...found, ...multipleProblems(reader, written, path), ...patternProblems(reader, written, path)]
}

function multipleProblems({ multipleOf }: JsonSchemaObject, written: Written, path: string): JsonIncompatibility[] {
  if (!isNumeric(multipleOf) || !(written.types.has('integer') || written.types.has('fraction'))) return []
  const integers = written.types.has('fraction') ? [] : [1]
  const kept = written.facts.map(({ schema }) => schema.multipleOf).filter(isNumeric)
  if ([...kept, ...integers].some((of) => isMultiple(of, multipleOf))) return []
  const at = inside(path, 'multipleOf')
  if (kept.length === 0) return [problem('MULTIPLE_OF_ADDED', at)]
  const isExpanded = kept.some((of) => isMultiple(multipleOf, of))
  return [problem(isExpanded ? 'MULTIPLE_OF_EXPANDED' : 'MULTIPLE_OF_CHANGED', at)]
}

function patternProblems({ pattern }: JsonSchemaObject, written: Written, path: string): JsonIncompatibility[] {
  if (typeof pattern !== 'string' || !written.types.has('string')) return []
  const kept = written.facts.map(({ schema }) => schema.pattern).filter((other) => typeof other === 'string')
  if (kept.includes(pattern)) return []
  return [problem(kept.length === 0 ? 'PATTERN_ADDED' : 'PATTERN_CHANGED', inside(path, 'pattern'))]
}

/**
 * Whether an object of keywords accepts a value that is neither array nor object, by the keywords that are about such values
 * alone. @returns null where that is not known
 */
export function acceptsScalar(schema: JsonSchemaObject, value: unknown): boolean | null {
  const type = typeOfValue(value)
  if (type === 'array' || type === 'object') return null
  if (['not', 'if', 'anyOf', 'oneOf'].some((keyword) => Object.hasOwn(schema, keyword))) return null
  if (!declaredTypes(schema).has(type)) return false
  const listed = listedKeys(schema)
  if (listed !== undefined && !listed.has(valueKey(value))) return false
  if (typeof value === 'string') return acceptsText(schema, value)
  if (!isNumeric(value)) return true
  const { multipleOf } = schema
  if (isNumeric(multipleOf) && !isMultiple(value, multipleOf)) return false
  return numberBounds.every(({ keyword, side }) => {
    const bound = boundOf(schema, keyword)
    return bound === undefined || !isTighter(side, bound, { at: value, exclusive: false })
  })
}

function acceptsText({ minLength, maxLength, pattern }: JsonSchemaObject, value: string): boolean | null {
  const length = [...value].length
  if (isNumeric(minLength) && length < minLength) return false
  if (isNumeric(maxLength) && length > maxLength) return false
  return typeof pattern === 'string' ? hasPattern(value, pattern) : true
}
