// Rules of arrays: items by position and all others, in open, closed and partially open content models.
import { type ArrayModel, arrayModel, type Part } from './content.ts'
import { inside, type JsonIncompatibility, problem } from './problem.ts'
import { asNode, type Comparing, type Facts, Written } from './written.ts'

/** The values of the item at a position, or of all items after those that have one. */
function item(models: readonly ArrayModel[], index: number): Written {
  return Written.of(models.flatMap(({ prefix, rest }) => (prefix[index] ?? rest)?.node ?? []))
}

export function arrayProblems(
  comparison: Comparing,
  reader: Facts,
  written: Written,
  path: string,
): readonly JsonIncompatibility[] {
  const models = written.facts.map((facts) => arrayModel(facts, 'writer'))
  const model = arrayModel(reader, 'reader')
  const positions = Math.max(model.prefix.length, ...models.map(({ prefix }) => prefix.length))
  const found: JsonIncompatibility[] = []
  for (let index = 0; index < positions; index++) found.push(...itemProblems(comparison, model, models, index, path))
  found.push(...restProblems(comparison, model, item(models, positions), path))
  if (reader.schema.uniqueItems === true && !written.facts.some(({ schema }) => schema.uniqueItems === true)) {
    found.push(problem('UNIQUE_ITEMS_ADDED', inside(path, 'uniqueItems')))
  }
  return [...found, ...containsProblems(comparison, reader, written, path)]
}

function itemProblems(
  comparison: Comparing,
  model: ArrayModel,
  models: readonly ArrayModel[],
  index: number,
  path: string,
): readonly JsonIncompatibility[] {
  const read = model.prefix[index]
  const part = read ?? model.rest
  const values = item(models, index)
  if (part === undefined || values.isNever) return []
  const written = models.find(({ prefix }) => prefix[index] !== undefined)?.prefix[index]
  const problems = comparison.compare(part.node, values, inside(path, ...part.place))
  if (problems.length === 0 || (read !== undefined && written !== undefined)) return problems
  const at = inside(path, ...(read ?? (written as Part)).place)
  if (read !== undefined) {
    const isOpen = values.facts.length === 0 && values.choices.length === 0
    return [
      problem(
        isOpen ? 'ITEM_ADDED_TO_OPEN_CONTENT_MODEL' : 'ITEM_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL',
        at,
      ),
    ]
  }
  const isClosed = part.node.schema === false
  return [
    problem(
      isClosed ? 'ITEM_REMOVED_FROM_CLOSED_CONTENT_MODEL' : 'ITEM_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL',
      at,
    ),
  ]
}

function restProblems(
  comparison: Comparing,
  model: ArrayModel,
  values: Written,
  path: string,
): readonly JsonIncompatibility[] {
  if (model.rest === undefined) return []
  const at = inside(path, ...model.rest.place)
  const problems = comparison.compare(model.rest.node, values, at)
  if (problems.length === 0) return []
  if (model.rest.node.schema === false) return [problem('ADDITIONAL_ITEMS_REMOVED', at)]
  const isOpen = values.facts.length === 0 && values.choices.length === 0
  if (!isOpen) return problems
  return [problem(model.isTuple ? 'ADDITIONAL_ITEMS_NARROWED' : 'SCHEMA_ADDED', at)]
}

/** `contains` with its counts: the same in the writer's, or looser. */
function containsProblems(
  comparison: Comparing,
  reader: Facts,
  written: Written,
  path: string,
): readonly JsonIncompatibility[] {
  const node = asNode(reader.schema.contains, reader.document)
  if (node === undefined) return []
  const { least, most } = counts(reader)
  const isKept = written.facts.some((facts) => {
    const other = asNode(facts.schema.contains, facts.document)
    if (other === undefined) return false
    const bounds = counts(facts)
    if (bounds.least < least || bounds.most > most) return false
    const isWider = comparison.compare(node, Written.of([other]), path).length === 0
    // A limit counts the items that the reader's schema finds: they must be those that the writer's finds.
    return isWider && (most === Infinity || comparison.compare(other, Written.of([node]), path).length === 0)
  })
  if (isKept || (least <= 0 && most === Infinity)) return []
  return [problem('CONTAINS_CHANGED', inside(path, 'contains'))]
}

function counts({ schema, document }: Facts): { readonly least: number; readonly most: number } {
  const hasCounts = document.draft === '2019-09' || document.draft === '2020-12'
  const number = (value: unknown, fallback: number) => (hasCounts && typeof value === 'number' ? value : fallback)
  return { least: number(schema.minContains, 1), most: number(schema.maxContains, Infinity) }
}
