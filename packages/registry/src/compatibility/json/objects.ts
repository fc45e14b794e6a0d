// Rules of objects: properties that were added and removed in open, closed and partially open content models, required ones,
// dependencies.
import { type ObjectModel, objectModel, type Part, partsFor } from './content.ts'
import { tryPattern } from './patterns.ts'
import { inside, type JsonIncompatibility, problem } from './problem.ts'
import { asNode, type Comparing, type Facts, Written } from './written.ts'

/** What a writer's objects have. */
interface WrittenObject {
  readonly written: Written
  readonly models: readonly ObjectModel[]
  readonly names: ReadonlySet<string>
  readonly patterns: ReadonlySet<string>
  readonly required: ReadonlySet<string>
  /** All properties that are neither named nor have a pattern. */
  readonly rest: Written
  /** The values of properties that were asked for. */
  readonly known: Map<string, Written>
}

const objects = new WeakMap<Written, WrittenObject>()

/** Made once for all members of an allOf that read the same values. */
function objectOf(written: Written): WrittenObject {
  const known = objects.get(written) ?? makeObject(written)
  objects.set(written, known)
  return known
}

function makeObject(written: Written): WrittenObject {
  const models = written.facts.map((facts) => objectModel(facts, 'writer'))
  const names = new Set(models.flatMap((model) => [...model.properties.keys()]))
  const patterns = new Set(models.flatMap((model) => [...model.patterns.keys()]))
  for (const pattern of patterns) tryPattern(pattern, names)
  return {
    written,
    models,
    names,
    patterns,
    required: new Set(written.facts.flatMap(({ schema }) => namesOf(schema.required))),
    rest: Written.of(models.flatMap(({ rest }) => rest?.node ?? [])),
    known: new Map(),
  }
}

/** The values that a property has. */
function property(object: WrittenObject, name: string): Written {
  const known = object.known.get(name)
  if (known !== undefined) return known
  const values = Written.of(object.models.flatMap((model) => partsFor(model, name, 'writer').map(({ node }) => node)))
  object.known.set(name, values)
  return values
}

function namesOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((name) => typeof name === 'string') : []
}

export function objectProblems(
  comparison: Comparing,
  reader: Facts,
  written: Written,
  path: string,
): readonly JsonIncompatibility[] {
  const object = objectOf(written)
  const model = objectModel(reader, 'reader')
  const names = new Set([...model.properties.keys(), ...object.names])
  for (const pattern of model.patterns.keys()) tryPattern(pattern, names)
  const added = [...model.properties.keys()].filter((name) => !object.names.has(name) && !object.known.has(name))
  if (added.length > 0) {
    for (const pattern of object.patterns) tryPattern(pattern, added)
  }
  return [
    ...[...names].flatMap((name) => propertyProblems(comparison, model, object, name, path)),
    ...patternProblems(comparison, model, object, path),
    ...restProblems(comparison, model, object, path),
    ...requiredProblems(reader, model, object, path),
    ...nameProblems(comparison, reader, written, path),
    ...dependencyProblems(comparison, reader, object, path),
  ]
}

function propertyProblems(
  comparison: Comparing,
  model: ObjectModel,
  object: WrittenObject,
  name: string,
  path: string,
): readonly JsonIncompatibility[] {
  const values = property(object, name)
  if (values.isNever) return []
  const isWritten = object.names.has(name)
  const isRead = model.properties.has(name)
  const at = inside(path, 'properties', name)
  const found: JsonIncompatibility[] = []
  for (const { node, place } of partsFor(model, name, 'reader', object.patterns)) {
    const problems = comparison.compare(node, values, inside(path, ...place))
    if (problems.length === 0) continue
    if (isRead && isWritten) found.push(...problems)
    else if (isRead) found.push(problem(addedType(values), at))
    else if (node.schema === false) found.push(problem('PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL', at))
    else found.push(problem('PROPERTY_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL', at))
  }
  return unique(found)
}

function addedType(values: Written) {
  const isOpen = values.facts.length === 0 && values.choices.length === 0
  return isOpen ? 'PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL' : 'PROPERTY_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL'
}

/** Patterns of the reader, for properties that no side names. */
function patternProblems(
  comparison: Comparing,
  model: ObjectModel,
  object: WrittenObject,
  path: string,
): readonly JsonIncompatibility[] {
  return [...model.patterns].flatMap(([pattern, { node, place }]) => {
    const at = inside(path, ...place)
    const same = object.models.flatMap(({ patterns }) => patterns.get(pattern) ?? [])
    if (same.length > 0) return comparison.compare(node, Written.of(same.map((part) => part.node)), at)
    const possible = [object.rest, ...otherPatterns(object, new Set())]
    const failing = possible.filter((values) => comparison.compare(node, values, at).length > 0)
    return failing.length === 0 ? [] : [problem(addedType(failing[0]!), at)]
  })
}

/** What the writer's patterns allow, but those of `known`; each with the rest of the other models, which may not have it. */
function otherPatterns(object: WrittenObject, known: ReadonlySet<string>): Written[] {
  return object.models.flatMap(({ patterns }) =>
    [...patterns].filter(([pattern]) => !known.has(pattern)).map(([, part]) => Written.of([part.node])),
  )
}

/** Properties that no side names and that have no pattern of the reader's. */
function restProblems(
  comparison: Comparing,
  model: ObjectModel,
  object: WrittenObject,
  path: string,
): readonly JsonIncompatibility[] {
  if (model.rest === undefined) return []
  const { node, place } = model.rest
  const at = inside(path, ...place)
  const isClosed = node.schema === false
  const patterns = object.models
    .flatMap(({ patterns: all }) => [...all])
    .filter(([pattern]) => !model.patterns.has(pattern))
    .filter(([, part]) => comparison.compare(node, Written.of([part.node]), at).length > 0)
    .map(([pattern]) =>
      problem(
        isClosed
          ? 'PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL'
          : 'PROPERTY_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL',
        inside(path, 'patternProperties', pattern),
      ),
    )
  const problems = comparison.compare(node, object.rest, at)
  if (problems.length === 0) return patterns
  if (isClosed) return [...patterns, problem('ADDITIONAL_PROPERTIES_REMOVED', at)]
  const isOpen = object.rest.facts.length === 0 && object.rest.choices.length === 0
  return [...patterns, ...(isOpen ? [problem('ADDITIONAL_PROPERTIES_NARROWED', at)] : problems)]
}

/** A property may become required where the reader has a default for it. */
function requiredProblems(
  reader: Facts,
  model: ObjectModel,
  object: WrittenObject,
  path: string,
): readonly JsonIncompatibility[] {
  return namesOf(reader.schema.required)
    .filter((name) => !object.required.has(name) && !hasDefault(model.properties.get(name)))
    .map((name) => {
      const isNewInClosed = !object.names.has(name) && object.rest.isNever
      const type = isNewInClosed ? 'REQUIRED_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL' : 'REQUIRED_ATTRIBUTE_ADDED'
      return problem(type, inside(path, 'properties', name))
    })
}

function hasDefault(part: Part | undefined): boolean {
  const schema = part?.node.schema
  return typeof schema === 'object' && Object.hasOwn(schema, 'default')
}

function nameProblems(
  comparison: Comparing,
  reader: Facts,
  written: Written,
  path: string,
): readonly JsonIncompatibility[] {
  const node = asNode(reader.schema.propertyNames, reader.document)
  if (node === undefined) return []
  const at = inside(path, 'propertyNames')
  const text = { schema: { type: 'string' }, document: reader.document }
  const kept = written.facts.flatMap(({ schema, document }) => asNode(schema.propertyNames, document) ?? [])
  const problems = comparison.compare(node, Written.of([...kept, text]), at)
  if (problems.length === 0) return []
  return kept.length > 0 ? problems : [problem('SCHEMA_ADDED', at)]
}

/** A property for which others must be there, or the whole object must satisfy a schema. */
function dependencyProblems(
  comparison: Comparing,
  reader: Facts,
  object: WrittenObject,
  path: string,
): readonly JsonIncompatibility[] {
  const kept = object.written.facts.flatMap((facts) => [...dependencies(facts)])
  return [...dependencies(reader)].flatMap(({ keyword, name, value }) => {
    const at = inside(path, keyword, name)
    const values = property(object, name)
    const same = kept.filter((other) => other.name === name)
    if (values.isNever) return []
    if (Array.isArray(value)) {
      const arrays = same.filter((other) => Array.isArray(other.value))
      const present = new Set([...object.required, ...arrays.flatMap((other) => namesOf(other.value))])
      if (namesOf(value).every((needed) => present.has(needed) || needed === name)) return []
      return [problem(arrays.length === 0 ? 'DEPENDENCY_ARRAY_ADDED' : 'DEPENDENCY_ARRAY_EXTENDED', at)]
    }
    const node = asNode(value, reader.document)
    if (node === undefined) return []
    const schemas = same.flatMap((other) => asNode(other.value, other.document) ?? [])
    const problems = comparison.compare(node, object.written.and(schemas), at)
    return problems.length > 0 && schemas.length === 0 ? [problem('DEPENDENCY_SCHEMA_ADDED', at)] : problems
  })
}

function* dependencies({ schema, document }: Facts) {
  for (const keyword of ['dependencies', 'dependentRequired', 'dependentSchemas']) {
    const value = schema[keyword]
    if (typeof value !== 'object' || value === null) continue
    for (const [name, needed] of Object.entries(value)) yield { keyword, name, value: needed as unknown, document }
  }
}

function unique(problems: readonly JsonIncompatibility[]): readonly JsonIncompatibility[] {
  return [...new Map(problems.map((found) => [`${found.type} ${found.path}`, found])).values()]
}
